"""Section 5 proven as far as it can be seen: the door to the rights, and what was done after somebody said stop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from troth.foundation import crawling
from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis, Right

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.rights.later_uses import Looked, Stop

_PASSING_BASES = frozenset({LegalBasis.LEGAL_OBLIGATION, LegalBasis.VITAL_INTERESTS})
_PASSING_PURPOSES = frozenset({"storage", "legal-claims"})
_REHEARSED = {
    Right.RECTIFICATION: "that a corrected value reaches every copy of it",
    Right.PORTABILITY: "that an export can be read back into another system",
}


def _sums_rights(sentence: Sentence, policy: Policy) -> bool:
    below = (policy.by_number.get(number) for number in sentence.sums)
    return any(each is not None and each.meaning.right is not None for each in below)


@check(
    id="rights.door-closed",
    promise="the rights are introduced",
    applies=_sums_rights,
    reference="GDPR Art. 12(1), (2); WCAG 2.2 criteria 1.3.1, 3.1.1",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def door_closed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """The privacy centre can be reached and used by anybody, without signing in first.

    What it proves: the page that settings name as the centre answers with status 200 and HTML, holds a form whose
    every field has a label, and says in which language it is written, one of those of the policy.

    What it does not prove: that a request filed there is answered; the sentences of the single rights say that.

    Repair: serve the centre, or name it. Before: `GET /privacy/centre` answers 302 to a log-in page.
    After: it answers 200 with the page and a form to begin with.
    """
    path = seen.need_site().centre
    page = seen.page(path)
    read = crawling.read(page)
    if page.status >= 500:
        yield unproven(
            path, f"the page answers with status {page.status}", repair="mend the page, then run `troth check`"
        )
        return
    if read is None:
        repair = "serve the centre there without a log-in before it, or set `[site] centre` in troth.toml"
        yield broken(path, f"the page answers with status {page.status} and is no page to begin at", repair=repair)
        return
    forms = [form for form in read.forms if any(field.asks for field in form.fields)]
    nameless = sum(1 for form in forms for field in form.fields if field.asks and not field.label)
    languages = {language.lower().partition("-")[0] for language in seen.policy.controller.languages}
    fine = True
    if not forms:
        fine = False
        yield broken(path, "there is no form to begin with", repair="put a form on the page by which anybody can begin")
    if nameless:
        fine = False
        yield broken(
            path, f"{counted(nameless, 'field')} of forms with no label", repair="give each field a `<label for=...>`"
        )
    if read.language.lower().partition("-")[0] not in languages:
        fine = False
        said = read.language or "none"
        yield broken(
            path,
            f"the page's language ({said}) is none of the policy's",
            repair="set `lang` on `<html>` to a language of the policy",
        )
    if fine:
        fields = sum(1 for form in forms for field in form.fields if field.asks)
        yield kept(
            path,
            f"reached without signing in; labelled fields: {fields}, language {read.language}",
        )


@check(
    id="rights.unrehearsed",
    promise="a right of correction or portability is given",
    applies=lambda sentence, _: sentence.meaning.right in _REHEARSED,
    reference="GDPR Art. 12(3), 15, 16, 17, 20",
)
def unrehearsed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - nothing to look at yet
    """A made-up person has used this right from end to end, and what came of it was looked at.

    What it proves: nothing yet. Requests are not handled by this version, so there is nothing to rehearse.

    What it does not prove: everything. The sentence stays unproven, and says what would prove it.

    Repair: answer such requests by hand within the legal time. A version that handles them will rehearse them.
    """
    right = sentence.meaning.right
    assert right is not None
    yield unproven(
        sentence.id,
        f"nobody has rehearsed {_REHEARSED[right]}",
        repair="answer such requests by hand within the legal time; this version cannot handle or rehearse them yet",
    )


@check(
    id="rights.used-while-restricted",
    promise="a right to restrict processing is given",
    applies=lambda sentence, _: sentence.meaning.right is Right.RESTRICTION,
    reference="GDPR Art. 18(1), (2)",
)
def used_while_restricted(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nobody's data were used while their use was restricted.

    What it proves: in every table whose rows the data map calls uses (`uses: {purpose, at}`), no row of a person
    with a standing restriction came after it, and each row of such a person has a time that can be read. Uses that a
    law obliges or a life depends on, and storage, pass. Up to 200,000 rows a table are read, the newest first. The
    restrictions on record are those that the ledger has.

    What it does not prove: uses that leave no row; tables that the map does not call uses.

    Repair: ask before each use. Before: `send(newsletter, to=everybody)`.
    After: `if troth.may(person, "marketing", "contact.email"): send(...)`.
    """
    passing = {use.purpose for use in seen.policy.uses if use.basis in _PASSING_BASES} | _PASSING_PURPOSES
    seen.need_store()
    from troth.rights import later_uses

    yield from _against_the_ledger(seen, "restriction")
    stops = later_uses.restrictions(seen)
    yield from _held_against(seen, sentence, stops, lambda purpose: purpose not in passing, "restriction")


@check(
    id="rights.used-despite-objection",
    promise="a right to object is given",
    applies=lambda sentence, _: sentence.meaning.right is Right.OBJECTION,
    reference="GDPR Art. 21(1), (3)",
)
def used_despite_objection(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nobody's data were used for a purpose after they had objected to it.

    What it proves: in every table whose rows the data map calls uses, no row of a person for a purpose came while
    an objection to that purpose stood, and each row of such a person has a time that can be read. Up to 200,000 rows
    a table are read, the newest first. The objections on record are those that the ledger has.

    What it does not prove: uses that leave no row; that objections are judged rightly where the law allows a refusal.

    Repair: ask before each use. Before: `select email from users`.
    After: `troth.permitted("marketing", "contact.email", persons)`.
    """
    seen.need_store()
    from troth.rights import later_uses

    uses = seen.policy.uses
    open_to_objection = {
        use.purpose
        for use in uses
        if use.opt_out
        or use.basis in {LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK}
        or use.purpose.partition(".")[0] in {"marketing", "advertising"}
    }
    yield from _against_the_ledger(seen, "objection")
    stops = later_uses.objections(seen, sorted(open_to_objection))
    yield from _held_against(seen, sentence, stops, lambda purpose: purpose in open_to_objection, "objection")


def _against_the_ledger(seen: Observation, word: str) -> Iterator[Saw]:
    """What was said and is on record otherwise, or not any more."""
    from troth.use import words_reading

    for times, fault in words_reading.against_the_ledger(seen, word).faults():
        yield broken(
            f"register of {word}s",
            f"{counted(times, word)}: {fault}",
            repair="put it right by the ledger, and find out who wrote to the store past troth",
        )


def _held_against(
    seen: Observation, sentence: Sentence, stops: tuple[Stop, ...], counts: Callable[[str], bool], word: str
) -> Iterator[Saw]:
    people = len({stop.person for stop in stops})
    if not stops:
        yield unproven(
            sentence.id,
            f"nobody has made use of it: no {word} is on record",
            repair="rehearse it with a made-up person of the company",
        )
        return
    from troth.rights import later_uses

    tables = 0
    for looked in later_uses.later_uses(seen, stops, counts):
        tables += 1
        doubts = list(_doubts(looked, word))
        yield from doubts
        if not doubts:
            yield kept(
                looked.place,
                f"{word}s on record, people who made them: {people}; "
                f"{counted(looked.rows, 'use')} for {looked.purpose}, none against them",
            )
    if not tables:
        repair = "say in datamap.yaml which tables hold uses: `uses: {purpose: marketing, at: sent_at}`"
        yield unproven(
            sentence.id,
            f"{word}s on record, people who made them: {people}; and no table whose rows are uses to look at",
            repair=repair,
        )


def _doubts(looked: Looked, word: str) -> Iterator[Saw]:
    """What speaks against one table, or keeps it from being judged."""
    if looked.against:
        yield broken(
            looked.place,
            f"{counted(looked.against, 'use')} for {looked.purpose} after that person's {word}",
            repair="ask `troth may` before each use, and undo what was done",
        )
    if not looked.followed:
        yield unproven(
            looked.place,
            "whose its rows are cannot be followed here",
            repair="name a column that holds the person's key under `whose` in datamap.yaml",
        )
    elif not looked.known:
        yield unproven(
            looked.place,
            "its rows lead to nobody that troth knows",
            repair="register people with troth under the id that the table holds",
        )
    if looked.undated:
        yield unproven(
            looked.place,
            f"{counted(looked.undated, 'use')} for {looked.purpose} of people with {word}s on record: "
            "no time that can be read",
            repair="name the column of times under `uses` in datamap.yaml, and fill it",
        )
    if not looked.whole:
        yield unproven(
            looked.place,
            f"only its newest {counted(looked.rows, 'row')} read",
            repair="index the column of times and check more often",
        )


CHECKS: tuple[Check, ...] = (door_closed, unrehearsed, used_while_restricted, used_despite_objection)
