"""The audience of a purpose is everybody for whom a decision says yes, at every moment, and never a short list."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.use.company import Company
from troth.errors import StoreError
from troth.foundation.store import changes
from troth.policy import reading
from troth.use import bitmaps, consent, decision, lease, standing
from troth.use.audience import Audience
from troth.use.tables import audience_planes, audience_state

MAIL = ("marketing", "contact.email")


def by_decisions(company: Company, purpose: str, data: Any, recipient: str | None = None) -> set[int]:
    """Asked one by one."""
    office = company.office
    data = (data,) if isinstance(data, str) else data
    with office.store.reading() as tx:
        words = standing.load_words(tx, office.compiled)
    return {n for n, word in words.items() if decision.decide_all(office.compiled, word, purpose, data, recipient)}


def every_question(company: Company) -> list[tuple[str, str, str | None]]:
    return [*company.office.compiled.table, ("marketing", "device.ip", None), ("unheard-of", "contact.email", None)]


def do_anything(company: Company, chance: random.Random, people: int) -> None:
    troth, who = company.troth, f"id={chance.randrange(people)}"
    verb = chance.randrange(7)
    if verb == 0:
        troth.give_consent(who, chance.choice(("marketing", "analytics")))
    elif verb == 1:
        troth.withdraw_consent(who, chance.choice(("marketing", "analytics")))
    elif verb == 2:
        troth.object_to(who, chance.choice(("fraud", "census", "*")))
    elif verb == 3:
        troth.lift_objection(who, "*")
    elif verb == 4:
        troth.restrict(who)
    elif verb == 5:
        troth.lift_restriction(who)
    else:
        troth.register(id=str(people + chance.randrange(1000)))


def test_it_is_everybody_for_whom_a_decision_says_yes_after_every_word(company_on_each: Company) -> None:
    company, chance = company_on_each, random.Random(5)
    company.troth.register_many({"id": str(n)} for n in range(40))
    audience = Audience(company.office, company.troth.lease)
    assert set(audience.of(*MAIL)) == set()

    for _ in range(25):
        do_anything(company, chance, 40)
        for question in every_question(company):
            assert set(audience.of(*question)) == by_decisions(company, *question), question
    both = ("contact.email", "profile.name")
    assert set(audience.of("marketing", both)) == by_decisions(company, "marketing", both)
    assert set(audience.of("marketing", ())) == set()


PURPOSES = ("p.a", "p.b", "marketing", "storage")
CATEGORIES = ("contact.email", "usage.page")
BASES = ("consent", "contract", "legitimate-interests", "legal-obligation", "public-task", "vital-interests")
USES = st.lists(
    st.tuples(st.sampled_from(PURPOSES), st.sampled_from(BASES), st.lists(st.sampled_from(CATEGORIES), min_size=1)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(uses=USES, seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_on_any_policy_the_algebra_over_everybody_is_the_decision_about_each(
    uses: list[tuple[str, str, list[str]]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [
        f"    c{n}: {{text: Sentence {n}., uses: [{{purpose: {purpose}, basis: {basis}, data: [{', '.join(set(data))}]}}]}}"
        for n, (purpose, basis, data) in enumerate(uses)
    ]
    head = [
        "troth: 1",
        "title: P",
        "controller: {name: E, country: IE}",
        "laws: [gdpr]",
        "use:",
        '  number: "1"',
        "  title: U",
    ]
    file = tmp_path_factory.mktemp("p") / "policy.yaml"
    file.write_text("\n".join([*head, "  purposes:", '    number: "1.1"', "    title: P", *lines, ""]))
    compiled = decision.compile_policy(reading.read(file))
    chance = random.Random(seed)
    bits = list(bitmaps.plane_names(compiled))
    words = {n: sum(bit for bit in bits if chance.random() < 0.4) for n in range(1, 60)}
    for given_, withdrawn in compiled.consent_bits.values():  # never both
        words = {n: word & ~withdrawn if word & given_ else word for n, word in words.items()}
    planes = bitmaps.Planes(compiled)
    for n, word in words.items():
        planes.put(n, word)

    for purpose, category, recipient in compiled.table:
        mask, required, *_ = compiled.table[purpose, category, recipient]
        yes = {n for n, word in words.items() if decision.decide(compiled, word, purpose, category, recipient)}
        assert set(planes.audience(mask, required)) == yes
    assert {n: planes.word(n) for n in words} == words


def test_another_process_s_words_are_in_the_next_answer(company_on_each: Company) -> None:
    company = company_on_each
    company.troth.register(id="17")
    audience = Audience(company.office, company.troth.lease)
    assert not audience.of(*MAIL)
    with company.open_again() as other:
        other.give_consent("id=17", "marketing")
        assert set(audience.of(*MAIL)) == {1}
        other.withdraw_consent("id=17", "marketing")
        assert not audience.of(*MAIL)


def test_under_a_valid_lease_an_answer_reads_nothing_until_somebody_says_something(
    company_on_each: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = company_on_each
    troth, reads = company.troth, [0]
    troth.register_many({"id": str(n)} for n in range(5))
    troth.give_consents((f"id={n}", "marketing", None) for n in range(5))
    while not troth.lease.held:
        troth.may("id=1", *MAIL)
    assert len(troth.audience(*MAIL)) == 5
    reading_ = type(company.office.store).reading

    def counted(store: Any) -> Any:
        reads[0] += 1
        return reading_(store)

    monkeypatch.setattr(type(company.office.store), "reading", counted)
    for _ in range(100):
        assert len(troth.audience(*MAIL)) == 5
        assert list(troth.may_many([1, 9], [MAIL])) == [True, False]
    assert reads[0] < 50, "only where a busy machine let the lease run out"

    troth.withdraw_consent("id=3", "marketing")
    assert len(troth.audience(*MAIL)) == 4
    assert list(troth.may_many([4], [MAIL])) == [False]


def test_a_word_that_was_written_and_never_told_is_in_an_answer_when_the_lease_ends(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    ahead = [0.0]
    monkeypatch.setattr(lease, "monotonic", lambda: monotonic() + ahead[0])
    assert len(company.troth.audience(*MAIL)) == 1

    with company.office.store.writing() as tx:  # as if the writer died after its commit, before it told anybody
        consent.withdraw_in(tx, company.office, 1, "marketing", method="form")
    ahead[0] = lease.LEASE_S

    assert len(company.troth.audience(*MAIL)) == 0


def test_of_four_threads_that_ask_for_audiences_none_finds_who_has_withdrawn(company_on_each: Company) -> None:
    troth, acknowledged, stop = company_on_each.troth, [0.0], threading.Event()
    troth.register(id="17")
    while not troth.lease.held:
        troth.may("id=17", *MAIL)
    troth.give_consent("id=17", "marketing")
    assert len(troth.audience(*MAIL)) == 1

    after, late = [0] * 4, [0] * 4

    def ask(place: int) -> None:
        while not stop.is_set():
            known = acknowledged[0]
            found = len(troth.audience(*MAIL))
            if known and acknowledged[0] == known:
                late[place] += found
                after[place] += 1

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, place) for place in range(4)]
        for _ in range(10):
            acknowledged[0] = 0.0
            troth.give_consent("id=17", "marketing")
            troth.withdraw_consent("id=17", "marketing")
            acknowledged[0] = monotonic()
            wanted = sum(after) + 4
            while sum(after) < wanted and not any(one.done() for one in asking):
                sleep(0.001)
        stop.set()
    assert [one.exception() for one in asking] == [None] * 4
    assert sum(late) == 0


def test_who_was_erased_or_is_led_to_by_nothing_is_in_no_audience(company: Company) -> None:
    from troth.foundation import people

    company.troth.register(id="17")
    audience = Audience(company.office, company.troth.lease)
    assert set(audience.of("service.provide", "contact.email")) == {1}
    with company.office.deed() as tx:
        people.retire(tx, company.office.keyring, people.parse("id=17"), company.clock.now())
    assert not audience.of("service.provide", "contact.email")


def test_what_was_kept_is_taken_by_the_next_process_and_followed_from_there(
    company_on_each: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = company_on_each
    company.troth.register_many({"id": str(n)} for n in range(20))
    company.troth.give_consents((f"id={n}", "marketing", None) for n in range(10))
    first = Audience(company.office)
    first.rebuild()
    assert company.count(audience_state) == 1
    assert company.count(changes.store_changes) == 0, "lines that are in what was kept are of no more use"
    company.troth.withdraw_consent("id=3", "marketing")

    second = Audience(company.office)
    monkeypatch.setattr(Audience, "_read_everybody", None)  # never needed
    assert set(second.of(*MAIL)) == by_decisions(company, *MAIL) == set(range(1, 11)) - {4}
    monkeypatch.undo()
    assert set(first.of(*MAIL)) == set(second.of(*MAIL))


def test_what_was_kept_under_another_policy_is_not_taken(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    Audience(company.office).rebuild()
    company.publish((company.folder / "policy.yaml").read_text().replace("purpose: fraud", "purpose: abuse"))

    assert set(Audience(company.office).of(*MAIL)) == {1}


def test_what_cannot_be_read_raises_and_the_next_answer_is_whole_again(company: Company) -> None:
    company.troth.register_many({"id": str(n)} for n in range(5))
    company.troth.give_consents((f"id={n}", "marketing", None) for n in range(5))
    audience = Audience(company.office)
    assert len(audience.of(*MAIL)) == 5
    company.troth.withdraw_consent("id=1", "marketing")

    with company.office.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE consent_events RENAME TO hidden")
    with pytest.raises(StoreError):
        audience.of(*MAIL)
    with company.office.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE hidden RENAME TO consent_events")
    assert len(audience.of(*MAIL)) == 4


def test_a_plane_that_is_missing_from_what_was_kept_is_read_anew(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    Audience(company.office).rebuild()
    with company.office.store.writing() as tx:
        tx.execute(audience_planes.delete().where(audience_planes.c.name == "given marketing"))

    assert set(Audience(company.office).of(*MAIL)) == {1}


def test_old_lines_that_went_make_every_copy_read_anew_once(company_on_each: Company) -> None:
    company = company_on_each
    company.troth.register_many({"id": str(n)} for n in range(3))
    audience = Audience(company.office)
    assert not audience.of(*MAIL)
    company.troth.give_consent("id=1", "marketing")
    Audience(company.office).rebuild()  # its keeping lets the lines go that the first has not read

    assert set(audience.of(*MAIL)) == {2}


def test_a_million_at_once_are_the_same_answers_with_and_without_arrays(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from troth.use import batch

    chance = random.Random(9)
    company.troth.register_many({"id": str(n)} for n in range(60))
    for _ in range(60):
        do_anything(company, chance, 60)
    questions: list[Any] = [
        *every_question(company),
        ("marketing", ("contact.email", "profile.name")),
        ("marketing", ()),
    ]
    numbers = [chance.choice([0, 1, 5, 61, 5_000_000, *range(1, 60)]) for _ in range(2_000)]
    which = [chance.randrange(len(questions)) for _ in numbers]
    permitted = [set(Audience(company.office).of(*question)) for question in questions]
    truth = [number in permitted[place] for number, place in zip(numbers, which, strict=True)]
    assert 0 < sum(truth) < len(truth)

    with_arrays = company.troth.may_many(np.array(numbers, dtype=np.uint32), questions, np.array(which))
    assert with_arrays.dtype == bool
    assert with_arrays.tolist() == truth
    for _ in range(20):
        do_anything(company, chance, 60)
    for question in questions:  # the column follows every word
        of = Audience(company.office).of(*question)
        assert company.troth.may_many(np.arange(70), [question]).tolist() == [n in of for n in range(70)]
    monkeypatch.setattr(batch, "has_arrays", lambda: False)
    for question in questions:
        of = Audience(company.office).of(*question)
        assert company.troth.may_many(range(70), [question]) == [n in of for n in range(70)]


def test_about_nobody_there_are_no_answers(company: Company) -> None:
    assert list(company.troth.may_many([], [MAIL])) == []
    assert list(company.troth.may_many([], [MAIL, MAIL], [])) == []


def test_people_may_be_named_as_anywhere(company: Company) -> None:
    company.troth.register_many([{"id": "17"}, {"id": "18"}])
    company.troth.give_consent("id=18", "marketing")

    assert list(company.troth.may_many(["id=17", "id=18", "id=99"], [MAIL])) == [False, True, False]
    found = company.troth.audience(*MAIL)
    assert len(found) == 1
    assert company.troth.may(*found, *MAIL)
    assert "key=" not in repr(found)


@pytest.mark.parametrize(
    ("questions", "which"), [([MAIL, MAIL], None), ([MAIL], [0]), ([MAIL], [0, 1]), ([MAIL], [0, -1])]
)
def test_arrays_that_do_not_fit_are_refused(company: Company, questions: Any, which: Any) -> None:
    from troth.errors import TrothError

    with pytest.raises(TrothError):
        company.troth.may_many([1, 2], questions, which)
