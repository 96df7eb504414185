"""One mapping of a declared file, read key by key; whatever is wrong goes to the collector with its place.

Every reader gives a usable value also where it found a fault, so that reading goes on and all faults are told at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from troth.policy.documents import Faults, Path_, nearest

Word = TypeVar("Word", bound=StrEnum)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry:
    """The mapping at `path`. Keys that no reader may ask for are faults: see `only`."""

    faults: Faults
    path: Path_
    value: dict[str, Any]

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def add(
        self, message: str, *, key: str | None = None, expected: str | None = None, near: str | None = None
    ) -> None:
        """Tell a fault of this entry, or of the value under `key`."""
        path = self.path if key is None else (*self.path, key)
        self.faults.add(path, message, expected=expected, nearest=near)

    def only(self, *allowed: str, thing: str) -> None:
        """A fault for every key that is not `allowed`."""
        for key in self.value:
            if key not in allowed:
                self.faults.add(
                    (*self.path, key),
                    f'"{key}" is no part of {thing}.',
                    expected=f"one of: {', '.join(allowed)}",
                    nearest=nearest(key, allowed),
                    at_key=True,
                )

    def text(self, key: str, *, required: str | None = None) -> str | None:
        """The text under `key`; where it is `required`, its absence is a fault that says why."""
        value = self.value.get(key)
        if value is None:
            if required is not None:
                self.add(f"`{key}` is missing.", expected=required)
            return None
        if not isinstance(value, str) or not value.strip():
            self.add(f"{shown(value)} is not a text.", key=key, expected=required or "a text")
            return None
        return value.strip()

    def yes(self, key: str, *, default: bool) -> bool:
        """`yes` or `no` under `key` (true and false say the same)."""
        value = self.value.get(key, default)
        if isinstance(value, bool):
            return value
        if value in ("yes", "no"):
            return bool(value == "yes")
        self.add(f"{shown(value)} is neither yes nor no.", key=key, expected="yes or no")
        return default

    def word(self, key: str, words: type[Word], thing: str) -> Word | None:
        """One of a closed list of words under `key`; `yes` and `no` may be written as true and false."""
        value = self.value.get(key)
        if value is None:
            return None
        if isinstance(value, bool):
            value = "yes" if value else "no"
        return self._word(value, (*self.path, key), words, thing)

    def words(self, key: str, words: type[Word], thing: str) -> tuple[Word, ...] | None:
        """Some of a closed list of words under `key`: one text, or a list of them."""
        value = self.value.get(key)
        if value is None:
            return None
        parts = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        found = (
            self._word(each, (*self.path, key) if at is None else (*self.path, key, at), words, thing)
            for at, each in parts
        )
        return tuple(word for word in found if word is not None)

    def name(self, key: str, *, required: str | None = None) -> str | None:
        """A name of the store's own (table, column) under `key`; numbers count as names."""
        if self.value.get(key) is None:
            return self.text(key, required=required)
        return name_of(self.value[key], self.faults, (*self.path, key))

    def names(self, key: str, *, required: str | None = None) -> tuple[str, ...]:
        """One name or a list of names under `key`, each once."""
        value = self.value.get(key)
        if value is None:
            if required is not None:
                self.add(f"`{key}` is missing.", expected=required)
            return ()
        parts = value if isinstance(value, list) else [value]
        found = tuple(
            name
            for at, each in enumerate(parts)
            if (
                name := name_of(
                    each, self.faults, (*self.path, key, at) if isinstance(value, list) else (*self.path, key)
                )
            )
        )
        if len(set(found)) < len(found):
            self.add("a name stands here twice.", key=key)
        return tuple(dict.fromkeys(found))

    def entry(self, key: str, *, expected: str) -> Entry | None:
        """The mapping under `key`, if there is one."""
        if self.value.get(key) is None:
            return None
        return entry_of(self.value[key], self.faults, (*self.path, key), expected=expected)

    def entries(self, key: str, *, expected: str) -> Iterator[tuple[str, Any, Path_]]:
        """Name, value and path of each part of the mapping under `key`."""
        inside = self.entry(key, expected=expected)
        for name, value in (inside.value if inside else {}).items():
            yield name, value, (*self.path, key, name)

    def parsed(self, key: str, parse: Callable[[str], Result]) -> Result | None:
        """The text under `key` read by `parse`, whose ValueError says what was expected."""
        text = self.text(key)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as problem:
            self.add("this cannot be read.", key=key, expected=str(problem))
            return None

    def _word(self, value: Any, path: Path_, words: type[Word], thing: str) -> Word | None:
        try:
            return words(value)
        except ValueError:
            known = [word.value for word in words]
            near = nearest(value, known) if isinstance(value, str) else None
            self.faults.add(
                path, f"{shown(value)} is not {thing}.", expected=f"one of: {', '.join(known)}", nearest=near
            )
            return None


def entry_of(value: Any, faults: Faults, path: Path_, *, expected: str) -> Entry | None:
    """`value` as an entry; a fault and None when it is no mapping."""
    if isinstance(value, dict):
        return Entry(faults, path, value)
    faults.add(path, f"{shown(value)} stands where a mapping should.", expected=expected)
    return None


def name_of(value: Any, faults: Faults, path: Path_) -> str | None:
    """`value` as a name of the store's own. A bare `null`, `true` or date was taken for something else by YAML."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    faults.add(
        path, f"{shown(value)} is not a name.", expected="a name; in quotes where YAML reads it as something else"
    )
    return None


def known(name: str, names: Collection[str], thing: str, faults: Faults, path: Path_) -> bool:
    """Whether `name` is one of `names`; a fault with the nearest where it is not."""
    if name in names:
        return True
    expected = f"one of: {', '.join(names)}" if names else f"a {thing} to be declared first"
    faults.add(path, f'"{name}" is no {thing}.', expected=expected, nearest=nearest(name, names))
    return False


def shown(value: Any) -> str:
    """A value of the file as a message quotes it, never long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
