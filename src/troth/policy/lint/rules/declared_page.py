"""Rules about a declaration as a whole: its laws, its sections, sentences without a meaning, its dates."""

from __future__ import annotations

from collections.abc import Iterator

from troth.policy.lint.page import Page, fold, place
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, gdpr, rule
from troth.policy.lint.words.phrases import day_in


@rule("policy.laws-unnamed", "No law is named", level=Level.WARNING, rests_on=OWN_WORD, reads_words=False)
def laws_unnamed(page: Page) -> Iterator[Flaw]:
    """The rules about duties to inform run by the laws that the policy names; without any, hardly one runs.

    Finds: an empty or missing `laws:`.
    Does not find: a law that is missing beside others.
    Before: no `laws:`.
    After: `laws: [gdpr, ccpa]`.
    """
    if not page.policy.laws:
        yield Flaw(page.start, "no law is named, so no duty to inform was judged.", "Add `laws: [gdpr, ...]`.")


@rule(
    "policy.section-missing",
    "A section of the nine is missing",
    level=Level.WARNING,
    under=gdpr("Art. 13"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def section_missing(page: Page) -> Iterator[Flaw]:
    """A policy speaks of all nine: collection, use, protection, sharing, rights, cookies, links, updates, contact.

    Finds: collection, use, protection, sharing, rights or contact left out.
    Does not find: cookies, links or updates left out by who has none.
    Before: no `rights:`.
    After: a section `rights:` with its sentences.
    """
    for name in ("collection", "use", "protection", "sharing", "rights", "contact"):
        if not any(section.id == name for section in page.policy.sections):
            yield Flaw(page.start, f"the section `{name}` is missing.", f"Add `{name}:` with its sentences.")


@rule(
    "policy.sentence-without-meaning",
    "A sentence has no meaning",
    level=Level.NOTE,
    rests_on=OWN_WORD,
    reads_words=False,
)
def sentence_without_meaning(page: Page) -> Iterator[Flaw]:
    """A sentence without a meaning beside it is published and can never be proven.

    Finds: a sentence that declares nothing and sums up no others.
    Does not find: a meaning that is not what the words say.
    Before: `text: Maintain secure server infrastructure`.
    After: the same, and `measure: infrastructure`.
    """
    for sentence in page.policy.sentences:
        if sentence.meaning.empty and not sentence.sums and sentence.number != "0":
            yield Flaw(
                place(sentence),
                "this sentence has no meaning, so it stays unproven.",
                "Add what it promises, such as `measure:` or `data:`.",
            )


@rule(
    "policy.meaning-guessed",
    "A meaning is still the importer's guess",
    level=Level.NOTE,
    rests_on=OWN_WORD,
    reads_words=False,
)
def meaning_guessed(page: Page) -> Iterator[Flaw]:
    """What `troth policy import` guessed must be read by a person.

    Finds: a sentence with `guess: true`.
    Does not find: a guess whose mark was taken away unread.
    Before: `guess: true`.
    After: the meaning as it is, without the mark.
    """
    for sentence in page.policy.sentences:
        if sentence.meaning.guess:
            yield Flaw(
                place(sentence),
                "this meaning was guessed and not yet confirmed.",
                "Read it, correct it, and take `guess: true` out.",
            )


@rule("updates.dates-differ", "The printed date is not the declared one", rests_on=OWN_WORD, reads_words=False)
def dates_differ(page: Page) -> Iterator[Flaw]:
    """What people read and what software obeys is one date; a policy is not in force before it was written.

    Finds: a printed day that differs from `updated:` or `effective:`; an effective day before the last update's.
    Does not find: days written in numbers only, other than 2026-11-22.
    Before: "January 9, 2024" with `updated: 2025-01-09`.
    After: the same day twice.
    """
    for sentence in page.policy.sentences:
        printed = day_in(fold(sentence.text))
        for declared in (sentence.meaning.updated, sentence.meaning.effective):
            if printed and declared and printed != declared:
                yield Flaw(
                    place(sentence), f"the page says {printed}, and {declared} is declared.", "Make them the same."
                )
    updated, effective = page.policy.last_updated, page.policy.effective
    if updated and effective and effective < updated:
        sentence = next(s for s in page.policy.sentences if s.meaning.effective)
        yield Flaw(
            place(sentence),
            f"in force since {effective}, before its last update on {updated}.",
            "Correct one of the two days.",
        )
