"""The compiled rules give what the rules say, for every policy and every standing; and what is in doubt is refused."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.use.company import POLICY
from troth.policy import reading
from troth.policy.model import Policy
from troth.policy.vocabulary import LegalBasis, expand
from troth.use.decision import (
    RESTRICTED_BIT,
    Decision,
    Reason,
    compile_policy,
    decide,
    decide_all,
    without_standing,
)
from troth.use.standing import ACCOUNT, Standing, Word, fold, word_of
from troth.use.words import Closing, Consent, Ground, Objection, Restriction

THE_POLICY = reading.parse(POLICY.encode())
COMPILED = compile_policy(THE_POLICY)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def naive(
    policy: Policy, standing: Standing | None, purpose: str, category: str, recipient: str | None
) -> tuple[bool, Reason]:
    """The rules as they stand in the head of the module, one after the other, without any table."""
    of_purpose = [use for use in policy.uses if use.purpose == purpose]
    if not of_purpose:
        return False, Reason.PURPOSE_NOT_DECLARED
    uses = [use for use in of_purpose if use.category == category]
    if not uses:
        return False, Reason.DATA_NOT_DECLARED
    declared = [r.name for _, r in policy.recipients if r.purpose == purpose and category in expand(r.data)]
    if recipient is not None and recipient not in declared:
        return False, Reason.RECIPIENT_NOT_DECLARED
    if any(use.basis is None for use in uses):
        return False, Reason.BASIS_MISSING
    if standing is None:
        return False, Reason.PERSON_UNKNOWN
    free = (LegalBasis.LEGAL_OBLIGATION, LegalBasis.VITAL_INTERESTS)
    bound = [use for use in uses if purpose not in ("storage", "legal-claims") and use.basis not in free]
    if bound and any(word.word is Restriction.PLACED for word in standing.restrictions.values()):
        return False, Reason.RESTRICTED
    tied = purpose not in ("storage", "legal-claims") and any(use.basis is LegalBasis.CONTRACT for use in uses)
    if tied and any(word.word is Closing.CLOSED for word in standing.closings.values()):
        return False, Reason.CONTRACT_ENDED
    if any(use.basis is LegalBasis.CONSENT for use in uses):
        word = standing.consents.get(purpose)
        if word is None or word.word in (Consent.REFUSED, Consent.EXPIRED):
            return False, Reason.CONSENT_NOT_GIVEN
        if word.word is Consent.WITHDRAWN:
            return False, Reason.CONSENT_WITHDRAWN
    marketing = purpose.split(".", maxsplit=1)[0] in ("marketing", "advertising")
    weak = (LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK)
    if marketing or any(use.basis in weak or use.opt_out for use in uses):
        spoken = [standing.objections[about] for about in (purpose, "*") if about in standing.objections]
        if spoken and max(spoken, key=lambda word: (word.at, word.id)).word is Objection.RAISED:
            return False, Reason.OBJECTION_STANDS
    asked = any(use.basis is LegalBasis.CONSENT for use in uses)
    return True, Reason.CONSENT_GIVEN if asked else Reason.BASIS_APPLIES


# --- policies and standings to draw from ------------------------------------------------------------------------

PURPOSES = ("service.provide", "marketing", "marketing.post", "advertising", "fraud", "storage", "legal-claims", "tea")
CATEGORIES = ("contact.email", "contact.phone", "usage.page")
NAMES = ("Example Mail", "Example Pay")

uses = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(PURPOSES),
        "data": st.lists(st.sampled_from((*CATEGORIES, "contact.*")), min_size=1, max_size=2, unique=True),
    },
    optional={"basis": st.sampled_from([basis.value for basis in LegalBasis]), "opt_out": st.just("at-once")},
)
recipients = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "purpose": st.sampled_from(PURPOSES),
        "data": st.lists(st.sampled_from((*CATEGORIES, "contact.*")), min_size=1, max_size=2, unique=True),
        "country": st.just("DE"),
    }
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    declared = draw(st.lists(uses, min_size=1, max_size=6))
    named = draw(st.lists(recipients, max_size=3))
    root = {
        "troth": 1,
        "title": "Privacy Policy",
        "controller": {"name": "Example Company", "country": "IE"},
        "laws": ["gdpr"],
        "use": {
            "number": "1",
            "title": "Use",
            **{f"c{i}": {"text": f"Sentence {i}.", "uses": [use]} for i, use in enumerate(declared)},
        },
        "sharing": {
            "number": "2",
            "title": "Sharing",
            "columns": ["Who"],
            **{f"r{i}": {"cells": [one["name"]], "recipients": [one]} for i, one in enumerate(named)},
        },
    }
    return reading.parse(json.dumps(root).encode())


words = st.builds(
    Word,
    about=st.just(""),
    word=st.sampled_from([*Consent, *Objection, *Restriction, *Closing]),
    at=st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    id=st.just(0),
)


@st.composite
def standings(draw: st.DrawFn) -> Standing | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    spoken = []
    for number, word in enumerate(draw(st.lists(words, max_size=12))):
        if isinstance(word.word, Restriction):
            about: str = draw(st.sampled_from([*Ground]))
        elif isinstance(word.word, Closing):
            about = ACCOUNT
        else:
            about = draw(st.sampled_from(PURPOSES if isinstance(word.word, Consent) else (*PURPOSES, "*")))
        spoken.append(Word(about, word.word, word.at, number))
    return fold(spoken)


@given(policy=policies(), standing=standings())
def test_the_compiled_table_and_the_plain_rules_always_agree(policy: Policy, standing: Standing | None) -> None:
    compiled = compile_policy(policy)
    word = None if standing is None else word_of(compiled, standing)

    for purpose in (*PURPOSES, "unheard-of"):
        for category in (*CATEGORIES, "contact.fax", "no.such"):
            for recipient in (None, *NAMES, "Example Nobody"):
                decision = decide(compiled, word, purpose, category, recipient)

                asked = f"{purpose} {category} {recipient}"
                assert (asked, decision.permitted, decision.reason) == (
                    asked,
                    *naive(policy, standing, purpose, category, recipient),
                )


@given(policy=policies(), word=st.one_of(st.none(), st.integers(0, 2**40)))
def test_every_answer_for_a_declared_purpose_names_its_sentence(policy: Policy, word: int | None) -> None:
    compiled = compile_policy(policy)

    for purpose in policy.purposes:
        for category in CATEGORIES:
            decision = decide(compiled, word, purpose, category)

            assert decision.number in policy.by_number
            assert any(use.clause_id == decision.clause and use.number == decision.number for use in policy.uses)


@given(policy=policies())
def test_the_bits_of_a_policy_do_not_overlap(policy: Policy) -> None:
    compiled = compile_policy(policy)

    bits = [
        RESTRICTED_BIT,
        *(bit for pair in compiled.consent_bits.values() for bit in pair),
        *compiled.objection_bits.values(),
        *([compiled.ended_bit] if compiled.ended_bit else []),
    ]

    assert len(set(bits)) == len(bits)
    assert all(bit.bit_count() == 1 for bit in bits)


@pytest.mark.parametrize(
    ("word", "purpose", "category", "recipient", "reason", "number"),
    [
        (0, "unheard-of", "contact.email", None, Reason.PURPOSE_NOT_DECLARED, None),
        (0, "marketing", "device.ip", None, Reason.DATA_NOT_DECLARED, "1.1b"),
        (0, "marketing", "contact.email", "Example Nobody", Reason.RECIPIENT_NOT_DECLARED, "1.1b"),
        (0, "marketing", "profile.name", "Example Mail", Reason.RECIPIENT_NOT_DECLARED, "1.1b"),
        (0, "things", "contact.email", None, Reason.BASIS_MISSING, "1.1j"),
        (0, "things", "contact.email", "Example Help", Reason.BASIS_MISSING, "1.1j"),
        (0, "things", "contact.email", "Example Mail", Reason.RECIPIENT_NOT_DECLARED, "1.1j"),
        (None, "service.provide", "contact.email", None, Reason.PERSON_UNKNOWN, "1.1a"),
        (RESTRICTED_BIT, "service.provide", "contact.email", None, Reason.RESTRICTED, "1.1a"),
        (RESTRICTED_BIT, "storage", "contact.email", None, Reason.BASIS_APPLIES, "1.1i"),
        (RESTRICTED_BIT, "legal", "transaction.purchase", None, Reason.BASIS_APPLIES, "1.1g"),
        (RESTRICTED_BIT, "rescue", "contact.phone", None, Reason.BASIS_APPLIES, "1.1h"),
        (0, "marketing", "contact.email", None, Reason.CONSENT_NOT_GIVEN, "1.1b"),
        (0, "improve", "usage.page", None, Reason.CONSENT_NOT_GIVEN, "1.1k"),
        (0, "service.provide", "contact.email", None, Reason.BASIS_APPLIES, "1.1a"),
    ],
)
def test_each_rule_decides_in_its_turn(
    word: int | None, purpose: str, category: str, recipient: str | None, reason: Reason, number: str | None
) -> None:
    decision = decide(COMPILED, word, purpose, category, recipient)

    assert (decision.reason, decision.number) == (reason, number)


def test_an_objection_to_marketing_is_absolute_whatever_the_ground() -> None:
    objected = word_of(COMPILED, fold([Word("marketing.post", Objection.RAISED, NOON, 1)]))

    assert decide(COMPILED, 0, "marketing.post", "contact.address")
    assert decide(COMPILED, objected, "marketing.post", "contact.address").reason is Reason.OBJECTION_STANDS


def test_an_objection_does_not_touch_what_rests_on_a_contract() -> None:
    objected = word_of(COMPILED, fold([Word("*", Objection.RAISED, NOON, 1)]))

    assert decide(COMPILED, objected, "service.provide", "contact.email")
    assert decide(COMPILED, objected, "fraud", "device.ip").reason is Reason.OBJECTION_STANDS
    assert decide(COMPILED, objected, "census", "contact.address").reason is Reason.OBJECTION_STANDS


def test_two_grounds_for_one_pair_must_both_carry_it() -> None:
    given, _ = COMPILED.consent_bits["improve"]
    objected = COMPILED.objection_bits["improve"]

    assert decide(COMPILED, given, "improve", "usage.page")
    assert decide(COMPILED, given | objected, "improve", "usage.page").reason is Reason.OBJECTION_STANDS
    assert decide(COMPILED, given | objected, "improve", "usage.search"), "searches rest on consent alone"


def test_several_categories_must_all_pass_and_the_first_refusal_is_told() -> None:
    given, _ = COMPILED.consent_bits["marketing"]

    assert decide_all(COMPILED, given, "marketing", ("contact.email", "profile.name"))
    assert decide_all(COMPILED, given, "marketing", ("contact.email", "device.ip")).reason is Reason.DATA_NOT_DECLARED


def test_no_data_at_all_is_refused() -> None:
    assert decide_all(COMPILED, 0, "service.provide", ()).reason is Reason.DATA_NOT_DECLARED
    assert decide_all(COMPILED, 0, "unheard-of", ()).reason is Reason.PURPOSE_NOT_DECLARED
    assert not without_standing(COMPILED, Reason.STANDING_UNKNOWN, "service.provide", ())


@given(policy=policies())
def test_without_a_standing_nothing_is_permitted(policy: Policy) -> None:
    compiled = compile_policy(policy)

    for purpose in (*PURPOSES, "unheard-of"):
        for category in (*CATEGORIES, "contact.fax"):
            assert not without_standing(compiled, Reason.STANDING_UNKNOWN, purpose, (category,))


def test_a_refused_decision_is_false_in_an_if() -> None:
    assert not Decision(False, Reason.RESTRICTED)
    assert Decision(True, Reason.BASIS_APPLIES)


def test_answers_are_made_beforehand_and_cannot_be_changed() -> None:
    first, second = decide(COMPILED, 0, "fraud", "device.ip"), decide(COMPILED, 0, "fraud", "device.ip")

    assert first is second
    with pytest.raises(FrozenInstanceError):
        first.permitted = False  # type: ignore[misc]
