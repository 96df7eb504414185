"""What is wrong with a ledger, and exactly where: the answer of every verification."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST = 1_000
"""Findings that are kept; of those beyond only the number is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `place` counts from 0 in the tree, `leaf` is the row; each is None where there is none.

    `where` says in words what was looked at.
    """

    where: str
    message: str
    place: int | None = None
    leaf: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(slots=True)
class Verification:
    """The outcome: how many entries stand in the tree, their root, and what was found. Empty findings: it holds."""

    origin: str | None = None
    size: int = 0
    root: bytes = b""
    heads: int = 0
    waiting: int = 0
    count: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was not looked at and could have been, in words."""

    @property
    def holds(self) -> bool:
        return self.count == 0

    def add(self, where: str, message: str, *, place: int | None = None, leaf: int | None = None) -> None:
        """Note one thing that is wrong."""
        self.count += 1
        if len(self.findings) < MOST:
            self.findings.append(Finding(where, message, place, leaf))


def entry(place: int | None, leaf: int | None) -> str:
    """How an entry is called: by its place in the tree and its row, as far as it has them."""
    if place is None:
        return f"leaf {leaf}"
    return f"entry {place}" if leaf is None else f"entry {place} (leaf {leaf})"
