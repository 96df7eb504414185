"""Labelled schemas: read them, judge them by names alone, and score the judgement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from troth.collection.discovery import ColumnFinding, Nature, judge
from troth.foundation.records.catalogue import Catalogue, Column, ColumnKind, ForeignKey, Table, TableKind

FOLDER = Path(__file__).parent / "schemas"
_TABLE = re.compile(r"table (\S+) \(([^)]*)\)")
_COLUMN = re.compile(r"  (\S+) (\S+) (\S+)(?: (->|~>) (\S+))?")
_KINDS = {"int": ColumnKind.NUMBER, "bool": ColumnKind.BOOLEAN} | {kind.value: kind for kind in ColumnKind}


@dataclass(frozen=True)
class Labelled:
    """A catalogue, and the label of each of its columns by (table, column)."""

    catalogue: Catalogue
    labels: dict[tuple[str, str], str]
    targets: dict[tuple[str, str], str]


@dataclass
class Score:
    """Counts over columns labelled yes or no; `wrong` says which went wrong and how."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.counts["hit"] / max(1, self.counts["hit"] + self.counts["false"])

    @property
    def recall(self) -> float:
        return self.counts["hit"] / max(1, self.counts["hit"] + self.counts["missed"])

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)

    @property
    def categories_right(self) -> float:
        return self.counts["category"] / max(1, self.counts["hit"])

    @property
    def links_right(self) -> float:
        return self.counts["link"] / max(1, self.counts["links"])


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load(name: str) -> Labelled:
    tables: dict[str, tuple[tuple[str, ...], dict[str, Column], list[ForeignKey]]] = {}
    labels: dict[tuple[str, str], str] = {}
    targets: dict[tuple[str, str], str] = {}
    current = ""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if head := _TABLE.fullmatch(line):
            current = head[1]
            tables[current] = (tuple(head[2].split()), {}, [])
        elif part := _COLUMN.fullmatch(line):
            column, kind, label, arrow, target = part.groups()
            tables[current][1][column] = Column(column, kind, _KINDS[kind], nullable=True)
            labels[current, column] = label
            if arrow == "->":
                tables[current][2].append(ForeignKey((column,), target, (), "NO ACTION"))
            if arrow:
                targets[current, column] = target
        else:
            assert line.startswith("#") or not line, line
    made = {
        table: Table(
            table,
            TableKind.TABLE,
            columns,
            key,
            tuple(ForeignKey(k.columns, k.table, tables[k.table][0], "") for k in keys),
        )
        for table, (key, columns, keys) in tables.items()
    }
    return Labelled(Catalogue(name, made), labels, targets)


def judged(name: str) -> Iterator[tuple[ColumnFinding, str, str | None]]:
    """Each finding with its label and the table that it points at."""
    labelled = load(name)
    for finding in judge(labelled.catalogue, {}):
        key = (finding.place.table, finding.place.column or "")
        yield finding, labelled.labels[key], labelled.targets.get(key)


def score(*schemas: str) -> Score:
    found = Score()
    for name in schemas:
        for finding, label, target in judged(name):
            _count(found, finding, label, target)
    return found


def _count(found: Score, finding: ColumnFinding, label: str, target: str | None) -> None:
    personal = finding.verdict is Nature.PERSONAL
    if label.endswith("?"):
        return
    if label == "link":
        found.counts["links"] += 1
        right = finding.verdict is Nature.LINK and finding.link == target
        found.counts["link"] += right
        if not right:
            found.wrong.append(
                f"{finding.place}: link to {target}, said {finding.verdict} {finding.category or finding.link}"
            )
    elif label == "no":
        found.counts["false"] += personal
        if personal:
            found.wrong.append(f"{finding.place}: nothing, said {finding.category} ({finding.rule})")
    else:
        found.counts["hit" if personal else "missed"] += 1
        found.counts["category"] += personal and finding.category == label
        if not personal or finding.category != label:
            found.wrong.append(f"{finding.place}: {label}, said {finding.verdict} {finding.category}")
