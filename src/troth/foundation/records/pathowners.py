"""The number, in a batch of people, of the person whose row it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from troth.foundation.records.catalogue import Column
from troth.foundation.records.spelling import EACH, json_text
from troth.policy.datamap import (
    ByIdentifier,
    ByKey,
    ByRow,
    InJson,
    InText,
    Normalising,
    OwnRow,
    SinglePath,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

    from troth.foundation.records.reach import Reach, ReachedTable

from troth.foundation.records.pathwalk import Walk, onward, roles_of, singles

Columns = Sequence["ColumnElement[Any]"]


class Numbers(Protocol):
    """A batch of people in which each has a number."""

    def number(self, kind: str, columns: Columns, seen: Sequence[Column]) -> ColumnElement[int]:
        """The number of the person of `kind` whose key `columns` hold; NULL for anybody else's."""

    def number_of(
        self, kind: str, identifier: str | None, test: Callable[[ColumnElement[str]], ColumnElement[bool]]
    ) -> ColumnElement[int]:
        """The lowest number of a person for one of whose values `test` is true; NULL where there is none."""

    def number_equal(
        self, kind: str, identifier: str | None, text: ColumnElement[str], normalise: tuple[Normalising, ...]
    ) -> ColumnElement[int]:
        """The lowest number of a person of whom `text`, evened out, is an identifier; NULL where there is none."""


class Owner(Walk):
    """The reading that gives the number of the person whose row it is."""

    def __init__(self, reach: Reach, numbers: Numbers) -> None:
        super().__init__(reach)
        self.numbers = numbers

    def row(
        self, table: ReachedTable, row: FromClause, role: str | None = None, passed: tuple[str, ...] = ()
    ) -> ColumnElement[int]:
        import sqlalchemy

        paths = [single for whose in roles_of(table.table, role) for single in singles(whose)]
        found = [self._path(table, row, single, (*passed, table.name)) for single in paths if onward(single, passed)]
        if not found:
            return sqlalchemy.cast(sqlalchemy.null(), sqlalchemy.Integer)
        return found[0] if len(found) == 1 else sqlalchemy.func.coalesce(*found)

    def _path(
        self, table: ReachedTable, row: FromClause, path: SinglePath, passed: tuple[str, ...]
    ) -> ColumnElement[int]:
        import sqlalchemy

        found: ColumnElement[int]
        match path:
            case OwnRow() | ByKey():
                names = self.key_columns(path)
                seen = [table.seen.columns[name] for name in names]
                found = self.numbers.number(path.person, [row.c[name] for name in names], seen)
            case ByRow():
                if path.table in passed:
                    return sqlalchemy.cast(sqlalchemy.null(), sqlalchemy.Integer)
                other, at = self.target(table, path)
                target = other.core.alias()
                mine, far = self.joined(table, row, path, target, at)
                lowest = sqlalchemy.select(sqlalchemy.func.min(self.row(other, target, None, passed)))
                lowest = lowest.select_from(target).where(*(a == b for a, b in zip(mine, far, strict=True)))
                found = lowest.correlate_except(target).scalar_subquery()
            case ByIdentifier():
                text = self.text(table, row, path.column)
                found = self.numbers.number_equal(path.person, path.identifier, text, path.normalise)
            case InJson() if EACH not in path.keys and path.column is not None:
                text = json_text(row.c[path.column], path.keys)
                found = self.numbers.number_equal(path.person, path.identifier, text, self.wants(path))
            case InJson() | InText():
                found = self.numbers.number_of(path.person, path.identifier, self.test(table, row, path))
            case never:
                assert_never(never)
        conditions_ = self.where(table, row, path)
        return sqlalchemy.case((sqlalchemy.and_(*conditions_), found)) if conditions_ else found
