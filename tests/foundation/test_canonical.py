from __future__ import annotations

import json
import math
import struct
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import NaiveTimeError
from troth.foundation.canonical import canonical_json, digest
from troth.foundation.roles import Role

# RFC 8785 appendix B: the bits of a double and its one spelling.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize(("bits", "spelling"), NUMBERS.items())
def test_a_number_is_spelled_as_in_appendix_b_of_the_rfc(bits: str, spelling: str) -> None:
    assert canonical_json(struct.unpack(">d", bytes.fromhex(bits))[0]) == spelling.encode()


def test_the_sample_of_the_rfc_gives_its_bytes() -> None:
    sample = json.loads(
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    assert canonical_json(sample).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_are_ordered_by_utf_16_as_in_the_rfc() -> None:
    # The last two change places when ordered by code point.
    names = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}
    assert list(json.loads(canonical_json(names))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


@given(values)
def test_what_is_written_reads_back_as_the_same_value(value: Any) -> None:
    # a float beyond 2^53 is written without a point (RFC 8785 3.2.2.3); Python would read it as an exact integer
    read = json.loads(
        canonical_json(value), parse_int=lambda text: int(text) if abs(int(text)) <= 2**53 else float(text)
    )

    assert read == value


@given(st.dictionaries(st.text(), values))
def test_the_order_of_names_does_not_change_the_bytes(value: dict[str, Any]) -> None:
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_reads_back_exactly(number: float) -> None:
    assert float(canonical_json(number)) == number


def test_one_instant_has_one_spelling_whatever_its_zone() -> None:
    here = datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=2)))
    assert canonical_json({"at": here, "day": date(2026, 1, 2), "role": Role.DPO}) == (
        b'{"at":"2026-11-22T06:00:00.000000Z","day":"2026-01-02","role":"dpo"}'
    )
    assert digest(here) == digest(here.astimezone(UTC))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (math.nan, ValueError),
        (math.inf, ValueError),
        (2**53, ValueError),
        (-(2**53), ValueError),
        ("\ud800", ValueError),
        ({"\udc00": 1}, ValueError),
        ({1: 2}, TypeError),
        ({1, 2}, TypeError),
        (b"bytes", TypeError),
        (object(), TypeError),
        (datetime(2026, 1, 1), NaiveTimeError),
    ],
)
def test_what_has_no_single_spelling_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        canonical_json(["a", value])


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="nested"):
        canonical_json(value)
