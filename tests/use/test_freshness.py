"""A withdrawal that was acknowledged is obeyed by the next decision of every process; what cannot be read is a no."""

from __future__ import annotations

import multiprocessing
import os
import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.use.company import Company, found_company
from tests.use.deciding import PEOPLE, decide_all_the_time
from troth import application
from troth.use import consent, lease, standing
from troth.use.decision import Reason
from troth.use.words import Consent

READERS = 3
ASKED = ("id=17", "marketing", "contact.email")


class Later:
    """The monotonic clock, that can be told to run ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return monotonic() + self.ahead


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    clock = Later()
    monkeypatch.setattr(lease, "monotonic", clock)
    return clock


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_of_four_processes_none_permits_after_the_acknowledgement(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgresql_database") if engine == "postgresql" else None
    rounds = 25 if os.environ.get("SOAK") == "true" else 2 if url is None else 1
    with found_company(tmp_path, url=url) as company:
        troth, many = company.troth, multiprocessing.get_context("spawn")
        long_ago = datetime(2026, 1, 1, tzinfo=UTC)
        troth.register_many({"id": str(n)} for n in range(PEOPLE))
        troth.give_consents((f"id={n}", "marketing", long_ago) for n in range(PEOPLE))
        acknowledged, ready, stop, answers = many.Array("d", PEOPLE), many.Semaphore(0), many.Event(), many.Queue()
        arguments = (str(company.folder), company.environ, acknowledged, ready, stop, answers)
        readers = [many.Process(target=decide_all_the_time, args=arguments) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        for _ in readers:
            assert ready.acquire(timeout=60)

        for number in range(rounds):
            order = random.sample(range(PEOPLE), PEOPLE)
            for n in order:
                troth.withdraw_consent(f"id={n}", "marketing")
                acknowledged[n] = monotonic()
                assert not troth.may(f"id={n}", "marketing", "contact.email")
            if number + 1 < rounds:
                for n in order:
                    acknowledged[n] = 0.0
                    troth.give_consent(f"id={n}", "marketing")

        stop.set()
        seen = [answers.get(timeout=60) for _ in readers]
        for reader in readers:
            reader.join(timeout=60)
            assert reader.exitcode == 0
    assert all(decisions > PEOPLE and permits > 0 for decisions, permits, _ in seen), seen
    assert sum(late for _, _, late in seen) == 0, seen


def test_under_a_valid_lease_a_decision_reads_nothing(
    company: Company, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)
    monkeypatch.setattr(type(company.office.store), "reading", None)

    assert all(company.troth.may(*ASKED) for _ in range(1_000))
    later.ahead = 1.5
    assert company.troth.may(*ASKED), "the lease was renewed, and nothing had been written: memory still holds"


def test_a_word_takes_out_of_memory_only_whom_it_is_about(
    company_on_each: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, looked_up, look_up, now = company_on_each, [], standing.look_up, monotonic()
    monkeypatch.setattr(lease, "monotonic", lambda: now)  # so that no lease runs out, however busy the machine is
    company.troth.register_many({"id": str(n)} for n in range(3))
    company.troth.give_consents((f"id={n}", "marketing", None) for n in range(3))

    def counted(tx: Any, keyring: Any, person: Any) -> Any:
        looked_up.append(person)
        return look_up(tx, keyring, person)

    def decided() -> list[bool]:
        looked_up.clear()
        return [bool(company.troth.may(f"id={n}", *ASKED[1:])) for n in range(3)]

    def remembered() -> bool:
        """Whether all are answered from memory; who is looked up while news comes in is not remembered yet."""
        end = monotonic() + 30.0
        while not (decided() and company.troth.lease.held and not looked_up):
            if monotonic() > end:
                return False
        return True

    def looked_up_after(n: int, *, given: bool) -> list[Any]:
        """Who is looked up after a word about one; on a busy machine news of an earlier one can come a second time."""
        assert remembered()
        (other.give_consent if given else other.withdraw_consent)(f"id={n}", "marketing")
        assert decided()[n] is given
        return list(looked_up)

    monkeypatch.setattr(standing, "look_up", counted)
    with company.open_again() as other:
        for n in (1, 0):
            assert [f"id={n}"] in [looked_up_after(n, given=bool(turn % 2)) for turn in range(6)]
        assert remembered()
        other.restrict("id=2")
        assert decided() == [True, True, False]


def test_a_word_that_was_written_and_never_told_is_obeyed_when_the_lease_ends(company: Company, later: Later) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)

    with company.office.store.writing() as tx:  # as if the writer died after its commit, before it told anybody
        consent.withdraw_in(tx, company.office, 1, "marketing", method="form")
    later.ahead = lease.LEASE_S

    assert company.troth.may(*ASKED).reason is Reason.CONSENT_WITHDRAWN


def test_another_instance_s_words_are_obeyed_at_once(company_on_each: Company) -> None:
    company = company_on_each
    company.troth.register(id="17")
    with company.open_again() as other:
        other.give_consent("id=17", "marketing")
        assert company.troth.may(*ASKED)
        other.withdraw_consent("id=17", "marketing")
        assert not company.troth.may(*ASKED)
        other.object_to("id=17", "fraud")
        assert not company.troth.may("id=17", "fraud", "device.ip")
        other.restrict("id=17")
        assert not company.troth.may("id=17", "service.provide", "contact.email")


def test_a_store_that_is_gone_refuses_once_the_lease_has_ended(company: Company, later: Later) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)

    (company.folder / "troth.sqlite3").rename(company.folder / "elsewhere")
    later.ahead = lease.LEASE_S
    refused = company.troth.may(*ASKED)

    assert (bool(refused), refused.reason, refused.number) == (False, Reason.STANDING_UNKNOWN, "1.1b")
    assert company.troth.may("id=17", "unheard-of", "contact.email").reason is Reason.PURPOSE_NOT_DECLARED
    (company.folder / "elsewhere").rename(company.folder / "troth.sqlite3")
    assert company.troth.may(*ASKED)


def test_a_store_that_cannot_be_read_refuses(company: Company, later: Later) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)

    with sqlite3.connect(company.folder / "troth.sqlite3") as raw:
        raw.execute("DROP TABLE consent_events")
    later.ahead = lease.LEASE_S

    assert company.troth.may(*ASKED).reason is Reason.STANDING_UNKNOWN


def test_a_postgresql_server_that_does_not_answer_refuses(company_on_postgresql: Company) -> None:
    company = company_on_postgresql
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)

    company.troth.lease.close()
    with company.office.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE objections RENAME TO hidden")

    assert company.troth.may(*ASKED).reason is Reason.STANDING_UNKNOWN


def test_who_was_made_known_or_retired_by_another_is_seen(company: Company) -> None:
    assert company.troth.may("id=17", "service.provide", "contact.email").reason is Reason.PERSON_UNKNOWN
    with company.open_again() as other:
        other.register(id="17")
    assert company.troth.may("id=17", "service.provide", "contact.email")


def test_another_policy_gives_the_bits_another_meaning_and_nothing_is_mixed_up(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "analytics")
    assert company.troth.may("id=17", "analytics", "usage.page")
    policy = (company.folder / "policy.yaml").read_text()

    company.publish(
        policy.replace("analytics", "a")
        .replace("purpose: marketing,", "purpose: analytics,")
        .replace("purpose: a,", "purpose: marketing,")
    )

    # what was agreed to has become something else: it is asked anew, and only then permitted
    assert company.troth.may("id=17", "analytics", "contact.email").reason is Reason.CONSENT_NOT_GIVEN
    company.troth.give_consent("id=17", "analytics")
    assert company.troth.may("id=17", "analytics", "contact.email")
    assert company.troth.may("id=17", "marketing", "usage.page").reason is Reason.CONSENT_NOT_GIVEN


def test_closed_it_permits_nothing_from_memory(company: Company, later: Later) -> None:
    with company.open_again() as other:
        other.register(id="17")
        other.give_consent("id=17", "marketing")
        assert other.may(*ASKED)
    company.troth.withdraw_consent("id=17", "marketing")

    assert not other.may(*ASKED)
    other.close()


def test_a_choice_made_in_bulk_is_obeyed_at_once(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")
    assert company.troth.may(*ASKED)

    consent.record_many(company.office, [("id=17", "marketing", None)], Consent.WITHDRAWN)

    assert not company.troth.may(*ASKED)


def test_threads_that_ask_while_one_changes_his_mind_never_get_an_old_yes(company: Company) -> None:
    from concurrent.futures import ThreadPoolExecutor

    troth = company.troth
    troth.register(id="17")
    acknowledged = [0.0]

    def ask(_: int) -> int:
        late = 0
        for _ in range(2_000):
            asked, known = monotonic(), acknowledged[0]
            if troth.may(*ASKED) and 0 < known < asked and acknowledged[0] == known:
                late += 1
        return late

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, n) for n in range(4)]
        while not all(one.done() for one in asking):
            acknowledged[0] = 0.0
            troth.give_consent("id=17", "marketing")
            troth.withdraw_consent("id=17", "marketing")
            acknowledged[0] = monotonic()
        assert sum(one.result() for one in asking) == 0


def test_what_was_read_before_a_change_is_not_remembered_after_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    troth, look_up = company.troth, standing.look_up
    troth.register_many([{"id": "17"}, {"id": "18"}])
    troth.give_consent("id=17", "marketing")

    def look_up_slowly(*asked: Any) -> Any:
        monkeypatch.setattr(standing, "look_up", look_up)
        found = look_up(*asked)
        troth.withdraw_consent("id=17", "marketing")  # acknowledged while the first question is still being answered
        assert not troth.may("id=18", "marketing", "contact.email")
        return found

    monkeypatch.setattr(standing, "look_up", look_up_slowly)
    assert troth.may(*ASKED), "asked before the withdrawal"

    assert troth.may(*ASKED).reason is Reason.CONSENT_WITHDRAWN


def test_opening_again_in_the_same_folder_gives_the_same_answers(company: Company) -> None:
    company.troth.register(id="17")
    company.troth.give_consent("id=17", "marketing")

    with application.open(company.folder, company.environ, company.clock) as again:
        assert again.may(*ASKED)
        assert again.consents("id=17") == company.troth.consents("id=17")
