"""The ground "consent": the register of what people agreed to, and how they can take it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable
from troth.foundation import crawling
from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis
from troth.use import answering
from troth.use.checks.purposes import held_against_choices

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

_TICKABLE = frozenset({"checkbox", "radio"})


def _ground(sentence: Sentence, _: Policy) -> bool:
    meaning = sentence.meaning
    return meaning.basis is LegalBasis.CONSENT and not meaning.uses


@check(
    id="use.consent-unrecorded",
    promise="consent is named as a ground",
    applies=_ground,
    reference="GDPR Art. 7(1); ISO/IEC TS 27560",
)
def consent_unrecorded(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one register for all
    """Each consent can be shown: by whom, to which words, when, under which version of the policy.

    What it proves: every consent on record has the text that was agreed to, which hashes to the recorded SHA-256, a
    time that is not after its recording or in the future, the sentence and the policy's hash, and its entry in the
    ledger, which says the same (of the newest 10,000). No consent or withdrawal that is among the newest 100,000
    entries of the ledger is missing from the record.

    What it does not prove: that the person at the screen was that person; that the form showed these words, in the
    language that is on record.

    Repair: record consent through troth only. Before: a column `newsletter boolean` that a form sets.
    After: `troth.give_consent("id=17", "marketing")`.
    """
    seen.need_store()
    from troth.use import register_reading, words_reading

    register = register_reading.look(seen)
    against = words_reading.against_the_ledger(seen, "consent")
    faults = (
        (
            register.bare,
            "it is not said to which words",
            "ask these people anew; a consent to nobody knows what is none",
        ),
        (register.altered, "the text agreed to is gone or was altered", "put the text back from a backup, or ask anew"),
        (
            register.unmeant,
            "the data and recipients agreed to are gone or were altered",
            "put the meaning back from a backup, or ask anew",
        ),
        (
            register.ahead,
            "the time is after its recording, or still to come",
            "mend the clock of the machine that recorded them",
        ),
        (register.leafless, "there is no entry in the ledger", "find out who wrote to the store past troth"),
        *((rows, fault, "put it right by the ledger, and find out who changed it") for rows, fault in against.faults()),
    )
    for rows, fault, repair in faults:
        if rows:
            yield broken("register of consents", f"{counted(rows, 'consent')}: {fault}", repair=repair)
    if not register.consents and not against.struck:
        yield unproven(
            "register of consents", "nobody's consent is on record", repair="record consents with `troth consent give`"
        )
    elif not any(rows for rows, _, _ in faults):
        yield kept(
            "register of consents",
            f"{counted(register.consents, 'consent')} on record, "
            "each with its time, its sentence and its text unaltered",
        )


@check(
    id="use.without-consent",
    promise="consent is named as a ground",
    applies=lambda sentence, policy: _ground(sentence, policy) and bool(answering.of_the_ground(policy)),
    reference="GDPR Art. 6(1)(a)",
)
def without_consent(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Each use that rests on consent came after that person's consent, and while it stood.

    What it proves: for the purposes that rest on consent and that no other sentence answers for (not those that
    people can opt out of, nor those that section 1 gates), every row that the data map calls a use came while the
    consent of that person stood.

    What it does not prove: uses that leave no row.

    Repair: ask before each use: `troth may PERSON --purpose P --data C`.
    """
    yield from held_against_choices(
        seen,
        sentence,
        answering.of_the_ground(seen.policy),
        repair="ask `troth may` before each use, and write to those concerned",
    )


@check(
    id="use.withdrawal-hidden",
    promise="consent is named as a ground",
    applies=_ground,
    reference="GDPR Art. 7(3)",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def withdrawal_hidden(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Consent can be taken back: there is a page for it, and it answers.

    What it proves: the policy names the page (`withdraw`); it answers with status 200 and a form, to somebody who
    comes for the first time.

    What it does not prove: that it takes no more steps than giving consent did; that a withdrawal is obeyed (the
    sentences on the single uses say that).

    Repair: name the page and serve it. Before: `text: Your explicit consent` alone.
    After: `withdraw: /privacy/centre`.
    """
    path = sentence.meaning.withdraw
    if path is None:
        yield unproven(
            sentence.id,
            "the policy names no page on which consent can be taken back",
            repair="add `withdraw: /privacy/centre` to this sentence in policy.yaml",
        )
        return
    page = seen.page(path)
    read = crawling.read(page)
    if page.status >= 500:
        yield unproven(path, f"the page answers with status {page.status}", repair="mend it, then run `troth check`")
    elif read is None or not read.forms:
        what = f"answers with status {page.status}" if page.status != 200 else "has no form"
        yield broken(
            path, f"the page on which consent is taken back {what}", repair="serve the privacy centre at this address"
        )
    else:
        yield kept(path, "the page on which consent is taken back answers, with a form")


@check(
    id="use.ticked-beforehand",
    promise="consent is named as a ground",
    applies=_ground,
    reference="GDPR Art. 4(11), recital 32; CJEU C-673/17",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def ticked_beforehand(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No box is ticked before a person ticks it.

    What it proves: on each page under `[site.forms]`, no box or choice of a form is already ticked.

    What it does not prove: anything about forms that scripts build, or pages that settings do not name.

    Repair: take `checked` away. Before: `<input type="checkbox" name="newsletter" checked>`.
    After: `<input type="checkbox" name="newsletter" value="yes">`.
    """
    forms = seen.need_site().forms
    if not forms:
        yield unproven(
            sentence.id,
            "no page with a form is named",
            repair='name the pages on which people sign up: `[site.forms."/sign-up"]` in troth.toml',
        )
    for path in forms:
        try:
            page = seen.page(path)
        except NetworkUnreachable as problem:
            yield unproven(path, problem.message, repair=problem.repair or "start the site, then run `troth check`")
            continue
        read = crawling.read(page)
        if read is None or not read.forms:
            yield unproven(
                path,
                f"the page answers with status {page.status} and no form",
                repair="correct the page under `[site.forms]` in troth.toml",
            )
            continue
        fields = [field for form in read.forms for field in form.fields if field.kind in _TICKABLE]
        ticked = [field.name for field in fields if field.checked]
        for name in ticked:
            yield broken(
                f'field "{name}" on {path}', "it is ticked before anybody ticked it", repair="take `checked` away"
            )
        if not ticked:
            yield kept(path, f"{counted(len(fields), 'choice')} to tick, none ticked beforehand")


CHECKS: tuple[Check, ...] = (consent_unrecorded, without_consent, withdrawal_hidden, ticked_beforehand)
