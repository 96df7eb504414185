"""Rows in and rows out, about a thousand at a time: CSV, JSON lines, Parquet, or mappings of the caller's own.

A `Batch` is columns, not rows: whole columns are dropped, looked up and written at once. Nothing is kept that has
passed, so memory does not grow with the number of rows. What cannot be read is told by its row, never by its value.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice, repeat
from json.encoder import encode_basestring
from typing import IO, Any, Protocol

from troth.errors import RowsUnreadable
from troth.foundation.age import Sink
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
    passed = 0  # lines before those that `reader` counts
    reader = csv.reader(text, strict=True)
    try:
        names = next(reader, None)
        if names is None:
            return
        passed = reader.line_num
        names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
        if len(set(names)) < len(names):
            raise RowsUnreadable("two columns have the same name", where="row 1", expected="one name for each column")
        first = 1
        while lines := list(islice(text, SIZE)):
            columns: Sequence[Sequence[str]] | None = _split(lines, len(names))
            if columns is None:
                # a value that goes over a line's end takes what it needs from `text`, and stops at the end of its row
                reader = csv.reader(chain(lines, text), strict=True)
                columns = _columns(list(islice(reader, SIZE)), len(names), first)
                passed += reader.line_num
            else:
                passed += len(lines)
            if count := len(columns[0]):
                yield Batch(first, count, dict(zip(names, columns, strict=True)))
                first += count
    except csv.Error:
        raise RowsUnreadable("this is not CSV (RFC 4180)", where=f"line {passed + reader.line_num}") from None
    except UnicodeDecodeError:
        raise RowsUnreadable("the file is not UTF-8", where=f"after line {passed}") from None
    finally:
        text.detach()


def _split(lines: list[str], width: int) -> list[list[str]] | None:
    """The columns of lines that can be cut at each comma; None where they cannot, or are not all `width` fields.

    Without a quotation mark CSV has nothing but commas and ends of lines; what the reader says of anything else (an
    empty line, another number of fields, a field that is too long) it shall say itself.
    """
    text = "".join(lines)
    if '"' in text or width < 2 or set(map(str.count, lines, repeat(","))) != {width - 1}:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    limit = csv.field_size_limit()
    if len(text) > limit and max(map(len, lines)) > limit:
        return None
    fields = text.removesuffix("\n").replace("\n", ",").split(",")
    return [fields[at::width] for at in range(width)]


def _columns(rows: list[list[str]], width: int, first: int) -> Sequence[Sequence[str]]:
    """The columns of rows, without the empty ones. Raises: RowsUnreadable for a row of another width."""
    rows = list(filter(None, rows))
    odd = next((n for n, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise RowsUnreadable(
            f"the row has {len(rows[odd])} fields, and the head names {width}", where=f"row {first + odd}"
        )
    return list(zip(*rows, strict=True)) or [()] * max(width, 1)


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
    """Each line is put together of what stands between the values, which is made once, and the values themselves."""

    def __init__(self, names: Sequence[str], file: Sink) -> None:
        self._names = [f"{encode_basestring(name)}: " for name in names]
        self._file = file

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        count = len(columns[0])
        if not count:
            return
        between: list[str] = []
        values: list[Iterable[str]] = []
        end = ""
        for name, column in zip(self._names, columns, strict=True):
            encoded, mark = _encoded(column)
            between += [f"{end}{', ' if between else '{'}{name}{mark}", ""]
            values.append(encoded)
            end = mark
        parts = between * count
        parts[:: len(between)] = [f"{end}}}\n{between[0]}"] * count
        parts[0] = between[0]
        for at, encoded in enumerate(values):
            parts[2 * at + 1 :: len(between)] = encoded
        parts.append(f"{end}}}\n")
        try:
            self._file.write("".join(parts).encode())
        except UnicodeEncodeError:
            raise RowsUnreadable("a value holds half a letter (a lone surrogate)") from None

    def close(self) -> None:
        """Nothing is left to write."""


def _encoded(column: Sequence[Any]) -> tuple[Iterable[str], str]:
    """Each value of a column as JSON, and the quotation mark that it wants around it where it has none.

    What is printable and has neither mark nor backslash is JSON as it stands; so a column of text is looked at as one.
    """
    try:
        text = "".join(column)
    except TypeError:
        return list(map(_as_json, column)), ""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return column, '"'
    return list(map(encode_basestring, column)), ""


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
