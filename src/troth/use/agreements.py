"""What a person agrees to when they consent: the words as printed, and what those words mean as the policy declares it.

The words are a sentence; the meaning is the purpose, the data, who receives them, the ground and who decides. Both are
kept by their hash, each version once. Whether an older agreement still covers what the policy means today is told here:

1. Another purpose or controller, more data, a new recipient, or a recipient that gets more data or sits in another
   country, is something that nobody has agreed to yet.
2. So are words that turn ("not", "only", "without" come or go), or of which less than half stands.
3. Less of anything, and the same said in other words, is covered: consent stays. Words that were agreed to elsewhere
   are not held against the policy's.

Pure: a policy in, agreements out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from troth.foundation.canonical import canonical_json
from troth.policy.model import Meaning, Policy
from troth.policy.periods import Duration
from troth.policy.turning import turned
from troth.policy.vocabulary import LegalBasis, expand
from troth.use.decision import Compiled

VERSION = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a consent lasts, and how long before its end its person is reminded (EDPB Guidelines 05/2020 no.
    110).
    """

    lasts: Duration | None = None
    remind: Duration | None = None

    @classmethod
    def of(cls, meaning: Meaning) -> Terms:
        return cls(meaning.lasts, meaning.remind)


_UNENDING = Terms()


@dataclass(frozen=True)
class Wording:
    """What one agrees to for a purpose: the words as printed, where they stand, what they mean, and how long it
    lasts.
    """

    purpose: str
    text: str
    clause: str
    number: str
    meaning: str
    terms: Terms = _UNENDING

    @cached_property
    def sha256(self) -> bytes:
        """The hash of the words."""
        return hashlib.sha256(self.text.encode("utf-8")).digest()

    @cached_property
    def meaning_sha256(self) -> bytes:
        """The hash of what they mean."""
        return hashlib.sha256(self.meaning.encode("utf-8")).digest()


def wordings(policy: Policy, compiled: Compiled) -> dict[str, Wording]:
    """The words of each purpose that rests on consent, in the order of the page; all of them where it has several."""
    found: dict[str, Wording] = {}
    grounds = (s.meaning for s in policy.sentences if s.meaning.basis is LegalBasis.CONSENT and not s.meaning.uses)
    general = next((Terms.of(meaning) for meaning in grounds), _UNENDING)
    for purpose in compiled.consent_bits:
        uses = [use for use in policy.uses if use.purpose == purpose and use.basis is LegalBasis.CONSENT]
        numbers = list(dict.fromkeys(use.number for use in uses))
        text = "\n".join(policy.by_number[number].text for number in numbers)
        own = next((Terms.of(m) for n in numbers if (m := policy.by_number[n].meaning).lasts), None)
        terms = own or general
        found[purpose] = Wording(purpose, text, uses[0].clause_id, numbers[0], _meaning(policy, purpose, text), terms)
    return found


def brought(wording: Wording, text: str) -> Wording:
    """The agreement of somebody who agreed to `text` elsewhere, which the company says meant what `wording` means."""
    meaning = json.loads(wording.meaning)
    meaning |= {"words": hashlib.sha256(text.encode("utf-8")).hexdigest(), "brought": True}
    return replace(wording, text=text, meaning=canonical_json(meaning).decode())


def uncovered(before: str, after: str, words_before: str | None, words_after: str) -> tuple[str, ...]:
    """Why an agreement with the meaning `before` does not cover `after`, each as a few words; empty where it does.

    Both are meanings as `Wording.meaning` has them; the words are those that their hashes stand for, None where the old
    ones are not on record.
    """
    if before == after:
        return ()
    return tuple(_uncovered(json.loads(before), json.loads(after), words_before, words_after))


def _uncovered(old: Any, new: Any, words_before: str | None, words_after: str) -> Iterator[str]:
    if old["controller"] != new["controller"]:
        yield "another controller"
    if old["purpose"] != new["purpose"]:
        yield "another purpose"
    more = [category for category in new["data"] if category not in old["data"]]
    if more:
        yield f"more data: {', '.join(more)}"
    known = {one["name"]: one for one in old["recipients"]}
    for one in new["recipients"]:
        was = known.get(one["name"])
        if was is None:
            yield f"a new recipient: {one['name']}"
        elif was["country"] != one["country"]:
            yield f"{one['name']} is in {one['country']} now"
        elif not set(one["data"]) <= set(was["data"]):
            yield f"{one['name']} receives more data"
    if words_before is not None and not old.get("brought") and turned(words_before, words_after):
        yield "other words"


def _meaning(policy: Policy, purpose: str, words: str) -> str:
    """What `purpose` means in `policy`, and in which words, as canonical JSON."""
    uses = [use for use in policy.uses if use.purpose == purpose and use.basis is LegalBasis.CONSENT]
    data = sorted({use.category for use in uses})
    recipients = [
        {"name": one.name, "country": one.country, "data": sorted(set(expand(one.data)) & set(data))}
        for _, one in policy.recipients
        if one.purpose == purpose and set(expand(one.data)) & set(data)
    ]
    periods = [
        {"data": sorted(set(expand(period.data)) & set(data)), "keep": str(period.keep), "after": period.after}
        for period in policy.periods.values()
        if set(expand(period.data)) & set(data)
    ]
    return canonical_json(
        {
            "version": VERSION,
            "words": hashlib.sha256(words.encode("utf-8")).hexdigest(),
            "purpose": purpose,
            "basis": LegalBasis.CONSENT.value,
            "data": data,
            "recipients": sorted(recipients, key=lambda one: str(one["name"])),
            "retention": periods,
            "controller": {"name": policy.controller.name, "country": policy.controller.country},
        }
    ).decode()
