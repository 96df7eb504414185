"""The record as JSON, and the JSON Schema of it. The same facts give the same bytes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from troth.entrypoints.ropa.record import Record
from troth.entrypoints.ropa.words import View

SCHEMA = 1
_ARTICLES = {View.CONTROLLER: "GDPR Art. 30(1)", View.PROCESSOR: "GDPR Art. 30(2)"}
_FOR_CONTROLLER = ("activities", "recipients", "limits", "executed")


def of_record(record: Record, view: View = View.CONTROLLER) -> dict[str, Any]:
    """The `ropa` shape. As processor it has `processing_for` in place of the company's own activities."""
    value: dict[str, Any] = {"schema": SCHEMA, "record": view.value, "reference": _ARTICLES[view]}
    said: dict[str, Any] = _plain(record)
    if view is View.PROCESSOR:
        for name in _FOR_CONTROLLER:
            del said[name]
        said["gaps"] = [gap for gap in said["gaps"] if gap["activity"] is None]
    else:
        del said["processing_for"]
    return {**value, **said}


def to_text(value: dict[str, Any]) -> str:
    """JSON as it is written: indented, in the order of the record, with a line end."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return value


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `of_record` gives, made from the record itself."""
    from pydantic import TypeAdapter

    made = TypeAdapter(Record).json_schema(mode="serialization")
    common: dict[str, Any] = made["properties"]
    everywhere = [name for name in common if name not in {*_FOR_CONTROLLER, "processing_for"}]
    for each in [made, *made["$defs"].values()]:
        if each.get("type") == "object" and "properties" in each:
            each["additionalProperties"] = False
            each["required"] = list(each["properties"])
    made["properties"] = {
        "schema": {"const": SCHEMA},
        "record": {"enum": [view.value for view in View]},
        "reference": {"enum": list(_ARTICLES.values())},
        **common,
    }
    made["required"] = ["schema", "record", "reference", *everywhere]
    made["if"] = {"properties": {"record": {"const": View.CONTROLLER.value}}}
    made["then"] = {"required": list(_FOR_CONTROLLER)}
    made["else"] = {"required": ["processing_for"]}
    made["title"] = "Record of processing activities"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | made
