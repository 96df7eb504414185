"""What takes the place of a value: fits the live column, or is told before anything runs."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.foundation.records.erasing.company import pseudonym
from troth.foundation.records import settings
from troth.foundation.records.catalogue import Column, ColumnKind, Index, Table, TableKind
from troth.foundation.records.settings import Fixed, Made, Shredded
from troth.policy.datamap import Change, ChangeTo


def _column(type_: str, kind: ColumnKind, *, nullable: bool = False, computed: bool = False) -> Column:
    return Column("c", type_, kind, nullable, computed=computed)


def _fit(change: Change, column: Column, *, unique: bool = False, json: bool = False) -> object:
    indexes = (Index("u", ("c",), unique=True, partial=False),) if unique else ()
    table = Table("t", TableKind.TABLE, {"c": column}, ("id",), indexes=indexes)
    return settings.fit(change, column, table, json=json)


REDACT, NULL, PSEUDONYM = Change(ChangeTo.REDACT), Change(ChangeTo.NULL), Change(ChangeTo.PSEUDONYM)
SHRED = Change(ChangeTo.SHRED)


def _constant(value: object) -> Change:
    return Change(ChangeTo.CONSTANT, value)  # type: ignore[arg-type]


def _generalise(detail: str) -> Change:
    return Change(ChangeTo.GENERALISE, detail=detail)


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        (REDACT, _column("varchar(80)", ColumnKind.TEXT), "[redacted]"),
        (REDACT, _column("character varying(5)", ColumnKind.TEXT), "-----"),
        (REDACT, _column("text", ColumnKind.TEXT, nullable=True), "[redacted]"),
        (REDACT, _column("integer", ColumnKind.NUMBER), 0),
        (REDACT, _column("integer", ColumnKind.NUMBER, nullable=True), None),
        (REDACT, _column("jsonb", ColumnKind.JSON), "{}"),
        (REDACT, _column("boolean", ColumnKind.BOOLEAN), False),
        (REDACT, _column("date", ColumnKind.TIME), "1970-01-02"),
        (REDACT, _column("mood", ColumnKind.TEXT, nullable=True), None),
        (NULL, _column("text", ColumnKind.TEXT, nullable=True), None),
        (_constant("gone"), _column("varchar(4)", ColumnKind.TEXT), "gone"),
        (_constant(7), _column("integer", ColumnKind.NUMBER), 7),
        (
            _constant(dt.date(2000, 1, 2)),
            _column("timestamp without time zone", ColumnKind.TIME),
            "2000-01-02 00:00:00",
        ),
    ],
)
def test_what_takes_the_place_fits_the_column(change: Change, column: Column, value: object) -> None:
    assert _fit(change, column) == Fixed(value)


def test_what_is_not_sealed_in_a_shredded_column_becomes_what_may_stand_there() -> None:
    assert _fit(SHRED, _column("text", ColumnKind.TEXT, nullable=True)) == Shredded(None)
    assert _fit(SHRED, _column("varchar(80)", ColumnKind.TEXT)) == Shredded("[redacted]")


@pytest.mark.parametrize(
    ("change", "column", "unique", "told"),
    [
        (NULL, _column("text", ColumnKind.TEXT), False, "NOT NULL"),
        (REDACT, _column("varchar(80)", ColumnKind.TEXT), True, "UNIQUE"),
        (REDACT, _column("enum('a','b')", ColumnKind.TEXT), False, "only some words"),
        (REDACT, _column("point", ColumnKind.OTHER), False, "say null"),
        (_constant("too long"), _column("varchar(4)", ColumnKind.TEXT), False, "8 characters, and 4 fit"),
        (_constant("seven"), _column("integer", ColumnKind.NUMBER), False, "a text does not fit"),
        (_constant(7), _column("date", ColumnKind.TIME), False, "a number does not fit"),
        (PSEUDONYM, _column("varchar(4)", ColumnKind.TEXT), False, "needs 10 characters"),
        (PSEUDONYM, _column("smallint", ColumnKind.NUMBER), False, "too few"),
        (PSEUDONYM, _column("date", ColumnKind.TIME), False, "does not fit"),
        (_generalise("network"), _column("integer", ColumnKind.NUMBER), False, "has no network"),
        (Change(ChangeTo.STAND_IN), _column("text", ColumnKind.TEXT), False, "a person's key"),
        (REDACT, _column("text", ColumnKind.TEXT, computed=True), False, "computes it"),
        (SHRED, _column("varchar(51)", ColumnKind.TEXT), False, "52 letters or more"),
        (SHRED, _column("bytea", ColumnKind.BINARY), False, "bytea holds none"),
    ],
)
def test_what_does_not_fit_is_told_with_the_repair(change: Change, column: Column, unique: bool, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        _fit(change, column, unique=unique)


@pytest.mark.parametrize(
    ("detail", "column", "value", "coarse"),
    [
        ("year", _column("date", ColumnKind.TIME), dt.date(1984, 5, 6), dt.date(1984, 1, 1)),
        ("month", _column("timestamp", ColumnKind.TIME), dt.datetime(1984, 5, 6, 7, 8), dt.datetime(1984, 5, 1)),
        ("decade", _column("text", ColumnKind.TEXT), "1984-05-06", "1980-01-01"),
        ("year", _column("text", ColumnKind.TEXT), "1984-05-06T07:08:09Z", "1984-01-01T00:00:00"),
        ("year", _column("integer", ColumnKind.NUMBER), 1_700_000_000, 1_672_531_200),
        ("decade", _column("integer", ColumnKind.NUMBER), 1984, 1980),
        ("initial", _column("text", ColumnKind.TEXT), "Ann Needle", "A."),
        ("network", _column("text", ColumnKind.TEXT), "192.0.2.77", "192.0.2.0"),
        ("network", _column("inet", ColumnKind.ADDRESS), "2001:db8:1:2::7", "2001:db8:1::"),
        ("network", _column("text", ColumnKind.TEXT), "::ffff:192.0.2.77", "192.0.2.0"),
        ("region", _column("char(5)", ColumnKind.TEXT), "10115", "10***"),
        ("region", _column("integer", ColumnKind.NUMBER), 10115, 10000),
        ("year", _column("text", ColumnKind.TEXT), "Ann's birthday", "[redacted]"),
        ("network", _column("text", ColumnKind.TEXT, nullable=True), "Ann's house", None),
        ("year", _column("text", ColumnKind.TEXT), None, None),
    ],
)
def test_a_value_becomes_coarser_or_nothing(detail: str, column: Column, value: object, coarse: object) -> None:
    setting = _fit(_generalise(detail), column)

    assert isinstance(setting, Made)
    assert settings.maker(setting, None)(value) == coarse


def test_a_pseudonym_is_the_same_for_the_same_value_and_needs_the_key() -> None:
    for column in (_column("varchar(12)", ColumnKind.TEXT), _column("bigint", ColumnKind.NUMBER), _column("uuid", ColumnKind.UUID)):  # fmt: skip
        setting = _fit(PSEUDONYM, column)
        assert isinstance(setting, Made)
        make = settings.maker(setting, pseudonym)
        assert make("ann@example.org") == make("ann@example.org") != make("bob@example.org")
        assert "ann" not in str(make("ann@example.org"))
        assert len(str(make("x"))) <= 36
    with pytest.raises(ValueError, match="needs a key"):
        settings.maker(setting, None)
