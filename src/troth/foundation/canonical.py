"""One byte form for one value, so that a hash or a signature speaks about the value and not about its spelling.

JSON Canonicalization Scheme, RFC 8785: members ordered by UTF-16 code units, no blanks, numbers as ECMAScript
writes them, text as it is (no normalisation), UTF-8. Beyond plain JSON these are taken: an aware `datetime` (written
in UTC, microseconds, `Z`), a `date`, any enum whose value is text, tuples.

Refused, because two readers could differ: NaN and infinities, integers beyond 2^53 - 1, lone surrogates, names that are
not text, times without a zone, and every other type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from json.encoder import encode_basestring as _quote
from typing import Any

from troth.foundation.clock import stamp

LARGEST_INTEGER = 2**53 - 1


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`.

    Raises: ValueError or TypeError for what has no single spelling (see above), NaiveTimeError for a time without a
    zone. Messages name the kind of value, never the value.
    """
    parts: list[str] = []
    try:
        _write(value, parts.append)
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("text with a lone surrogate has no UTF-8 form") from None
    except RecursionError:
        raise ValueError("the value is nested too deeply, or holds itself") from None


def digest(value: Any) -> bytes:
    """SHA-256 over the canonical bytes, 32 bytes. Raises as `canonical_json` does."""
    return hashlib.sha256(canonical_json(value)).digest()


def _write(value: Any, out: Callable[[str], None]) -> None:
    if isinstance(value, str):
        out(_quote(str.__str__(value)))
    elif value is None:
        out("null")
    elif value is True:
        out("true")
    elif value is False:
        out("false")
    elif isinstance(value, int):
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise ValueError("an integer beyond 2^53 - 1 is not the same number to every reader; write it as text")
        out(int.__repr__(value))
    elif isinstance(value, float):
        out(_number(value))
    elif isinstance(value, Mapping):
        _write_object(value, out)
    elif isinstance(value, (list, tuple)):
        out("[")
        for index, item in enumerate(value):
            if index:
                out(",")
            _write(item, out)
        out("]")
    elif isinstance(value, datetime):
        out(f'"{stamp(value)}"')
    elif isinstance(value, date):
        out(f'"{value.isoformat()}"')
    else:
        raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def _write_object(value: Mapping[Any, Any], out: Callable[[str], None]) -> None:
    if not all([isinstance(name, str) for name in value]):  # noqa: C419 - quicker so, for few names
        raise TypeError("a name in a JSON object must be text")
    plain = all([str.isascii(name) for name in value])  # noqa: C419 - as above
    out("{")
    for index, name in enumerate(sorted(value) if plain else sorted(value, key=_by_utf16)):
        if index:
            out(",")
        out(_quote(str.__str__(name)))
        out(":")
        _write(value[name], out)
    out("}")


def _by_utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def _number(value: float) -> str:
    """The ECMAScript `Number::toString` of a double (ECMA-262 6.1.6.1.20), as RFC 8785 section 3.2.2.3 prescribes."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError("NaN and infinity are not JSON numbers")
    if value == 0:
        return "0"  # also for -0.0
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    # value = 0.digits x 10^point
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    power = point - 1
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if power >= 0 else '-'}{abs(power)}"
