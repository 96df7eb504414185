"""YAML as the company wrote it, with the line and column of every value.

Read from the event stream of the parser, so that a hostile file is stopped while it is read and not after:
size, depth, number of values and the values an alias stands for are limited; duplicate keys and foreign tags are
faults. Scalars follow YAML 1.2: `no` and `on` are texts (a country code stays a country code), keys are always
texts, `2024-01-09` is a date.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from troth.errors import DeclarationFaults, Fault, UnreadableFile

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml reads the same, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_DIGITS = 18

Path_ = tuple[str | int, ...]
Mark = tuple[int, int]

_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_WORDS: Mapping[str, Any] = MappingProxyType(
    {"": None, "~": None, "null": None, "Null": None, "NULL": None}
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
)
_PLAIN_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its plain values, and where each stands."""

    file: str
    value: Any
    _values: Mapping[Path_, Mark]
    _keys: Mapping[Path_, Mark]

    def place(self, path: Path_) -> Mark:
        """Line and column, from 1, of the value at `path`; of the nearest value around it where there is none."""
        for end in range(len(path), -1, -1):
            mark = self._values.get(path[:end])
            if mark is not None:
                return mark
        return (1, 1)

    def key_place(self, path: Path_) -> Mark:
        """Line and column of the key of the mapping entry at `path`; of the value where it has no key."""
        return self._keys.get(path) or self.place(path)


@dataclass(slots=True)
class Faults:
    """Gathers what is wrong in one document, so that all of it is told at once."""

    document: Document
    found: list[Fault] = field(default_factory=list)

    def add(
        self,
        path: Path_,
        message: str,
        *,
        expected: str | None = None,
        nearest: str | None = None,
        at_key: bool = False,
    ) -> None:
        line, column = self.document.key_place(path) if at_key else self.document.place(path)
        self.found.append(Fault(self.document.file, line, column, dotted(path), message, expected, nearest))

    def raise_if_any(self) -> None:
        """Raise DeclarationFaults with all of them; return when there are none."""
        if self.found:
            raise DeclarationFaults(self.found)


def dotted(path: Path_) -> str:
    """`("use", "purposes", 0)` as `use.purposes.0`."""
    return ".".join(str(part) for part in path)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` was probably meant to be, or None."""
    close = difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
    # among near ties, letters swapped are the likelier slip than letters changed
    swapped = (candidate for candidate in close if sorted(candidate) == sorted(name))
    return next(swapped, close[0] if close else None)


def read_bytes(path: Path) -> bytes:
    """The bytes of `path`, never more than the limit; raises UnreadableFile with what to do."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        repair = "Name the file, or run `troth init` to make one." if _begun(path.name) else "Mend its path."
        raise UnreadableFile("there is no such file.", where=path.name, repair=repair) from None
    except IsADirectoryError:
        raise UnreadableFile("this is a folder, not a file.", where=path.name) from None
    except OSError as problem:
        raise UnreadableFile(f"it cannot be opened: {problem.strerror}.", where=path.name) from None
    return data


def text_of(data: bytes, file: str) -> str:
    """`data` as text; raises UnreadableFile when it is too large, binary, not UTF-8 or empty."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            f"larger than {MAX_BYTES // 1024 // 1024} MiB.", where=file, repair="Split it or name another file."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UnreadableFile(
            f"not UTF-8 text (byte {problem.start}).", where=file, repair="Save it as UTF-8 text."
        ) from None
    if "\0" in text:
        raise UnreadableFile("binary, not text.", where=file, repair="Name the text file it was made from.")
    if not text.strip():
        repair = "Start from `troth policy import` or `troth map`." if _begun(file) else None
        raise UnreadableFile("empty.", where=file, repair=repair)
    return text


def _begun(name: str) -> bool:
    """Whether a file of this name is one that `troth init` makes."""
    return name.endswith((".yaml", ".yml", ".toml"))


def load(data: bytes, file: str) -> Document:
    """Read one YAML document of plain values with their places.

    Raises UnreadableFile (too large, binary, empty) or DeclarationFaults (syntax, depth, duplicate keys, tags).
    """
    text = text_of(data, file)
    composer = _Composer(file)
    try:
        composer.run(text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DeclarationFaults(
            [*composer.faults, Fault(file, line, column, "", f"not YAML: {problem.problem or 'cannot be read'}")]
        ) from None
    except yaml.YAMLError as problem:
        raise UnreadableFile(f"not YAML: {str(problem).splitlines()[0]}.", where=file) from None
    if composer.faults:
        raise DeclarationFaults(composer.faults)
    return Document(file, composer.value, composer.values, composer.keys)


def _mark(event: Any) -> Any:
    """Where `event` begins; the C parser and the Python parser have two Mark types with the same fields."""
    return event.start_mark


class _Stop(yaml.MarkedYAMLError):
    """A limit was passed; nothing after it is read."""


class _Composer:
    """Builds plain values from the parser's events, counting as it goes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.value: Any = None
        self.values: dict[Path_, Mark] = {}
        self.keys: dict[Path_, Mark] = {}
        self.faults: list[Fault] = []
        self._count = 0
        self._anchors: dict[str, tuple[Any, int]] = {}

    def run(self, text: str) -> None:
        events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Stop(
                        problem="a second document (`---`); one file is one document", problem_mark=_mark(event)
                    )
                self.value = self._node(next(events), events, (), 0)

    def _node(self, event: Any, events: Any, path: Path_, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _Stop(problem=f"more than {MAX_VALUES} values", problem_mark=_mark(event))
        if depth > MAX_DEPTH:
            raise _Stop(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=_mark(event))
        self.values[path] = (_mark(event).line + 1, _mark(event).column + 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag not in _PLAIN_TAGS:
            self._fault(event, path, f"the tag {event.tag} has no meaning here.")
        before = self._count
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, path, depth)
        else:
            value = self._mapping(events, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise _Stop(
                problem=f"the alias *{event.anchor} stands before its anchor, or has none",
                problem_mark=_mark(event),
            )
        value, size = self._anchors[event.anchor]
        self._count += size
        if self._count > MAX_VALUES:
            raise _Stop(problem=f"aliases stand for more than {MAX_VALUES} values", problem_mark=_mark(event))
        return value

    def _sequence(self, events: Any, path: Path_, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, events: Any, path: Path_, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise _Stop(problem="a key must be a plain text", problem_mark=_mark(event))
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise _Stop(problem="merge keys (`<<`) are not part of this language", problem_mark=_mark(event))
            place = (*path, key)
            duplicate = key in entries
            if duplicate:
                first = self.keys[place][0]
                self._fault(
                    event, place, f'the key "{key}" stands here a second time; it stands first in line {first}.'
                )
            else:
                self.keys[place] = (_mark(event).line + 1, _mark(event).column + 1)
            value = self._node(next(events), events, place, depth + 1)
            if not duplicate:
                entries[key] = value
        return entries

    def _scalar(self, event: Any, path: Path_) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # quoted, or a block: always a text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.match(text):
            return int(text) if len(text) <= MAX_DIGITS else text
        if _DATE.match(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                self._fault(event, path, f"{text} is not a day of the calendar.")
                return text
        return float(text) if _FLOAT.match(text) else text

    def _fault(self, event: Any, path: Path_, message: str) -> None:
        mark = _mark(event)
        self.faults.append(Fault(self.file, mark.line + 1, mark.column + 1, dotted(path), message))
