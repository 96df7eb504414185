"""The later word counts, in whatever order words are written down or read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.use.company import Company
from troth import errors
from troth.use import standing
from troth.use.standing import Word, fold
from troth.use.words import Consent, Ground, Objection, Restriction

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
minutes = st.integers(0, 5).map(lambda n: NOON + timedelta(minutes=n))
consents = st.sampled_from([Consent.GIVEN, Consent.WITHDRAWN, Consent.REFUSED])


@given(st.lists(st.tuples(consents, minutes), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_later_word_counts_in_whatever_order_it_comes(
    spoken: list[tuple[Consent, datetime]], random: object
) -> None:
    words = [Word("marketing", word, at, number) for number, (word, at) in enumerate(spoken)]
    latest = max(words, key=lambda word: (word.at, word.id))
    shuffled = list(words)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert fold(shuffled).consents == {"marketing": latest}
    assert fold(words).consents_to("marketing") is (latest.word is Consent.GIVEN)


@given(consented=minutes, withdrew=minutes)
def test_of_two_words_at_one_instant_the_one_written_later_counts(consented: datetime, withdrew: datetime) -> None:
    words = [Word("marketing", Consent.GIVEN, consented, 1), Word("marketing", Consent.WITHDRAWN, withdrew, 2)]

    assert fold(words).consents_to("marketing") is (consented > withdrew)


@given(everything=minutes, one=minutes)
def test_a_later_word_about_one_purpose_counts_for_that_purpose(everything: datetime, one: datetime) -> None:
    of = fold([Word("*", Objection.RAISED, everything, 1), Word("fraud", Objection.LIFTED, one, 2)])

    assert of.objects_to("fraud") is (everything > one)
    assert of.objects_to("census")


def test_use_stays_restricted_while_any_ground_stands() -> None:
    placed = [
        Word(ground, Restriction.PLACED, NOON, number) for number, ground in enumerate((Ground.REQUEST, Ground.ERASURE))
    ]
    one_lifted = [*placed, Word(Ground.REQUEST, Restriction.LIFTED, NOON, 9)]

    assert fold(placed).restricted
    assert fold(one_lifted).restricted
    assert fold(one_lifted).restricted_for == (Ground.ERASURE,)
    assert not fold([*one_lifted, Word(Ground.ERASURE, Restriction.LIFTED, NOON, 10)]).restricted


def test_everybody_s_words_in_bulk_are_those_read_one_by_one(company_on_each: Company) -> None:
    troth, office = company_on_each.troth, company_on_each.office
    troth.register_many({"id": str(n)} for n in range(30))
    for n in range(0, 30, 2):
        troth.give_consent(f"id={n}", "marketing")
    for n in range(0, 30, 3):
        troth.object_to(f"id={n}", "*" if n % 2 else "fraud")
    for n in range(0, 30, 5):
        troth.restrict(f"id={n}")
    for n in range(0, 30, 4):
        troth.withdraw_consent(f"id={n}", "marketing")

    with office.store.reading() as tx:
        everybody = standing.load_words(tx, office.compiled)
        some = standing.load_words(tx, office.compiled, [3, 7, 11, 4711])
        one_by_one = {number: standing.word_of(office.compiled, standing.load(tx, number)) for number in everybody}

    assert len(everybody) == 30
    assert everybody == one_by_one
    assert len(set(everybody.values())) > 5
    assert some == {number: everybody[number] for number in (3, 7, 11)}


def test_a_person_may_be_named_by_text_by_a_mapping_or_by_an_identifier(company: Company) -> None:
    company.troth.register(id="17", email="bob@example.org")

    for person in (
        "id=17",
        "email=Bob@Example.org",
        {"id": "17"},
        {"id": "17", "email": "bob@example.org"},
        standing.named("id=17")[0],
    ):
        assert company.troth.may(person, "service.provide", "contact.email")


@pytest.mark.parametrize(
    "person", ["", "bob", "name=bob", "id=", "key=17", "email=bob", {}, {"name": "bob"}, 17, None, {"email": "bob\n@x"}]
)
def test_what_names_nobody_is_an_error_that_does_not_repeat_it(company: Company, person: object) -> None:
    with pytest.raises(errors.PersonError) as told:
        company.troth.may(person, "service.provide", "contact.email")  # type: ignore[arg-type]

    assert "bob" not in str(told.value)
    assert "\n" not in str(told.value)


def test_identifiers_of_two_people_decide_nothing_and_record_nothing(company: Company) -> None:
    company.troth.register(id="17", email="bob@example.org")
    company.troth.register(id="18", email="eve@example.org")
    both = {"id": "17", "email": "eve@example.org"}

    assert company.troth.may(both, "service.provide", "contact.email").reason == "person-ambiguous"
    with pytest.raises(errors.PersonAmbiguous):
        company.troth.give_consent(both, "marketing")
    assert company.leaves() == []


@pytest.mark.parametrize(
    "who", ["id=17", "key", "email=a@example.org", "phone=+353 1 555 0100", "id=4711", "key=" + "0" * 32]
)
def test_looked_up_in_one_statement_somebody_is_who_is_found_and_has_said_what_is_read(
    who: str, company_on_each: Company
) -> None:
    troth, office = company_on_each.troth, company_on_each.office
    key = troth.register(id="17", email="a@example.org", phone="+353 1 555 0100")
    troth.register(id="18", email="b@example.org")
    for each in ("id=17", "id=18"):
        troth.give_consent(each, "marketing")
        troth.object_to(each, "*")
        troth.restrict(each)
        troth.close_account(each)
    troth.withdraw_consent("id=17", "marketing")

    with office.store.reading() as tx:
        number = standing.find(tx, office.keyring, key if who == "key" else who)
        expected = None if number is None else (number, standing.load(tx, number))
    with office.store.reading_once() as tx:
        assert standing.look_up(tx, office.keyring, key if who == "key" else who) == expected


def test_who_is_looked_up_by_a_phone_of_two_people_is_nobody_s_guess(company_on_each: Company) -> None:
    troth, office = company_on_each.troth, company_on_each.office
    troth.register(id="17", phone="+353 1 555 0100")
    troth.register(id="18", phone="+353 1 555 0100")

    with office.store.reading_once() as tx, pytest.raises(errors.PersonAmbiguous):
        standing.look_up(tx, office.keyring, "phone=+353 1 555 0100")
