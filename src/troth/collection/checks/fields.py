"""What forms ask for, against the sentence that says what people provide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.collection.checks.declared import speaker_for
from troth.errors import NetworkUnreachable
from troth.foundation import crawling
from troth.foundation.proof import Check, Grade, NothingToObserve, Saw, broken, check, counted, kept
from troth.policy.vocabulary import Source

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence


_SEARCH = "usage.search"
"""What a field of the kind "search" asks for; such a field stands on every page and needs no word in settings."""


@check(
    id="collection.undeclared-field",
    promise="the sentence that says what people provide",
    applies=lambda sentence, policy: speaker_for(Source.PROVIDED, policy) == sentence.number,
    reference="GDPR Art. 5(1)(c), 13(2)(e)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
    may_be_silent=True,
)
def undeclared_field(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No form that settings name asks for something that section 1 does not name.

    What it proves: on each page under `[site.forms]`, every field that a person fills in is listed there with its
    category, and section 1 declares that category.

    What it does not prove: anything about pages that are not listed, or forms that scripts build. Where no page is
    listed, or the site does not answer, this check is silent and the columns alone decide.

    Repair: list the field with its category and declare it, or take it off the form. Before: a `birthday` field on
    `/sign-up`. After: `birthday = "identity.birth_date"` under `[site.forms."/sign-up"]` and in the sentence.
    """
    try:
        forms = seen.need_site().forms
        for path, categories in forms.items():
            page = crawling.read(seen.page(path))
            if page is None:
                continue
            asked = {field.name: field.kind for form in page.forms for field in form.fields if field.asks}
            asked.pop("", None)
            kinds = {name: _SEARCH for name, kind in asked.items() if kind == "search"} | categories
            for name in sorted(asked.keys() - kinds.keys()):
                yield broken(
                    f'field "{name}" on {path}',
                    "people are asked for it, and troth.toml does not say what it is",
                    repair=f'name its category under [site.forms."{path}"], and declare it under {sentence.number}',
                )
            for name, category in kinds.items():
                if name in asked and category not in seen.policy.collected:
                    yield broken(
                        f'field "{name}" on {path}',
                        f"asks for {category}, which section 1 does not name",
                        repair=f"declare {category} under {sentence.number} in policy.yaml, or take the field away",
                    )
            known = sum(kinds[name] in seen.policy.collected for name in asked.keys() & kinds.keys())
            if known and known == len(asked):
                yield kept(path, f"{counted(known, 'field')}, each of a kind that section 1 names")
    except (NetworkUnreachable, NothingToObserve):
        return  # the columns are looked at by another check; a site that is down must not unprove them


CHECKS: tuple[Check, ...] = (undeclared_field,)
