"""The JSON Schema of the map agrees with what reading accepts and refuses."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import Any

import jsonschema
import pytest

from tests.policy.test_mapreading import HEAD
from troth.errors import DeclarationFaults
from troth.policy import documents, mapreading
from troth.policy.mapschema import map_schema

GOOD = (
    "things: {whose: user_id}",
    "things: {whose: [a, b]}",
    "things: {whose: {any: [a, {match: email, identifier: email}]}}",
    "things: {whose: {a: {by: x, on_erasure: delete}, b: {by: y, on_erasure: {change: {y: null}}}}, delete: with-any}",
    "things: {personal: no, why: things}",
    "things: {whose: {json: a.b}, uses: [{purpose: marketing, at: at}], starts: {visit: at}}",
    "things: {whose: user_id, columns: {a: no, b: contact.email, c: {data: account.password, copy: no, why: x}}}",
    "things: {whose: user_id, columns: {a: contact.email}, on_erasure: shred}",
    "things: {whose: user_id, on_erasure: {change: {a: shred}}}",
    "things: {whose: user_id, on_erasure: {keep: [a], ground: tax-law, until: a + 1 year, change: {b: {text: x}}}}",
)
BAD = (
    "things: {whose: user_id, colums: {}}",
    "things: {whose: user_id, delete: sometimes}",
    "things: {whose: user_id, columns: {a: contact.emial}}",
    "things: {whose: user_id, on_erasure: {keep: all}}",
    "things: {whose: user_id, on_erasure: never}",
    "things: {whose: {any: [a]}}",
    "things: {whose: {a: {by: x}, b: {by: y}}}",
    "things: {whose: user_id, shared: yes}",
)


def _complaints(text: str) -> list[str]:
    value = documents.load(text.encode(), "datamap.yaml").value
    return [error.message for error in jsonschema.Draft202012Validator(map_schema()).iter_errors(_as_json(value))]


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(map_schema())


def test_the_map_of_the_example_fits() -> None:
    text = resources.files("troth.example").joinpath("datamap.yaml").read_text(encoding="utf-8")

    assert _complaints(text) == []


@pytest.mark.parametrize("table", GOOD)
def test_what_is_right_fits(table: str) -> None:
    assert _complaints(f"{HEAD}      {table}\n") == []


@pytest.mark.parametrize("table", BAD)
def test_what_reading_refuses_the_editor_marks(table: str) -> None:
    text = f"{HEAD}      {table}\n"

    assert _complaints(text)
    with pytest.raises(DeclarationFaults):
        mapreading.parse(text.encode())
