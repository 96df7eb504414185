"""One value of a company's store as the copy says it: exactly for programs, safely for spreadsheets.

JSON (`exact`): text, numbers, true, false and null as they are. What JSON has no word for is text in the form that its
standard gives it: instants and dates by ISO 8601 (a time without a zone stays without one), decimals and whole numbers
beyond 2^53 - 1 in digits, lengths of time as ISO 8601 durations, other types by their own spelling. Bytes are
`{"base64": "..."}`. Nothing is rounded, cut, trimmed or guessed.

CSV (`safe_cell`): what a spreadsheet could take for a formula gets an apostrophe right before it, at the start of the
cell and wherever another reader could see a new cell begin (after a line break, a tab, a semicolon), also behind blanks
and quotes. JSON keeps it as it is. Bytes are base64.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

LARGEST_INTEGER = 2**53 - 1

_AS_IT_IS = frozenset({str, type(None), bool})
_BREAK = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029;]")
_BEHIND = r"[\s\"\u200b\u200e\u200f\u2060\ufeff\x00]*"
_STARTS_A_FORMULA = (
    r"(?=[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212])"  # small and full-width forms too
)
_FIRST = re.compile(_BEHIND + _STARTS_A_FORMULA)
_LATER = re.compile(f"({_BREAK.pattern}{_BEHIND}){_STARTS_A_FORMULA}")
_HIDDEN_START = frozenset("\t\r\n\x00")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def exact(value: Any) -> Any:
    """`value` in what JSON can say, nothing lost (see above)."""
    if value is None or isinstance(value, (str, bool)):
        return value if value is None or isinstance(value, bool) else str.__str__(value)
    if isinstance(value, int):
        return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else int.__repr__(value)
    if isinstance(value, float):
        # NaN and the infinities are no JSON numbers
        return value if value - value == 0 else repr(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return duration(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, Mapping):
        return {str(name): exact(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((exact(each) for each in value), key=str)
    return str(value)


def duration(length: dt.timedelta) -> str:
    """A length of time as ISO 8601 has it, to the microsecond: `P1DT2H3M4.5S`, `-PT5S`."""
    sign, length = ("-", -length) if length < dt.timedelta() else ("", length)
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06d}".rstrip("0") if length.microseconds else ""
    return f"{sign}P{length.days}DT{hours}H{minutes}M{seconds}{fraction}S"


def row_json(names: tuple[str, ...], row: tuple[Any, ...]) -> str:
    """One row as a JSON object on one line."""
    for value in row:
        kind = type(value)
        if kind not in _AS_IT_IS and (kind is not int or not -LARGEST_INTEGER <= value <= LARGEST_INTEGER):
            row = tuple([value if type(value) in _AS_IT_IS else exact(value) for value in row])
            break
    return _ENCODER.encode(dict(zip(names, row, strict=True)))


def utf8(text: str) -> bytes:
    """JSON text as bytes. Half a character (a lone surrogate) becomes the JSON escape that says the same."""
    return text.encode("utf-8", "backslashreplace")


def safe_cell(value: Any) -> str:
    """`value` as the text of one CSV cell that no spreadsheet runs. Quotes and commas are the writer's business.

    Numbers stay numbers, also below zero: only text can hold a formula.
    """
    kind = type(value)
    if kind is int:
        return int.__repr__(value)
    if value is None:
        return ""
    if kind is not str:
        if kind is bool:
            return "true" if value else "false"
        if isinstance(value, (int, float, Decimal)):
            return str(value)
        value = _in_one_line(value)
    if _BREAK.search(value):
        value = _LATER.sub(r"\1'", value)
    if behind := _FIRST.match(value):
        value = f"{behind[0]}'{value[behind.end() :]}"
    if value[:1] in _HIDDEN_START:
        value = "'" + value
    return value.replace("\x00", "\N{SYMBOL FOR NULL}") if "\x00" in value else str(value)


def _in_one_line(value: Any) -> str:
    """Anything but text and numbers as text."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    said = exact(value)
    return said if isinstance(said, str) else _ENCODER.encode(said)


def csv_line(row: tuple[Any, ...]) -> str:
    """One line of RFC 4180: every cell quoted, CRLF at the end."""
    cells = [safe_cell(value) for value in row]
    if any('"' in cell for cell in cells):
        cells = [cell.replace('"', '""') for cell in cells]
    return '"' + '","'.join(cells) + '"\r\n'


def schema_of(kind: type) -> dict[str, Any]:
    """What JSON Schema says of a value of this type, as `exact` writes it."""
    if issubclass(kind, type(None)):
        return {"type": "null"}
    if issubclass(kind, bool):
        return {"type": "boolean"}
    if issubclass(kind, int):
        return {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
    if issubclass(kind, float):
        return {"type": ["number", "string"], "pattern": "^(nan|-?inf)$"}
    if issubclass(kind, Decimal):
        return {"type": "string", "$comment": "a decimal number, exact to the last digit"}
    if issubclass(kind, dt.datetime):
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T", "$comment": "ISO 8601"}
    if issubclass(kind, dt.date):
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "format": "date"}
    if issubclass(kind, dt.time):
        return {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}"}
    if issubclass(kind, dt.timedelta):
        return {"type": "string", "pattern": "^-?P", "$comment": "ISO 8601 duration"}
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return {
            "type": "object",
            "properties": {"base64": {"type": "string", "contentEncoding": "base64"}},
            "required": ["base64"],
            "additionalProperties": False,
        }
    if issubclass(kind, (dict, Mapping)):
        return {"type": "object"}
    if issubclass(kind, (list, tuple, set, frozenset)):
        return {"type": "array"}
    return {"type": "string"}
