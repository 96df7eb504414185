"""Rows in and rows out, about a thousand at a time: CSV, JSON lines, Parquet, or mappings of the caller's own.

A `Batch` is columns, not rows: whole columns are dropped, looked up and written at once. Nothing is kept that has
passed, so memory does not grow with the number of rows. What cannot be read is told by its row, never by its value.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from json.encoder import encode_basestring
from typing import IO, Any, Protocol

from troth.errors import RowsUnreadable
from troth.sharing.spool import Sink
from troth.sharing.words import Form

SIZE = 1024
"""Rows of one batch, at most: few enough that they stay near the processor while they pass."""

_LAKE = "Install the extra `troth[lake]`."


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows as columns of equal length; `first` is the number of its first row, from 1."""

    first: int
    count: int
    columns: Mapping[str, Sequence[Any]]


def read(file: IO[bytes], form: Form) -> Iterator[Batch]:
    """The rows of an open file. Raises: RowsUnreadable with the number of the row, while they are read."""
    if form is Form.CSV:
        return _read_csv(file)
    return _read_jsonl(file) if form is Form.JSONL else _read_parquet(file)


def of_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Batch]:
    """The batches of mappings, one a row. A name that a row lacks is empty there."""
    waiting, first = iter(rows), 1
    while chunk := list(islice(waiting, SIZE)):
        names = dict.fromkeys(name for row in chunk for name in row)
        yield Batch(first, len(chunk), {name: [row.get(name) for row in chunk] for name in names})
        first += len(chunk)


def form_of(name: str) -> Form | None:
    """The form that the ending of a file's name tells."""
    endings = {".csv": Form.CSV, ".jsonl": Form.JSONL, ".ndjson": Form.JSONL, ".parquet": Form.PARQUET}
    return next((form for ending, form in endings.items() if name.lower().removesuffix(".age").endswith(ending)), None)


def _read_csv(file: IO[bytes]) -> Iterator[Batch]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    reader = csv.reader(text, strict=True)
    try:
        names = next(reader, None)
        if names is None:
            return
        names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
        if len(set(names)) < len(names):
            raise RowsUnreadable("two columns have the same name", where="row 1", expected="one name for each column")
        first = 1
        while rows := list(islice(reader, SIZE)):
            try:
                columns = tuple(zip(*rows, strict=True))
            except ValueError:
                columns = ()
            if len(columns) != len(names):
                rows = [row for row in rows if row]
                odd = next((n for n, row in enumerate(rows) if len(row) != len(names)), None)
                if odd is not None:
                    raise RowsUnreadable(
                        f"the row has {len(rows[odd])} fields, and the head names {len(names)}",
                        where=f"row {first + odd}",
                    )
                if not rows:
                    continue
                columns = tuple(zip(*rows, strict=True))
            yield Batch(first, len(rows), dict(zip(names, columns, strict=True)))
            first += len(rows)
    except csv.Error:
        raise RowsUnreadable("this is not CSV (RFC 4180)", where=f"line {reader.line_num}") from None
    except UnicodeDecodeError:
        raise RowsUnreadable("the file is not UTF-8", where=f"after line {reader.line_num}") from None
    finally:
        text.detach()


def _read_jsonl(file: IO[bytes]) -> Iterator[Batch]:
    def rows() -> Iterator[Mapping[str, Any]]:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise RowsUnreadable("the line is not a JSON object", where=f"line {number}")
            yield row

    return of_rows(rows())


def _read_parquet(file: IO[bytes]) -> Iterator[Batch]:
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise RowsUnreadable("Parquet cannot be read here", repair=_LAKE) from None
    first = 1
    try:
        for part in parquet.ParquetFile(file).iter_batches(batch_size=SIZE):
            yield Batch(first, part.num_rows, {name: part.column(name).to_pylist() for name in part.schema.names})
            first += part.num_rows
    except (ArrowException, OSError, ValueError):
        raise RowsUnreadable("this is not a Parquet file", where=f"after row {first - 1}") from None


class Writer(Protocol):
    """Takes columns in the order of its names; `close` writes what is left to write, and leaves the file open."""

    def write(self, columns: Sequence[Sequence[Any]]) -> None: ...

    def close(self) -> None: ...


def writer(form: Form, names: Sequence[str], file: Sink) -> Writer:
    """What writes rows with these names into `file`. Raises: RowsUnreadable where Parquet cannot be written here."""
    if form is Form.PARQUET:
        return _Parquet(names, file)
    return _Csv(names, file) if form is Form.CSV else _JsonLines(names, file)


class _JsonLines:
    def __init__(self, names: Sequence[str], file: Sink) -> None:
        pairs = ", ".join(f"{encode_basestring(name).replace('%', '%%')}: %s" for name in names)
        self._line: Callable[[Any], str] = f"{{{pairs}}}\n".__mod__
        self._file = file

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        text = "".join(map(self._line, zip(*map(_encoded, columns), strict=True)))
        try:
            self._file.write(text.encode())
        except UnicodeEncodeError:
            raise RowsUnreadable("a value holds half a letter (a lone surrogate)") from None

    def close(self) -> None:
        """Nothing is left to write."""


def _encoded(column: Sequence[Any]) -> Iterable[str]:
    """Each value of a column as JSON; a column of text alone is written by the machine's own encoder."""
    if set(map(type, column)) == {str}:
        return map(encode_basestring, column)
    return map(_as_json, column)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


class _Csv:
    def __init__(self, names: Sequence[str], file: Sink) -> None:
        self._file = file
        self._written([names])

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        self._written(zip(*columns, strict=True))

    def close(self) -> None:
        """Nothing is left to write."""

    def _written(self, rows: Iterable[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        try:
            self._file.write(text.getvalue().encode())
        except UnicodeEncodeError:
            raise RowsUnreadable("a value holds half a letter (a lone surrogate)") from None


class _Parquet:
    """Types are those of the first batch; a column that is empty there is text."""

    def __init__(self, names: Sequence[str], file: Sink) -> None:
        try:
            import pyarrow as pa
        except ModuleNotFoundError:
            raise RowsUnreadable("Parquet cannot be written here", repair=_LAKE) from None
        self._names, self._file, self._arrow = list(names), file, pa
        self._writer: Any = None

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        from pyarrow import parquet

        pa = self._arrow
        try:
            if self._writer is None:
                kinds = [pa.infer_type(list(column)) for column in columns]
                known = [pa.string() if pa.types.is_null(kind) else kind for kind in kinds]
                self._schema = pa.schema(list(zip(self._names, known, strict=True)))
                self._writer = parquet.ParquetWriter(self._file, self._schema)
            arrays = [pa.array(list(column), each.type) for column, each in zip(columns, self._schema, strict=True)]
        except pa.ArrowException:
            raise RowsUnreadable(
                "a column has values of different kinds", expected="one kind in each column of Parquet"
            ) from None
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        if self._writer is None:
            self.write([[] for _ in self._names])
        self._writer.close()
