"""The JSON Schema for editors agrees with what reading accepts and refuses."""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import Any

import jsonschema
import pytest

from troth.errors import DeclarationFaults
from troth.policy import documents, reading
from troth.policy.model import Meaning
from troth.policy.schema import policy_schema

HEAD = "troth: 1\ncontroller: {name: Example Company, country: DE}\n"


def as_editors_see_it(value: Any) -> Any:
    """JSON has no dates: editors check the text of a date."""
    if isinstance(value, dict):
        return {name: as_editors_see_it(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [as_editors_see_it(entry) for entry in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def complaints(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(policy_schema())
    value = as_editors_see_it(documents.load(text.encode(), "policy.yaml").value)
    return [error.message for error in validator.iter_errors(value)]


def test_the_schema_is_a_valid_schema_of_its_draft() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())


def test_the_shipped_policy_has_nothing_that_the_schema_complains_of() -> None:
    text = (resources.files("troth.example") / "policy.yaml").read_text(encoding="utf-8")

    assert complaints(text) == []


def test_every_word_of_the_language_is_explained_to_the_editor() -> None:
    clause = policy_schema()["$defs"]["clause"]["properties"]

    assert [name for name in [*reading.WORDS, *Meaning.model_fields] if "description" not in clause[name]] == []


def test_each_call_gives_a_schema_of_its_own() -> None:
    policy_schema()["properties"].clear()

    assert policy_schema()["properties"]


@pytest.mark.parametrize(
    "body",
    [
        "usage: {text: Why}\n",
        "use: {text: Why, purpos: marketing}\n",
        "use: {text: Why, basis: consnet}\n",
        "use: {text: Why, purpose: marketing, data: [contact.mail]}\n",
        "use: {a: {b: {text: Why, mesure: tls}}}\n",
        "protection: {text: Why, measure: tsl}\n",
        "protection: {text: Why, every: yearly}\n",
        "protection: {text: Why, periods: {usage: {data: [usage.*], after: visit, keep: 13 moons}}}\n",
        "cookies: {text: Why, items: [{name: a, life: session}]}\n",
        "sharing: {text: Who, safeguard: anonymised, noise: {epsilon: 0, budget: 5}}\n",
        "sharing: {text: Who, safeguard: anonymised, noise: {epsilon: 0.5}}\n",
        "sharing: {text: Who, safeguard: anonymised, noise: {epsilon: 0.5, budget: 5, group: 3}}\n",
        "sharing: {text: Who, safeguard: anonymised, noise: some}\n",
        "collection: {number: 1, text: What}\n",
        "collection: {sentences: {}}\n",
        "collection: {sentences: {a: {text: What, dta: [contact.email]}}}\n",
        "laws: [gpdr]\n",
        "rights_for: nobody\n",
        "collection: just words\n",
    ],
)
def test_what_reading_refuses_is_marked_in_the_editor_too(body: str) -> None:
    with pytest.raises(DeclarationFaults):
        reading.parse((HEAD + body).encode())

    assert complaints(HEAD + body)


@pytest.mark.parametrize(
    "body",
    [
        "use: {text: Why, purpose: marketing, data: [contact.*], basis: consent}\n",
        "use: {a: {b: {c: {mark: '(a)', text: Why}}}}\n",
        "contact: {sentences: {a: One., b: {text: Two., channel: mail}}}\n",
        "sharing: {title: Who, columns: [A, B], r: {cells: [x, y], safeguard: masked}}\n",
        "sharing: {text: Who, safeguard: anonymised, noise: {epsilon: 0.5, budget: 5, groups: 3}}\n",
        "sharing: {text: Who, safeguard: anonymised, smallest_group: 9, noise: {epsilon: 1, budget: 1}}\n",
        "updates: {text: When, updated: 2024-01-09, review: 12 months}\n",
    ],
)
def test_what_reading_accepts_is_accepted_in_the_editor(body: str) -> None:
    reading.parse((HEAD + body).encode())

    assert complaints(HEAD + body) == []
