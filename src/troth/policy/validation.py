"""What pydantic found wrong, told in troth's words and at the place in the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from troth.policy.documents import Faults, Path_, nearest
from troth.policy.vocabulary import CATEGORIES

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "basis": "a legal basis",
        "right": "a right",
        "category": "a cookie category",
        "channel": "a channel",
        "measure": "a measure",
        "safeguard": "a safeguard",
        "circumstance": "a circumstance of sharing",
        "then": "an end of a period",
        "kind": "a kind of stored item",
        "party": "a party",
        "source": "a source of data",
    }
)


def report(faults: Faults, path: Path_, problem: ValidationError, fields: Collection[str]) -> None:
    """Add each mistake of `problem`, found in the value at `path`, to `faults`.

    `fields` are the words of the language, for "did you mean".
    """
    for error in problem.errors(include_url=False):
        # union branches add names to `loc` that the file does not have; keep what the file has
        place = path + tuple(part for part in error["loc"] if not _is_branch(part))
        name = str(error["loc"][-1]) if error["loc"] else ""
        _one(faults, place, name, error, fields)


def _one(faults: Faults, place: Path_, name: str, error: Any, fields: Collection[str]) -> None:
    found, kind = error.get("input"), error["type"]
    if kind == "extra_forbidden":
        faults.add(place, f'"{name}" is not a word of this language here.', nearest=nearest(name, fields), at_key=True)
    elif kind in ("enum", "literal_error"):
        expected = str(error.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
        choices = [choice.strip() for choice in expected.split(",")]
        faults.add(
            place,
            f'"{found}" is not {_KINDS.get(name, "a choice here")}.',
            expected=f"one of: {', '.join(choices)}",
            nearest=nearest(str(found), choices),
        )
    elif kind == "missing":
        faults.add(place[:-1], f"{name} is missing.", expected=f"{name}: ...", at_key=True)
    elif kind == "value_error" and "data category" in error["msg"]:
        families = sorted({category.family + ".*" for category in CATEGORIES.values()})
        faults.add(
            place,
            f'"{found}" is not a category of personal data.',
            expected="a category of the vocabulary, or family.*",
            nearest=nearest(str(found), [*CATEGORIES, *families]),
        )
    elif kind == "value_error":
        faults.add(place, f'"{found}" cannot be read.', expected=error["msg"].removeprefix("Value error, "))
    elif kind == "model_type":
        faults.add(place, f"{name} is a mapping of words to values.")
    else:
        faults.add(place, f"{error['msg'][0].lower()}{error['msg'][1:]}.")


def _is_branch(part: int | str) -> bool:
    return isinstance(part, str) and part.startswith(("function-", "literal["))
