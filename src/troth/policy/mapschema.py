"""The JSON Schema (draft 2020-12) of datamap.yaml, for completion and marking in editors.

It says the shapes; that names lead somewhere only reading can say (`mapreading`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from troth.policy.columnreading import KEYS as COLUMN_KEYS
from troth.policy.datamap import ChangeTo, Copying, Normalising, Others, RowEnd, StoreKind
from troth.policy.endreading import DETAILS
from troth.policy.vocabulary import CATEGORIES, Source

_NAME = {"type": ["string", "integer"]}
_NAMES = {"oneOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}
_YES = {"enum": [True, False, "yes", "no"]}
_TEXT = {"type": "string", "minLength": 1}


def map_schema() -> dict[str, Any]:
    """The schema as plain values, ready for `json.dumps`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "datamap.yaml",
        "description": "Where people's data is: stores, tables, columns; whose each row is; what happens on erasure.",
        **_object(
            {
                "troth": {"const": 1},
                "stores": {"type": "object", "additionalProperties": _ref("store"), "minProperties": 1},
                "questions": {"type": ["array", "null"], "items": _ref("question")},
            },
            required=("troth", "stores"),
        ),
        "$defs": {
            "store": _store(),
            "person": _person(),
            "table": _table(),
            "column": _column(),
            "path": _path(),
            "whose": _whose(),
            "end": _end(),
            "change": _change(),
            "category": {"enum": list(CATEGORIES), "description": "What kind of personal data it is."},
            "question": _object(
                {
                    "store": _TEXT,
                    "about": _TEXT,
                    "ask": _TEXT,
                    "answer": {"type": ["string", "number", "boolean", "null"]},
                },
                required=("ask",),
            ),
        },
    }


def _store() -> dict[str, Any]:
    return _object(
        {
            "connect": _TEXT | {"description": "The address; secrets as ${NAME}, read from the environment."},
            "kind": _words(StoreKind),
            "person": {"type": "object", "additionalProperties": _ref("person")},
            "tables": {"type": "object", "additionalProperties": _ref("table")},
            "collections": {"type": "object", "additionalProperties": _ref("table")},
            "on_erasure": _object({"physical": _YES}),
            "opendsr": _TEXT | {"description": "A processor that is asked, instead of `connect`."},
        }
    )


def _person() -> dict[str, Any]:
    place = {"oneOf": [_NAME, _object({"column": _NAME, "normalise": _some(Normalising)}, required=("column",))]}
    return _object(
        {"table": _NAME, "key": _NAMES, "identifiers": {"type": "object", "additionalProperties": place}},
        required=("table", "key"),
    )


def _table() -> dict[str, Any]:
    use = _object({"purpose": _TEXT, "at": _NAME}, required=("purpose", "at"))
    return _object(
        {
            "whose": _ref("whose"),
            "columns": {"type": "object", "additionalProperties": _ref("column")},
            "on_erasure": _ref("end"),
            "delete": _words(RowEnd) | {"description": "When a row that several people share goes."},
            "personal": _YES,
            "why": _TEXT,
            "everyone": _TEXT | {"description": 'Rows that are everyone\'s, such as "user_id is null".'},
            "shared": {"const": "by-reference"},
            "uses": {"oneOf": [use, {"type": "array", "items": use}]},
            "starts": {"type": "object", "additionalProperties": _NAME},
            "archive": _NAME | {"description": "The table to which rows move whose period says `then: archive`."},
            "keys": _TEXT,
            "objects": _TEXT,
            "files": _TEXT,
        }
    )


def _column() -> dict[str, Any]:
    long = _object(
        {
            "data": _ref("category"),
            "source": _words(Source),
            "link": _TEXT | {"description": "A kind of person that the column points at."},
            "copies": _TEXT | {"description": "table.column whose value it repeats."},
            "copy": {"enum": [*_values(Copying), True, False]},
            "others": _words(Others),
            "personal": _YES,
            "scan": _YES,
            "why": _TEXT,
        }
    )
    assert set(long["properties"]) == set(COLUMN_KEYS)
    return {"oneOf": [_ref("category"), {"enum": ["no", False]}, long]}


def _path() -> dict[str, Any]:
    more = {"person": _TEXT, "where": _TEXT}
    return {
        "oneOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": _NAME, "minItems": 1},
            _object({"by": _NAMES, **more}, required=("by",)),
            _object(
                {"match": _NAME, "identifier": _TEXT, "normalise": _some(Normalising), **more},
                required=("match", "identifier"),
            ),
            _object({"json": _TEXT, "identifier": _TEXT, **more}, required=("json",)),
            _object({"text": _NAME, "pattern": _TEXT, "identifier": _TEXT, **more}, required=("text", "pattern")),
            _object({"person": _TEXT}, required=("person",)),
        ]
    }


def _whose() -> dict[str, Any]:
    role = {
        "type": "object",
        "properties": {"on_erasure": _ref("end"), "copy": {"enum": [*_values(Copying), True, False]}},
        "required": ["on_erasure"],
    }
    several = _object({"any": {"type": "array", "items": _ref("path"), "minItems": 2}}, required=("any",))
    roles = {"type": "object", "additionalProperties": role, "minProperties": 1}
    return {"anyOf": [_ref("path"), several, roles]}


def _end() -> dict[str, Any]:
    changes = {"type": "object", "additionalProperties": _ref("change"), "minProperties": 1}
    return {
        "oneOf": [
            {"const": "delete"},
            {"const": "shred"},
            _object({"change": changes}, required=("change",)),
            _object(
                {"keep": {"anyOf": [{"const": "all"}, _NAMES]}, "ground": _TEXT, "until": _TEXT, "change": changes},
                required=("keep", "ground", "until"),
            ),
        ]
    }


def _change() -> dict[str, Any]:
    return {
        "anyOf": [
            _words(ChangeTo),
            {"type": ["string", "number", "boolean", "null"]},
            _object({"text": {"type": "string"}}, required=("text",)),
            _object({"generalise": {"enum": list(DETAILS)}}, required=("generalise",)),
        ]
    }


def _object(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | {"required": list(required)} if required else found


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]


def _words(words: type[StrEnum]) -> dict[str, Any]:
    return {"enum": _values(words)}


def _some(words: type[StrEnum]) -> dict[str, Any]:
    return {"oneOf": [_words(words), {"type": "array", "items": _words(words)}]}
