"""Rules about what a page must say somewhere and is silent on."""

from __future__ import annotations

from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page
from troth.policy.lint.registry import Flaw, Level, rule
from troth.policy.lint.words.silence import AUTOMATED, CHILDREN, OBLIGATORY, SOURCES


@rule("policy.silent-on-automated-decisions", "No word on automated decisions", fault=10, duty=Duty.AUTOMATED_DECISIONS)
def silent_on_automated_decisions(page: Page) -> Iterator[Flaw]:
    """People are told whether a machine alone decides about them, and by what logic; that it does not is also told.

    Finds: a page without a word on automated decisions, profiling or algorithms.
    Does not find: a denial that is untrue.
    Before: nothing.
    After: "We make no decisions about you by machine alone".
    """
    if not page.says(AUTOMATED):
        yield Flaw(
            page.place_of("use"),
            "nothing says whether decisions are made about people by machine alone.",
            'Add: "We make no decisions about you by machine alone", or which, by what logic and with what effect.',
        )


@rule("policy.silent-on-children", "No word on children", fault=10, duty=Duty.CHILDREN)
def silent_on_children(page: Page) -> Iterator[Flaw]:
    """Where a law has rules for children, the page says whether children's data are handled, and how.

    Finds: a page without a word on children, minors, parents or an age.
    Does not find: an age that is not the one of the law.
    Before: nothing.
    After: "Our services are not meant for children under 14; we delete their data when we learn of them".
    """
    if not page.says(CHILDREN):
        ages = sorted({law.consent_age for law in page.laws_with(Duty.CHILDREN) if law.consent_age})
        age = f" under {ages[-1]}" if ages else ""
        yield Flaw(
            page.place_of("collection"),
            "nothing says how data of children are handled.",
            f'Add: "Our services are not meant for children{age}; a parent\'s consent is asked for first".',
        )


@rule("policy.silent-on-obligatory-data", "No word on which data must be given", fault=10, duty=Duty.OBLIGATORY_DATA)
def silent_on_obligatory_data(page: Page) -> Iterator[Flaw]:
    """People are told which data they must give, and what happens if they do not.

    Finds: a page that never says which data are obligatory or optional.
    Does not find: a form that asks for more than it says.
    Before: "When you use our services, we may collect the following information".
    After: "Only your e-mail address is required; without it we cannot open an account. All else is optional".
    """
    if not page.says(OBLIGATORY):
        yield Flaw(
            page.place_of("collection"),
            "nothing says which data must be given and what follows if they are not.",
            'Add: "Fields marked with * are required; without them we cannot deliver. All others are optional".',
        )


@rule(
    "policy.silent-on-sources", "No word on data received from others", fault=10, level=Level.WARNING, duty=Duty.SOURCES
)
def silent_on_sources(page: Page) -> Iterator[Flaw]:
    """People are told where data come from that they did not give themselves; that there are none is also told.

    Finds: a page that never says whether data are received from others.
    Does not find: a source that is missing; `troth check` looks for columns with another source.
    Before: nothing.
    After: "We receive no data about you from others", or "We receive your address from our delivery partner".
    """
    if not page.says(SOURCES):
        yield Flaw(
            page.place_of("collection"),
            "nothing says whether data are received from others.",
            'Add: "We receive no data about you from other sources", or from whom and which.',
        )


@rule(
    "policy.language-unread",
    "The page is in a language whose words troth cannot judge",
    level=Level.NOTE,
    rests_on="the words these rules know",
    reads_words=False,
)
def language_unread(page: Page) -> Iterator[Flaw]:
    """The rules about words know English. On a page in another language they say nothing instead of guessing.

    Finds: a page that is not in English; the rules about the meaning run all the same.
    Does not find: faults of the text itself.
    Before: a Chinese `policy.yaml`.
    After: lint the English text, and keep the translation beside it by the same ids.
    """
    if not page.readable:
        yield Flaw(
            page.start,
            "the text is not in English, so the rules about published words were not run.",
            "Lint the English version of the policy; translations keep its ids.",
        )
