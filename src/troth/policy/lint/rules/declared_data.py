"""Rules about declared data: what is collected must be used and must end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from troth.policy.lint.declarations import any_of, periods_of, uses_of
from troth.policy.lint.page import Page, place
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, gdpr, rule
from troth.policy.model import Clause, RetentionPeriod, Sentence
from troth.policy.vocabulary import expand


@rule(
    "collection.used-not-collected",
    "Data are used that are not collected",
    under=gdpr("Art. 5(1)(a), 13(1)(c)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def used_not_collected(page: Page) -> Iterator[Flaw]:
    """Data that a purpose, a period or a recipient names must stand in section 1.

    Finds: a category, or a whole family, named in a use, a period or at a recipient, that section 1 does not collect.
    Does not find: data that are in the stores and nowhere in the policy; `troth check` does.
    Before: `data: [health.record]` at a purpose, and section 1 without it.
    After: the same category at the sentence of section 1 that tells of it.
    """
    collected = page.policy.collected
    named: list[tuple[Clause | Sentence, str, Iterable[str]]] = [
        *((sentence, f"the purpose {use.purpose}", use.data) for sentence, use in uses_of(page.policy)),
        *((clause, f"the period {name}", period.data) for clause, name, period in periods_of(page.policy)),
        *((sentence, f"the recipient {to.name}", to.data) for sentence, to in page.policy.recipients),
    ]
    for where, what, data in named:
        for pattern in data:
            if not any_of((pattern,), collected):
                message = f"{what} names {pattern}, which section 1 does not collect."
                yield Flaw(place(where), message, "Tell it in section 1, or take it out here.")


@rule(
    "collection.collected-without-purpose",
    "Data are collected for nothing",
    level=Level.WARNING,
    under=gdpr("Art. 5(1)(b), 5(1)(c)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def collected_without_purpose(page: Page) -> Iterator[Flaw]:
    """Data without a purpose should not be collected.

    Finds: a category of section 1 that no declared use names.
    Does not find: data that a purpose names and does not need.
    Before: `data: [device.fingerprint]`, in no use.
    After: a use that needs it, or the category taken out.
    """
    used = {pattern for _, use in uses_of(page.policy) for pattern in use.data}
    for category, number in page.policy.collected.items():
        if used and not any_of(used, (category,)):
            where = place(page.policy.by_number[number])
            yield Flaw(
                where,
                f"{category} is collected, and no purpose uses it.",
                "Declare the use that needs it, or stop collecting it.",
            )


@rule(
    "protection.category-without-period",
    "Data are collected and have no period",
    under={**gdpr("Art. 5(1)(e)"), "ccpa": "§ 1798.100(a)(3)", "pipl": "Art. 19"},
    rests_on=OWN_WORD,
    reads_words=False,
)
def category_without_period(page: Page) -> Iterator[Flaw]:
    """Every kind of data has an end.

    Finds: a category of section 1 that no retention period names.
    Does not find: rows past their period; `troth check` does.
    Before: `location.approximate` collected, and in no period.
    After: `usage: {data: [usage.*, location.approximate], after: event, keep: 13 months}`.
    """
    kept = {pattern for _, _, period in periods_of(page.policy) for pattern in period.data}
    for category, number in page.policy.collected.items():
        if not any_of(kept, (category,)):
            where = place(page.policy.by_number[number])
            yield Flaw(
                where,
                f"{category} is collected, and no period ends it.",
                "Add it to a period under `protection.retention.periods`.",
            )


@rule(
    "protection.two-periods",
    "One kind of data has two periods",
    under=gdpr("Art. 5(1)(e)"),
    rests_on=OWN_WORD,
    reads_words=False,
)
def two_periods(page: Page) -> Iterator[Flaw]:
    """A kind of data counted from the same event ends once.

    Finds: a category in two periods that count from the same event and differ in length or in what happens then.
    Does not find: periods that count from different events.
    Before: usage.page 90 days after visit, and 13 months after visit.
    After: one of them.
    """
    first: dict[tuple[str, str], tuple[str, RetentionPeriod]] = {}
    for clause, name, period in periods_of(page.policy):
        for category in expand(period.data):
            other, known = first.setdefault((category, period.after), (name, period))
            if (known.keep, known.then) != (period.keep, period.then):
                message = f"{category} is kept {period.keep} by {name} and {known.keep} by {other}."
                yield Flaw(place(clause), message, "Keep one of the two.")
                break
