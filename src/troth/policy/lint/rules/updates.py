"""Rules about section 8 as published: how changes are told, and how old the page is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page, Said
from troth.policy.lint.registry import Flaw, Level, rule
from troth.policy.lint.words.changes import POSTS_CHANGE, TELLS_CHANGE, UPDATED
from troth.policy.lint.words.phrases import day_in, words

_CHANGES = words(r"\b(?:chang|updat|amend|revis|modif)\w*\b")
_FRESH_MONTHS = 12


@rule(
    "updates.posting-only", "Changes are told by posting only", fault=13, level=Level.WARNING, duty=Duty.CHANGE_NOTICE
)
def posting_only(page: Page) -> Iterator[Flaw]:
    """A change that matters must reach the people it is about; a new text on a page reaches nobody.

    Finds: a section on changes that posts the new version, or asks people to look, and names no way to reach them.
    Does not find: a notice that is promised and not sent; `troth check` counts the messages.
    Before: "We will notify you of any significant changes by posting the new version on this page".
    After: "We tell you of significant changes by e-mail 30 days before they apply".
    """
    said = page.within("updates")
    changing = [each for each in said if POSTS_CHANGE.search(each.text)] or [
        each for each in said if _CHANGES.search(each.text) and not each.label
    ]
    if changing and not any(TELLS_CHANGE.search(each.text) for each in said):
        yield Flaw(
            changing[0].place,
            "significant changes are told by posting a new version only.",
            'Add: "We tell you of significant changes by e-mail and by a banner 30 days before they apply".',
        )


@rule("updates.stale", "The page was last updated more than twelve months ago", fault=17, duty=Duty.YEARLY_UPDATE)
def stale(page: Page) -> Iterator[Flaw]:
    """California wants the page reviewed and its date renewed every twelve months.

    Finds: a printed date of the last update older than twelve months, in the future, or missing.
    Does not find: a date written in numbers only, other than 2026-11-22; a date renewed without a review.
    Before: "Last Updated: January 9, 2024".
    After: review the text, then "Last Updated: November 22, 2026".
    """
    dated = [(said, day) for said in page.said if (day := _updated(said))]
    repair = (
        f'Review the text, then print the day: "Last updated: {page.today:%B} {page.today.day}, {page.today.year}".'
    )
    if not dated:
        message = "no date says when the page was last updated."
        yield Flaw(page.place_of("updates"), message, repair, level=Level.WARNING)
        return
    said, day = dated[0]
    if day > page.today:
        yield Flaw(said.place, f"the last update is in the future ({day}).", repair)
    elif _months_between(day, page.today) >= _FRESH_MONTHS:
        months = _months_between(day, page.today)
        yield Flaw(
            said.place, f"last updated {day}, {months} months ago; it must be renewed every {_FRESH_MONTHS}.", repair
        )


def _updated(said: Said) -> dt.date | None:
    return day_in(said.text) if UPDATED.search(said.text) else None


def _months_between(first: dt.date, last: dt.date) -> int:
    """Whole months from `first` to `last`; the month is whole on the same date."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
