"""Rules about section 3 as published: how long data are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page, Said
from troth.policy.lint.registry import Flaw, Level, rule
from troth.policy.lint.words.keeping import CRITERIA, EVERYTHING, KEEPS, SPEAKS_OF_KEEPING, TELLS_NO_KIND
from troth.policy.lint.words.phrases import PERIOD


@rule("protection.no-period", "No retention period, or none for a kind of data", fault=7, duty=Duty.PERIODS)
def no_period(page: Page) -> Iterator[Flaw]:
    """People are told for how long each kind of data is kept, or by what criteria the end is decided.

    Finds: a page that names no period and no criterion ("as long as necessary" is none); a kind of data listed in
    section 1 that no period speaks of.
    Does not find: a period that is too long, or not kept; `troth check` looks at the oldest rows.
    Before: "We retain your personal information only for as long as necessary".
    After: "Access logs are deleted after 90 days; account data 30 days after you close your account".
    """
    told = [said for said in page.said if _tells_period(said)]
    repair = 'State a period for each kind of data: "Access logs: 90 days. Account: until 30 days after you close it".'
    if not told:
        keeping = page.find(SPEAKS_OF_KEEPING, "protection")
        where = keeping[0].place if keeping else page.place_of("protection", "collection")
        yield Flaw(where, "no period and no criterion says how long data are kept.", repair)
        return
    words_told = " ".join(said.text for said in told).lower()
    if any(EVERYTHING.search(said.text) for said in told):
        return
    for said in page.within("collection"):
        if said.item and said.label and not _spoken_of(said.label, words_told):
            message = f'no period speaks of the kind of data "{said.label}".'
            yield Flaw(said.place, message, repair, level=Level.WARNING)


def _tells_period(said: Said) -> bool:
    """Whether the sentence states how long something is kept: it stands under such a heading, or says so itself."""
    about = any(KEEPS.search(title) for title in said.titles[1:]) or KEEPS.search(said.text)
    return said.section not in {"rights", "cookies", "updates", "contact"} and bool(
        about and (PERIOD.search(said.text) or CRITERIA.search(said.text))
    )


def _spoken_of(label: str, told: str) -> bool:
    """Whether one telling word of the label stands, by its stem, in what is told of periods."""
    telling = [word for word in re.findall(r"[a-z]+", label.lower()) if word not in TELLS_NO_KIND]
    return not telling or any(_stem(word) in told for word in telling)


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]
