"""How one path becomes one condition: theirs, or somebody else's.

Each reading walks a chain from the row towards the person; every step is a subquery over an alias of its own, so that
a table may stand on the way of itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, assert_never

from troth.foundation.records.catalogue import ColumnKind
from troth.foundation.records.keys import Keys
from troth.foundation.records.spelling import EACH, evened, holds, holds_bytes, json_text
from troth.policy.datamap import (
    ByIdentifier,
    ByKey,
    ByRow,
    InJson,
    InText,
    OwnRow,
    SinglePath,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause

    from troth.foundation.records.reach import Reach, ReachedTable

from troth.foundation.records.pathwalk import Walk, onward, roles_of, singles


class Theirs(Walk):
    """The reading that asks whether a row is one of these people's."""

    def __init__(self, reach: Reach, keys: Keys) -> None:
        super().__init__(reach)
        self.keys = keys

    def rows(
        self, table: ReachedTable, row: FromClause, role: str | None = None, passed: tuple[str, ...] = ()
    ) -> ColumnElement[bool]:
        """The condition over `row`; `passed`: the tables that the chain came through."""
        import sqlalchemy

        paths = [single for whose in roles_of(table.table, role) for single in singles(whose)]
        paths = [single for single in paths if onward(single, passed)]
        key = table.seen.primary_key
        again = any(isinstance(each, ByRow) and each.table == table.name for each in paths)
        if again and key and not table.table.roles:
            return self._of_keys(row, key, self._again(table))
        if len(paths) > 1 and key and any(isinstance(single, ByRow) for single in paths):
            return self._any_of(table, row, paths, (*passed, table.name))
        clauses = [self.path(table, row, single, (*passed, table.name)) for single in paths]
        return sqlalchemy.or_(sqlalchemy.false(), *clauses)

    def _any_of(
        self, table: ReachedTable, row: FromClause, paths: Sequence[SinglePath], passed: tuple[str, ...]
    ) -> ColumnElement[bool]:
        """Rows by their primary key, path by path: behind an OR no store looks up a subquery by an index."""
        import sqlalchemy

        key = table.seen.primary_key
        ways = []
        for single in paths:
            again = table.core.alias()
            way = sqlalchemy.select(*(again.c[name] for name in key)).where(self.path(table, again, single, passed))
            ways.append(way.correlate(None))
        return self._of_keys(row, key, sqlalchemy.union_all(*ways).subquery())

    def _of_keys(self, row: FromClause, key: tuple[str, ...], found: FromClause) -> ColumnElement[bool]:
        import sqlalchemy

        chosen = sqlalchemy.select(*(found.c[name] for name in key)).select_from(found).correlate(None)
        mine = [row.c[name] for name in key]
        return mine[0].in_(chosen) if len(mine) == 1 else sqlalchemy.tuple_(*mine).in_(chosen)

    def path(
        self, table: ReachedTable, row: FromClause, path: SinglePath, passed: tuple[str, ...]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        found: ColumnElement[bool]
        match path:
            case OwnRow() | ByKey():
                names = self.key_columns(path)
                seen = [table.seen.columns[name] for name in names]
                found = self.keys.hold(path.person, [row.c[name] for name in names], seen)
            case ByRow():
                found = self._hanging(table, row, path, passed)
            case ByIdentifier():
                text = self.text(table, row, path.column)
                found = self.keys.equal(path.person, path.identifier, text, path.normalise)
            case InJson() if EACH not in path.keys and path.column is not None:
                text = json_text(row.c[path.column], path.keys)
                found = self.keys.equal(path.person, path.identifier, text, self.wants(path))
            case InJson() | InText():
                found = self.keys.some(path.person, path.identifier, self.test(table, row, path))
            case never:
                assert_never(never)
        return sqlalchemy.and_(found, *self.where(table, row, path))

    def _hanging(
        self, table: ReachedTable, row: FromClause, path: ByRow, passed: tuple[str, ...]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        other, at = self.target(table, path)
        target = self._again(other) if path.table == table.name else other.core.alias()
        mine, far = self.joined(table, row, path, target, at)
        chosen = sqlalchemy.select(*far).select_from(target).correlate(None)
        if path.table != table.name:
            chosen = chosen.where(self.rows(other, target, None, passed))
        found: ColumnElement[bool] = mine[0].in_(chosen) if len(mine) == 1 else sqlalchemy.tuple_(*mine).in_(chosen)
        return found

    def _again(self, table: ReachedTable) -> FromClause:
        """The rows that are theirs by another path, those that hang on them, those that hang on these, and so on."""
        import sqlalchemy

        paths = [single for whose in roles_of(table.table, None) for single in singles(whose)]
        inside = [single for single in paths if isinstance(single, ByRow) and single.table == table.name]
        joins = [self.target(table, each)[1] for each in inside]
        columns = (name for each, at in zip(inside, joins, strict=True) for name in (*at, *each.columns))
        names = tuple(dict.fromkeys((*table.seen.primary_key, *columns)))
        first, further = table.core.alias(), table.core.alias()
        start = [self.path(table, first, single, (table.name,)) for single in paths if single not in inside]
        base = sqlalchemy.select(*(first.c[name] for name in names)).where(sqlalchemy.or_(sqlalchemy.false(), *start))
        found = base.cte(recursive=True, nesting=True)
        hangs = []
        for each, at in zip(inside, joins, strict=True):
            mine, far = self.joined(table, further, each, found, at)
            pairs = (own == above for own, above in zip(mine, far, strict=True))
            hangs.append(sqlalchemy.and_(*pairs, *self.where(table, further, each)))
        step = sqlalchemy.select(*(further.c[name] for name in names))
        return found.union(step.select_from(further.join(found, sqlalchemy.or_(*hangs))))


class Others(Walk):
    """The reading that asks whether somebody else is on a row."""

    def __init__(self, reach: Reach, keys: Keys, nobody: Keys | None) -> None:
        super().__init__(reach)
        self.theirs = Theirs(reach, keys)
        self.nobody = None if nobody is None else Theirs(reach, nobody)

    def rows(
        self, table: ReachedTable, row: FromClause, role: str | None = None, passed: tuple[str, ...] = ()
    ) -> ColumnElement[bool]:
        import sqlalchemy

        paths = [single for whose in roles_of(table.table, role) for single in singles(whose)]
        clauses = [self._path(table, row, single, (*passed, table.name)) for single in paths if onward(single, passed)]
        return sqlalchemy.or_(*clauses) if clauses else sqlalchemy.false()

    def _path(
        self, table: ReachedTable, row: FromClause, path: SinglePath, passed: tuple[str, ...]
    ) -> ColumnElement[bool]:
        import sqlalchemy

        no = sqlalchemy.true()
        found: ColumnElement[bool]
        if isinstance(path, ByRow):
            if path.table in passed:
                return sqlalchemy.false()
            other, at = self.target(table, path)
            target = other.core.alias()
            mine, far = self.joined(table, row, path, target, at)
            still = self._pointing(other, target) if table.table.shared else self.rows(other, target, None, passed)
            chosen = sqlalchemy.select(*far).select_from(target).where(still, *(each.is_not(None) for each in far))
            if other.seen.indexed(at) and all(isinstance(each, sqlalchemy.Column) for each in far):
                # Row by row, by an index: a set of all rows that are not theirs would be the whole table.
                equal = (own == there for own, there in zip(mine, far, strict=True))
                found = chosen.where(*equal).correlate(row).exists()
            elif len(mine) == 1:
                found = mine[0].in_(chosen.correlate(None))
            else:
                found = sqlalchemy.tuple_(*mine).in_(chosen.correlate(None))
        else:
            found = sqlalchemy.and_(
                *self._somebody(table, row, path), self.theirs.path(table, row, path, passed).is_not(no)
            )
            if self.nobody is not None:
                found = sqlalchemy.and_(found, self.nobody.path(table, row, path, passed).is_not(no))
        return sqlalchemy.and_(found, *self.where(table, row, path))

    def _pointing(self, other: ReachedTable, target: FromClause) -> ColumnElement[bool]:
        """A row that points at a shared one and is none of these people's: it would be left pointing at nothing."""
        import sqlalchemy

        return self.theirs.rows(other, target).is_not(sqlalchemy.true())

    def _somebody(self, table: ReachedTable, row: FromClause, path: SinglePath) -> Iterator[ColumnElement[bool]]:
        """That the place where a person would stand is not empty."""
        import sqlalchemy

        match path:
            case OwnRow() | ByKey():
                yield from (row.c[name].is_not(None) for name in self.key_columns(path))
            case ByIdentifier():
                yield evened(self.text(table, row, path.column), path.normalise) != sqlalchemy.literal("")
            case InJson() if path.column is not None and EACH not in path.keys:
                yield json_text(row.c[path.column], path.keys) != sqlalchemy.literal("")
            case InText():
                inside = holds_bytes if table.seen.columns[path.column].kind is ColumnKind.BINARY else holds
                yield inside(row.c[path.column], sqlalchemy.literal(path.before, sqlalchemy.String()))
            case InJson() | ByRow():
                yield sqlalchemy.false() if path.column is None else row.c[path.column].is_not(None)  # type: ignore[union-attr]
            case never:
                assert_never(never)
