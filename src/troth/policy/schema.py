"""The JSON Schema of policy.yaml, for completion and checking in editors (draft 2020-12).

Made from the same model that reading uses, so that the two can't drift apart. A clause is a mapping whose keys are
words of the language or names of clauses below it; a misspelt word therefore shows as "not a clause". What only a
whole file can tell (numbers that stand twice, names that are not declared) is told by reading and lint.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from troth.policy.law.table import known_laws
from troth.policy.model import SCHEMA_VERSION, SECTIONS, Controller, Meaning
from troth.policy.vocabulary import CATEGORIES

SCHEMA_ID = "urn:troth:schema:policy:1"

_ROOT_WORDS = MappingProxyType(
    {
        "troth": "The version of this language.",
        "title": "The title of the page, as published.",
        "lead": "The sentence under the title; its number is 0.",
        "controller": "Who decides about the data.",
        "laws": "The laws that bind the company; duties and deadlines come with them.",
        "rights_for": "Whether everyone has the rights of section 5, or each person those of their law.",
    }
)
_SECTION_WORDS = MappingProxyType(
    {
        "collection": "Section 1: what is collected.",
        "use": "Section 2: what it is used for, and on what ground.",
        "protection": "Section 3: how it is protected and how long it is kept.",
        "sharing": "Section 4: who receives it.",
        "rights": "Section 5: the rights of the person.",
        "cookies": "Section 6: cookies and similar technologies.",
        "links": "Section 7: links to other sites.",
        "updates": "Section 8: changes of this policy.",
        "contact": "Section 9: how to reach the company.",
    }
)
_WORDS = MappingProxyType(
    {
        "number": "The number as published. Headings print it; items and rows derive theirs.",
        "mark": "What is printed before the words instead of the number or `-`; empty for nothing.",
        "title": "The words of a heading, without its number.",
        "label": "What stands before the colon of an item.",
        "text": "The words, exactly as published.",
        "cells": "The cells of one row of a table.",
        "columns": "The head of the table whose rows are the clauses below.",
        "sentences": "The sentences of one text that promise different things, lettered in order.",
    }
)
_MEANINGS = MappingProxyType(
    {
        "data": "Categories of personal data, or whole families (`usage.*`).",
        "source": "Where the data come from, where section 1 does not say it by its headings.",
        "gate": "Which choice must stand before these data are collected.",
        "purpose": "What the data are used for.",
        "basis": "The legal ground (GDPR Art. 6(1)); exactly one for each use.",
        "opt_out": "When an opt-out takes effect.",
        "statute": "The law that obliges, by its name under `statutes`.",
        "uses": "Several uses of one sentence: purpose, data and ground of each.",
        "names_purposes": "Purposes that this sentence mentions and another declares.",
        "statutes": "Laws that oblige the company to keep or use data.",
        "balance_tests": "The documents that weigh a legitimate interest, by purpose.",
        "withdraw": "Where consent is withdrawn.",
        "lasts": "How long a consent lasts; from then on it counts as not given.",
        "remind": "How long before its end the person is reminded.",
        "closing": "How long after the end of a contract its ground still carries uses.",
        "measure": "The technical or organisational measure that is promised.",
        "hosts": "The hosts on which the measure is looked at.",
        "minimum": "The lowest version of TLS that is offered.",
        "ports": "The ports on which the hosts may answer; all others are closed.",
        "every": "How often it is done.",
        "share": "How many of those concerned, as in `100%`.",
        "roles": "Which role may do what to which tables.",
        "periods": "How long each kind of data is kept, counted from what.",
        "circumstance": "On what occasion data are shared.",
        "recipients": "Who receives the data, by name.",
        "safeguard": "What is done to the data before a recipient gets them.",
        "smallest_group": "How many people a group must have at least before its figures leave; 5 by default.",
        "noise": "How little groups may tell about any one person: their figures leave with noise.",
        "right": "The right that the sentence gives.",
        "category": "The kind of cookies that the sentence is about.",
        "items": "Cookies and other things stored on the visitor's device.",
        "choices": "Where the visitor chooses.",
        "partners": "Sites that the company links to, and their policies.",
        "notice": "How long before a change, and by which ways, people are told.",
        "review": "How often somebody looks again.",
        "updated": "The day of the last change, as published.",
        "effective": "The day from which the policy holds, as published.",
        "channel": "A way to reach the company.",
        "complaint": "That people may complain to the authority.",
        "guess": "Guessed by `troth policy import`; take it out once it is confirmed.",
    }
)


def policy_schema() -> dict[str, Any]:
    """The schema as plain values: a new mapping at each call, ready for `json.dumps`."""
    meaning = Meaning.model_json_schema(ref_template="#/$defs/{model}")
    definitions = {name: _tidied(model) for name, model in meaning.pop("$defs").items()}
    fields = {name: _described(field, _MEANINGS.get(name)) for name, field in _tidied(meaning)["properties"].items()}
    controller = Controller.model_json_schema(ref_template="#/$defs/{model}")
    definitions |= {
        "controller": _tidied(controller),
        "category": {"enum": [*CATEGORIES, *dict.fromkeys(f"{item.family}.*" for item in CATEGORIES.values())]},
        "clause": _clause(fields),
        "sentence": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": _text(_WORDS["text"]), **fields},
            "additionalProperties": False,
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "policy.yaml",
        "description": "A privacy policy: every sentence as published, and beside it what it means.",
        "type": "object",
        "required": ["troth", "controller"],
        "properties": _root(),
        "additionalProperties": False,
        "$defs": definitions,
    }


def _root() -> dict[str, Any]:
    fields: dict[str, Any] = {
        "troth": {"const": SCHEMA_VERSION},
        "title": {"type": "string"},
        "lead": {"type": "string"},
        "controller": {"$ref": "#/$defs/controller"},
        "laws": {"type": "array", "items": {"enum": list(known_laws())}},
        "rights_for": {"enum": ["everyone", "by-law"]},
    }
    sections = {name: _described({"$ref": "#/$defs/clause"}, _SECTION_WORDS[name]) for name in SECTIONS}
    return {name: _described(field, _ROOT_WORDS[name]) for name, field in fields.items()} | sections


def _clause(fields: dict[str, Any]) -> dict[str, Any]:
    texts = {"type": "array", "items": {"type": "string"}}
    words = {name: _text(_WORDS[name]) for name in ("number", "mark", "title", "label", "text")} | {
        "cells": _described(dict(texts), _WORDS["cells"]),
        "columns": _described(dict(texts), _WORDS["columns"]),
        "sentences": _described(
            {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z]+$"},
                "additionalProperties": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/sentence"}]},
            },
            _WORDS["sentences"],
        ),
    }
    return {"type": "object", "properties": words | fields, "additionalProperties": {"$ref": "#/$defs/clause"}}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _described(field: dict[str, Any], description: str | None) -> dict[str, Any]:
    return field | {"description": description} if description else field


def _tidied(value: Any) -> Any:
    """What pydantic wrote, without the titles and defaults it adds; a list called `data` holds categories."""
    if isinstance(value, list):
        return [_tidied(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    tidy = {name: _tidied(entry) for name, entry in value.items() if name not in ("title", "default", "properties")}
    if "properties" in value:
        tidy["properties"] = {name: _field(name, field) for name, field in value["properties"].items()}
    return tidy


def _field(name: str, field: Any) -> Any:
    tidy = _tidied(field)
    return tidy | {"items": {"$ref": "#/$defs/category"}} if name == "data" and tidy.get("type") == "array" else tidy
