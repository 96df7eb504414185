"""Ids for clauses: short English words where the source has them, the guessed meaning where that says more."""

from __future__ import annotations

import re
import unicodedata

from troth.policy.importing.arrangement import PART, Draft
from troth.policy.importing.sections import titled
from troth.policy.model import Meaning
from troth.policy.reading import WORDS

_RESERVED = frozenset((*WORDS, *Meaning.model_fields))
_MEANINGS = ("right", "channel", "measure", "circumstance", "category")
_DAYS = {"updated": "last-updated", "effective": "effective-date"}
_FILLERS = re.compile(
    r"(?:an?|the|of|to|for|in|on|at|by|and|or|with|from|as|is|are|be|we|you|your|our|us|its?|this|that|these|those|how|"
    r"what|when|where|which|who|why|do|does|may|can|will|not|any|some|including|include|such|other)\Z"
)
_MOST_WORDS = 4
_LONGEST = 40


def name_children(parent: Draft) -> None:
    """Give everything below `parent` a name that is its own among its siblings and no word of the language."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for child in parent.children:
        wanted = _wanted(child)
        name = f"the-{wanted}" if wanted in _RESERVED else wanted
        while name in taken:
            counts[wanted] = counts.get(wanted, 1) + 1
            name = f"{wanted}-{counts[wanted]}"
        child.name = name
        taken.add(name)
        name_children(child)


def _wanted(draft: Draft) -> str:
    meant = next((str(draft.meaning[field]) for field in _MEANINGS if field in draft.meaning), None)
    if meant is not None and (draft.kind != PART or "right" in draft.meaning):
        return meant
    for words in (draft.title, draft.label, *draft.cells[:1], draft.text):
        slug = _slug(words or "")
        if slug:
            return slug
    return meant or _from_data(draft) or (draft.kind if draft.kind != PART else titled(draft) or draft.kind)


def _from_data(draft: Draft) -> str | None:
    """A name out of the guessed data, purpose or day, for words that have no letters of ours."""
    meaning = draft.meaning
    if "data" in meaning and "purpose" not in meaning:
        return "-".join(category.rpartition(".")[2].replace("_", "-").strip("*") for category in meaning["data"][:2])
    if "purpose" in meaning:
        return str(meaning["purpose"]).replace(".", "-")
    return next((name for field, name in _DAYS.items() if field in meaning), None)


def _slug(words: str) -> str:
    folded = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    found = re.findall(r"[a-z0-9]+", folded.replace("'", ""))
    telling = [word for word in found if not _FILLERS.match(word)] or found
    slug = telling[0][:_LONGEST] if telling else ""
    for word in telling[1:_MOST_WORDS]:
        if len(slug) + 1 + len(word) <= _LONGEST:
            slug += f"-{word}"
    return slug if re.search("[a-z]", slug) else ""
