"""What a column becomes on erasure, made to fit the live column: its type, its length, whether NULL may stand there.

What does not fit is told before anything runs, with the place and the repair. A change is one of four settings: the
same value for every row (`Fixed`), the key of a stand-in person (`StandIn`), a value made from the one that stood
there (`Made`: a keyed pseudonym, or something coarser), or what is sealed as it stands (`Shredded`), for its key goes.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from troth.foundation.records import instants
from troth.foundation.records.catalogue import Column, ColumnKind, Table
from troth.foundation.sealed_values import SHORTEST
from troth.policy.datamap import Change, ChangeTo, Value

REDACTED = "[redacted]"
Pseudonym = Callable[[bytes], bytes]
"""A keyed hash of at least 16 bytes; the caller holds the key."""

_FEWEST_CHARACTERS = 10  # of a pseudonym: 50 bits
_LENGTH = re.compile(r"(?:char|character|varchar|character varying|nchar|nvarchar|text)\s*\((\d+)\)", re.IGNORECASE)
_PLAIN_TEXT = re.compile(r"\w*(?:text|char|character|clob|string)\b|(?:xml|name)\b|\s*\Z", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(.*)\Z", re.DOTALL)
_LONG_AGO = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
_BITS = {"smallint": 0, "tinyint": 0, "mediumint": 0, "bigint": 53, "int8": 53, "numeric": 0, "decimal": 0}
_BASE32 = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same value in every row; None is NULL."""

    value: Any


@dataclass(frozen=True, slots=True)
class StandIn:
    """Part `position` of the key of the stand-in person of `kind` (the id of a PersonKind)."""

    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class Made:
    """Made from the value that stands there."""

    to: ChangeTo
    detail: str | None
    column: Column


@dataclass(frozen=True, slots=True)
class Shredded:
    """What is sealed stays, and nobody can open it once the person's key is destroyed; all else becomes `otherwise`."""

    otherwise: Any


Setting = Fixed | StandIn | Made | Shredded


def say(setting: Setting) -> str:
    """The setting in one word or two, for a plan: never a value of a row."""
    if isinstance(setting, Fixed):
        if setting.value is None:
            return "null"
        return "redact" if setting.value == REDACTED else "constant"
    if isinstance(setting, StandIn):
        return "stand-in"
    if isinstance(setting, Shredded):
        return "unreadable"
    return f"generalise: {setting.detail}" if setting.detail else setting.to.value


def fit(change: Change, column: Column, table: Table, *, json: bool = False) -> Fixed | Made | Shredded:
    """`change` as it fits `column`; for every change but a stand-in. `json`: its text is read as JSON.

    Raises ValueError with what does not fit and the repair.
    """
    if column.computed:
        raise ValueError("the store computes it from other columns; change those")
    if column.name in table.primary_key:
        raise ValueError("it is part of the table's primary key; say delete, or change other columns")
    match change.to:
        case ChangeTo.NULL:
            if not column.nullable:
                raise ValueError("NULL may not stand there (NOT NULL); say redact, or let the column take NULL")
            return Fixed(None)
        case ChangeTo.REDACT:
            return Fixed(_redacted(column, table, json=json))
        case ChangeTo.CONSTANT:
            return Fixed(_constant(change.value, column))
        case ChangeTo.PSEUDONYM:
            _points_nowhere(column, table)
            _pseudonym_fits(column)
            return Made(change.to, None, column)
        case ChangeTo.GENERALISE:
            _points_nowhere(column, table)
            _coarser_fits(change.detail or "", column)
            return Made(change.to, change.detail or "", column)
        case ChangeTo.SHRED:
            _seal_fits(column)
            return Shredded(None if column.nullable else emptied(column))
        case ChangeTo.STAND_IN:
            raise ValueError("a stand-in fits a column that holds a person's key; say null, redact or pseudonym")
        case never:
            assert_never(never)


def emptied(column: Column, *, json: bool = False) -> Any:
    """The value that says nothing, where NULL may not stand. Raises ValueError where the type has none."""
    match column.kind:
        case ColumnKind.JSON:
            return "{}"
        case ColumnKind.TEXT if json:
            return "{}"
        case ColumnKind.TEXT:
            if not _PLAIN_TEXT.match(column.type):
                raise ValueError(f"only some words may stand there ({column.type}); name the one that says least")
            return fitting(REDACTED, column)
        case ColumnKind.NUMBER:
            return 0
        case ColumnKind.BOOLEAN:
            return False
        case ColumnKind.TIME:
            return _as_time(_LONG_AGO, column)
        case ColumnKind.BINARY:
            return b""
        case ColumnKind.UUID:
            return str(uuid.UUID(int=0))
        case ColumnKind.ADDRESS:
            return "0.0.0.0"  # noqa: S104 - an address that is nobody's
        case ColumnKind.OTHER:
            raise ValueError(f"nothing is known to say nothing in a {column.type or 'column without type'}; say null")
        case never:
            assert_never(never)


def fitting(text: str, column: Column) -> str:
    """`text` where it fits the column's length, else as many dashes as fit."""
    most = length_of(column)
    return text if most is None or len(text) <= most else "-" * most


def length_of(column: Column) -> int | None:
    """How many characters fit; None where the type sets no limit."""
    match = _LENGTH.search(column.type)
    return int(match[1]) if match else None


def maker(setting: Made, pseudonym: Pseudonym | None) -> Callable[[Any], Any]:
    """The function from the value that stands there to the one that takes its place.

    Raises ValueError where a pseudonym is wanted and no key is at hand.
    """
    column = setting.column
    if setting.to is ChangeTo.PSEUDONYM:
        if pseudonym is None:
            raise ValueError("a pseudonym needs a key")
        return lambda value: _pseudonym(pseudonym(_bytes(value)), column)
    detail = setting.detail or ""
    return lambda value: _coarser(value, detail, column)


# --- fixed values -----------------------------------------------------------------------------------------------------


def _redacted(column: Column, table: Table, *, json: bool) -> Any:
    single = any(index.unique and index.columns == (column.name,) for index in table.indexes)
    plain = column.kind is ColumnKind.TEXT and _PLAIN_TEXT.match(column.type) is not None
    if column.nullable and (single or not plain or _target(column, table) is not None):
        return None
    _points_nowhere(column, table)
    if single:
        raise ValueError("no two rows may have the same value there (UNIQUE); say pseudonym, or null")
    return emptied(column, json=json)


def _points_nowhere(column: Column, table: Table) -> None:
    """Raises ValueError where only the key of another row may stand, which no made value is."""
    target = _target(column, table)
    if target is not None:
        raise ValueError(f"only the key of a row of {target} may stand there; say null, stand-in, or the key of a row")


def _target(column: Column, table: Table) -> str | None:
    return next((key.table for key in table.foreign_keys if column.name in key.columns), None)


def _constant(value: Value, column: Column) -> Any:
    if value is None:
        raise ValueError("a constant is no NULL; say null")
    kind = column.kind
    most = length_of(column)
    if isinstance(value, str):
        if kind in (ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.BINARY):
            raise ValueError(f"a text does not fit {column.type}")
        if most is not None and len(value) > most:
            raise ValueError(f"the text has {len(value)} characters, and {most} fit; shorten it")
        return value
    if isinstance(value, bool):
        if kind not in (ColumnKind.BOOLEAN, ColumnKind.NUMBER):
            raise ValueError(f"yes or no does not fit {column.type}")
        return value if kind is ColumnKind.BOOLEAN else int(value)
    if isinstance(value, (int, float)):
        if kind is ColumnKind.TEXT:
            return fitting(str(value), column)
        if kind is not ColumnKind.NUMBER:
            raise ValueError(f"a number does not fit {column.type}")
        return value
    if kind not in (ColumnKind.TIME, ColumnKind.TEXT):
        raise ValueError(f"a date does not fit {column.type}")
    at = dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return _as_time(at, column) if kind is ColumnKind.TIME else f"{value:%Y-%m-%d}"


def _seal_fits(column: Column) -> None:
    most = length_of(column)
    if column.kind is not ColumnKind.TEXT or not _PLAIN_TEXT.match(column.type) or (most or SHORTEST) < SHORTEST:
        raise ValueError(f"a sealed value is text of {SHORTEST} letters or more, and {column.type} holds none")


def _as_time(at: dt.datetime, column: Column) -> Any:
    """`at` as the column writes time; as text where the type is SQLite's, which has none."""
    declared = column.type.lower()
    if declared == "date":
        return f"{at:%Y-%m-%d}"
    if "with time zone" in declared:
        return at
    return f"{at:%Y-%m-%d %H:%M:%S}"


# --- values made from values ------------------------------------------------------------------------------------------


def _pseudonym_fits(column: Column) -> None:
    most = length_of(column)
    if column.kind is ColumnKind.TEXT and _PLAIN_TEXT.match(column.type):
        if most is not None and most < _FEWEST_CHARACTERS:
            raise ValueError(f"a pseudonym needs {_FEWEST_CHARACTERS} characters, and {most} fit; say redact or null")
    elif column.kind is ColumnKind.NUMBER:
        if _bits(column) == 0:
            raise ValueError(f"too few pseudonyms fit {column.type}; say redact or null")
    elif column.kind is not ColumnKind.UUID:
        raise ValueError(f"a pseudonym does not fit {column.type or 'a column without type'}; say redact or null")


def _bits(column: Column) -> int:
    word = re.split(r"[\s(]", column.type.lower(), maxsplit=1)[0]
    return _BITS.get(word, 31)


def _pseudonym(hashed: bytes, column: Column) -> Any:
    number = int.from_bytes(hashed[:16], "big")
    if column.kind is ColumnKind.NUMBER:
        return number % (1 << _bits(column)) or 1
    if column.kind is ColumnKind.UUID:
        return str(uuid.UUID(int=number % (1 << 128), version=4))
    most = min(length_of(column) or 24, 24)
    signs = []
    for _ in range(most):
        number, sign = divmod(number, len(_BASE32))
        signs.append(_BASE32[sign])
    return "".join(signs)


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else str(value).encode("utf-8", "replace")


_FORMS: Mapping[str, tuple[ColumnKind, ...]] = {
    "year": (ColumnKind.TIME, ColumnKind.TEXT, ColumnKind.NUMBER),
    "month": (ColumnKind.TIME, ColumnKind.TEXT, ColumnKind.NUMBER),
    "decade": (ColumnKind.TIME, ColumnKind.TEXT, ColumnKind.NUMBER),
    "initial": (ColumnKind.TEXT,),
    "network": (ColumnKind.TEXT, ColumnKind.ADDRESS),
    "region": (ColumnKind.TEXT, ColumnKind.NUMBER),
}


def _coarser_fits(detail: str, column: Column) -> None:
    if column.kind not in _FORMS.get(detail, ()):
        raise ValueError(f"{column.type or 'a column without type'} has no {detail}; say null or redact")


def _coarser(value: Any, detail: str, column: Column) -> Any:
    """`value` in a coarser form; what cannot be read as what the map says becomes nothing at all."""
    if value is None:
        return None
    if detail in ("year", "month", "decade"):
        found = _coarser_time(value, detail)
    elif detail == "network":
        found = _network(str(value))
    elif detail == "initial":
        text = str(value).strip()
        found = fitting(f"{text[0]}.", column) if text and text[0].isalpha() else None
    else:
        found = _region(value)
    return found if found is not None or column.nullable else emptied(column)


def _coarser_time(value: Any, detail: str) -> Any:
    if isinstance(value, dt.datetime):
        year, month = _start(value.year, value.month, detail)
        return value.replace(year=year, month=month, day=1, hour=0, minute=0, second=0, microsecond=0)
    if isinstance(value, dt.date):
        year, month = _start(value.year, value.month, detail)
        return value.replace(year=year, month=month, day=1)
    if isinstance(value, (int, float, Decimal)):
        unit = instants.unit_of(float(value), float(value))
        at = instants.read(value)
        if unit is None or at is None:
            year = int(value)
            return _start(year, 1, detail)[0] if 1000 <= year <= 9999 else None
        coarse = instants.number_at(_coarser_time(at, detail), unit)
        return coarse if isinstance(value, float) else int(coarse)
    match = _ISO.match(str(value).strip())
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        return None
    year, month = _start(int(match[1]), int(match[2]), detail)
    rest = re.sub(r"\d", "0", re.split(r"[Zz+-]", match[4], maxsplit=1)[0])
    return f"{year:04}-{month:02}-01{rest}"


def _start(year: int, month: int, detail: str) -> tuple[int, int]:
    if detail == "month":
        return year, month
    return (max(year // 10 * 10, 1) if detail == "decade" else year), 1


def _network(text: str) -> str | None:
    """The first 24 bits of an IPv4 address, the first 48 of an IPv6 one."""
    try:
        address = ipaddress.ip_address(text.split("/", maxsplit=1)[0].strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    wide = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, wide), strict=False).network_address)


def _region(value: Any) -> Any:
    """The first two signs of a postal code; the others become zeros (numbers) or stars."""
    if isinstance(value, (int, Decimal)):
        text = str(int(value))
        return int(text[:2] + "0" * (len(text) - 2)) if len(text) > 2 else 0
    text = str(value).strip()
    return text[:2] + "*" * (len(text) - 2) if len(text) > 2 else "*" * len(text)
