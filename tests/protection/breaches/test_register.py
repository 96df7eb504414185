"""The register of breaches: entered, weighed, told, closed; and what the check makes of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyroaring import BitMap
from sqlalchemy import select

from tests.policies import said
from tests.protection.registers import POLICY, Desk, desk_in
from troth.errors import KeyUnavailable, MoveRefused, TrothError, UnknownName
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.policy.law.telling import Risk, Role, Told
from troth.protection.breaches import letters, reading, register
from troth.protection.breaches.affected import Concerned
from troth.protection.breaches.reading import Breach
from troth.protection.breaches.tables import breach_acts, breaches
from troth.protection.checks.breaches import breach_untold

WHAT = "The list of Ada Lovelace went to the wrong supplier."


def enter(desk: Desk, ago: dt.timedelta = dt.timedelta(0), **other: object) -> Breach:
    opening = register.Opening(**{"noticed_at": desk.now - ago, "what": WHAT, **other})
    with desk.store.writing() as tx:
        return register.open_(tx, desk.keyring, POLICY.laws, opening, desk.now)


def weigh(desk: Desk, number: str, risk: Risk) -> Breach:
    with desk.store.writing() as tx:
        weighing = register.Weighing(risk, "Letters to wrong people.", "The list was deleted.")
        return register.assess(tx, desk.keyring, number, weighing, desk.now)


def tell(desk: Desk, number: str, told: Told, at: dt.datetime | None = None) -> Breach:
    with desk.store.writing() as tx:
        return register.notify(
            tx, desk.keyring, number, "gdpr", told, at or desk.now, desk.now, reference="their number"
        )


def close(desk: Desk, number: str) -> Breach:
    with desk.store.writing() as tx:
        return register.close(tx, desk.keyring, number, desk.now)


def test_a_breach_goes_from_noticed_to_closed_and_every_act_is_in_the_ledger(desk: Desk) -> None:
    number = enter(desk).number
    assert number == "B2026-0001"
    weigh(desk, number, Risk.HIGH)
    with desk.store.writing() as tx:
        concerned = Concerned(BitMap([1, 5]), 1, 7, 0, ("contact.email",))
        counted = register.count(tx, desk.keyring, number, concerned, desk.now)
    assert (counted.people, counted.rows, register.persons_of(desk.keyring, counted)) == (3, 7, (1, 5))
    for told in (Told.AUTHORITY, Told.PEOPLE):
        tell(desk, number, told)
    assert close(desk, number).closed_at == desk.now
    with desk.store.reading() as tx:
        kinds = list(tx.execute(select(ledger_leaves.c.kind)).scalars())
    assert kinds == [
        "breach.opened",
        "breach.assessed",
        "breach.counted",
        "breach.notified",
        "breach.notified",
        "breach.closed",
    ]


def test_of_two_who_close_a_breach_at_once_one_does(tmp_path: Path, postgresql_database: str) -> None:
    with desk_in(tmp_path, url=postgresql_database) as desk:
        for _ in range(3):
            number = enter(desk).number
            weigh(desk, number, Risk.UNLIKELY)
            begin = threading.Barrier(2)

            def closes(_: int, number: str = number, begin: threading.Barrier = begin) -> bool:
                begin.wait(20)
                try:
                    close(desk, number)
                except MoveRefused:
                    return False
                return True

            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(closes, range(2))) == [False, True]


def test_what_happened_stands_sealed_and_in_no_entry(desk: Desk) -> None:
    made = enter(desk)
    with desk.store.reading() as tx:
        stored = [
            *tx.execute(select(breaches.c.words)).scalars(),
            *tx.execute(select(ledger_leaves.c.content)).scalars(),
        ]
    assert not [each for each in stored if b"Lovelace" in each]
    assert "Lovelace" not in repr(made)
    assert register.words_of(desk.keyring, made)["what"] == WHAT
    other = Keyring.from_text("troth-key-1:" + "A" * 43 + "=", where="test")
    with pytest.raises(KeyUnavailable):
        register.words_of(other, made)


def test_it_is_not_closed_before_it_was_weighed_and_told(desk: Desk) -> None:
    number = enter(desk).number
    with pytest.raises(MoveRefused, match="not weighed"):
        close(desk, number)
    weigh(desk, number, Risk.RISK)
    with pytest.raises(MoveRefused, match=r"authority \(GDPR Art. 33\(1\)\)"):
        close(desk, number)
    tell(desk, number, Told.AUTHORITY)
    close(desk, number)
    with pytest.raises(MoveRefused, match="it is closed"):
        weigh(desk, number, Risk.HIGH)


def test_a_reason_stands_in_place_of_telling(desk: Desk) -> None:
    number = enter(desk).number
    weigh(desk, number, Risk.HIGH)
    tell(desk, number, Told.AUTHORITY)
    with desk.store.writing() as tx:
        why = "All of it was encrypted, and the key is safe (Art. 34(3)(a))."
        register.excuse(tx, desk.keyring, number, "gdpr", Told.PEOPLE, why, desk.now)
    close(desk, number)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"noticed_at": dt.datetime(2027, 1, 1, tzinfo=dt.UTC)}, "in the future"),
        ({"what": " "}, "not said what happened"),
        ({"kinds": ()}, "what happened to the data"),
        (
            {
                "began_at": dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
                "ended_at": dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
            },
            "before it begins",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(desk: Desk, other: dict[str, object], told: str) -> None:
    with pytest.raises(TrothError, match=told):
        enter(desk, **other)
    with desk.store.reading() as tx:
        assert reading.all_(tx) == ()
    assert enter(desk).number == "B2026-0001"


def test_nobody_was_told_before_it_was_noticed_or_under_a_law_that_does_not_bind(desk: Desk) -> None:
    number = enter(desk, dt.timedelta(hours=5)).number
    for at in (desk.now - dt.timedelta(hours=6), desk.now + dt.timedelta(hours=1)):
        with pytest.raises(TrothError, match="nobody was told then"):
            tell(desk, number, Told.AUTHORITY, at)
    with pytest.raises(TrothError, match="a processor tells the controller"):
        tell(desk, number, Told.CONTROLLER)
    with pytest.raises(UnknownName, match="does not bind"), desk.store.writing() as tx:
        register.notify(tx, desk.keyring, number, "pipl", Told.AUTHORITY, desk.now, desk.now)
    with pytest.raises(UnknownName, match='Did you mean "B2026-0001"'):
        tell(desk, "B2026-0010", Told.AUTHORITY)


# --- letters ----------------------------------------------------------------------------------------------------------


def letter(desk: Desk, made: Breach, told: Told) -> str:
    material = letters.Material(made, register.words_of(desk.keyring, made), ("contact.email",))
    return letters.draft(POLICY, material, told, desk.now)


def test_the_letter_to_the_authority_has_all_that_article_33_asks_for(desk: Desk) -> None:
    made = weigh(desk, enter(desk, dt.timedelta(hours=80)).number, Risk.HIGH)
    text = letter(desk, made, Told.AUTHORITY)
    for part in ("33(3)(a)", "33(3)(b)", "33(3)(c)", "33(3)(d)", WHAT, "Letters to wrong people.", "E-mail address"):
        assert part in text
    assert "later than 72 hours" in text
    assert "Data Protection Commission" in text


def test_what_is_not_known_stands_in_brackets(desk: Desk) -> None:
    text = letter(desk, enter(desk), Told.AUTHORITY)
    assert "People concerned: [not known yet]" in text
    assert "[not weighed yet; follows]" in text
    assert "later than 72 hours" not in text


def test_the_letter_to_people_is_plain(desk: Desk) -> None:
    text = letter(desk, enter(desk), Told.PEOPLE)
    assert WHAT in text
    assert "Art." not in text
    assert "B2026-0001" not in text


# --- the check --------------------------------------------------------------------------------------------------------


def test_no_breach_and_one_in_time_are_kept_and_no_store_is_unproven(desk: Desk) -> None:
    assert desk.verdict(breach_untold) == "kept"
    enter(desk, dt.timedelta(hours=71, minutes=59))
    assert desk.verdict(breach_untold) == "kept"
    assert desk.verdict(breach_untold, store=False) == "unproven"


def nobody_told(desk: Desk) -> None:
    enter(desk, dt.timedelta(hours=72))


def people_not_told(desk: Desk) -> None:
    number = enter(desk, dt.timedelta(hours=72)).number
    weigh(desk, number, Risk.HIGH)
    tell(desk, number, Told.AUTHORITY)


def controller_not_told(desk: Desk) -> None:
    enter(desk, dt.timedelta(hours=24), role=Role.PROCESSOR)


def closed_behind_everybody(desk: Desk) -> None:
    enter(desk)
    desk.sql("update breaches set closed_at = noticed_at")


def notification_struck(desk: Desk) -> None:
    number = enter(desk, dt.timedelta(hours=72)).number
    tell(desk, number, Told.AUTHORITY)
    desk.sql("delete from breach_acts where act = 'notified'")


def struck_whole(desk: Desk) -> None:
    enter(desk)
    with desk.store.writing() as tx:
        tx.execute(breach_acts.delete())
        tx.execute(breaches.delete())


def told_by_hand(desk: Desk) -> None:
    enter(desk, dt.timedelta(hours=72))
    desk.sql(
        "insert into breach_acts (breach, act, law, told, at, leaf) "
        "select breach, 'notified', 'gdpr', 'authority', at, leaf from breach_acts"
    )


def noticed_later(desk: Desk) -> None:
    enter(desk, dt.timedelta(hours=72))
    desk.sql("update breaches set noticed_at = '2026-11-22 05:00:00.000000'")


def weighed_by_hand(desk: Desk) -> None:
    enter(desk, dt.timedelta(hours=72))
    desk.sql("update breaches set risk = 'unlikely'")


def told_earlier(desk: Desk) -> None:
    tell(desk, enter(desk, dt.timedelta(hours=80)).number, Told.AUTHORITY)
    desk.sql("update breach_acts set at = '2026-11-20 00:00:00.000000' where act = 'notified'")


@pytest.mark.parametrize(
    "fault",
    [
        told_by_hand,
        noticed_later,
        weighed_by_hand,
        told_earlier,
        nobody_told,
        people_not_told,
        controller_not_told,
        closed_behind_everybody,
        notification_struck,
        struck_whole,
    ],
)
def test_a_clock_that_ran_out_and_a_register_that_was_cut_are_broken(desk: Desk, fault: Callable[[Desk], None]) -> None:
    fault(desk)
    assert desk.verdict(breach_untold) == "broken"
    assert "Lovelace" not in said(desk.report(breach_untold))


def test_late_and_told_is_kept_and_said(desk: Desk) -> None:
    tell(desk, enter(desk, dt.timedelta(hours=80)).number, Told.AUTHORITY)
    assert desk.verdict(breach_untold) == "kept"
    assert "1 told late" in said(desk.report(breach_untold))


def test_an_unlikely_risk_has_nobody_to_tell(desk: Desk) -> None:
    weigh(desk, enter(desk, dt.timedelta(hours=200)).number, Risk.UNLIKELY)
    assert desk.verdict(breach_untold) == "kept"
