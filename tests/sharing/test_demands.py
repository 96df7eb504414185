"""What an authority demands: taken in whole, narrowed, approved by others, and given sealed; then people are told."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.rights.desks import ADA, BOB, Office, found_office
from troth.errors import AccessDenied, DemandRefused, KeyUnavailable, PersonUnknown, UnknownName
from troth.foundation import age, people
from troth.foundation.roles import Role
from troth.foundation.tables import outbox
from troth.rights import access
from troth.sharing import answering, demand_reading, demands, disclosures
from troth.sharing.demand_reading import Scope
from troth.sharing.demands import Order
from troth.sharing.tables import demand_steps
from troth.sharing.tables import demands as demands_table
from troth.sharing.words import DemandState, DemandStep, State

PRIVATE, PUBLIC = age.new_key()
BOTH = ("contact.email", "transaction.purchase", "communication.message")
ORDER = Order("Example Court", "IE", "s. 10 Example Act, case 12/26", (ADA,), Scope(BOTH))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path) as made:
        for name, role in (("ana", Role.AGENT), ("dora", Role.DPO), ("ben", Role.AGENT), ("olga", Role.AUDITOR)):
            made.caller(name, role)
        yield made


def approved(office: Office, order: Order = ORDER, scope: Scope | None = None) -> int:
    number = demands.file(office.desk, order, "ana").id
    demands.review(office.desk, number, "dora", scope or Scope(("transaction.purchase",), since=None))
    demands.approve(office.desk, number, "ben")
    return number


def given(office: Office, number: int, name: str = "out.age") -> list[dict[str, Any]]:
    answering.carry_out(office.desk, number, "ben", office.company.folder / name, PUBLIC)
    opened = age.unsealed((office.company.folder / name).read_bytes(), PRIVATE)
    return [json.loads(line) for line in opened.splitlines()]


def kinds(office: Office) -> list[str]:
    return [leaf.kind for leaf in office.company.leaves() if leaf.kind.startswith(("demand.", "data."))]


def test_what_was_approved_leaves_sealed_and_nothing_else(office: Office) -> None:
    lines = given(office, approved(office))

    assert lines == [
        {"person": 1, "store": "shop", "table": "orders", "role": None, "row": {"total": "12.50"}},
        {"person": 1, "store": "shop", "table": "orders", "role": None, "row": {"total": "3.00"}},
    ]
    assert kinds(office) == [
        "demand.filed", "demand.reviewed", "demand.approved", "data.disclosing", "demand.carried-out", "demand.told",
        "data.disclosed",
    ]  # fmt: skip
    with office.desk.office.store.reading() as tx:
        [record] = disclosures.latest(tx)
    assert (record.reason.value, record.demand, record.rows, record.people) == ("legal-demand", 1, 2, 1)
    assert record.kinds == ("transaction.purchase",)


def test_single_columns_can_be_approved(office: Office) -> None:
    scope = Scope(("transaction.purchase", "communication.message"), ("shop.orders.note",))
    assert [line["row"] for line in given(office, approved(office, scope=scope))] == [
        {"note": "a pot"},
        {"note": "leaves"},
    ]


def test_the_person_is_told_by_letter_and_in_their_copy(office: Office) -> None:
    given(office, approved(office))

    [(to, _, text)] = office.letters()
    assert to == ADA.value
    assert "Example Court" in text
    assert "case 12/26" in text
    with office.desk.office.store.reading() as tx:
        assert access.told(tx, _ada(office), office.now.date())[0].recipient == "Example Court"


def _ada(office: Office) -> int:
    with office.desk.office.store.reading() as tx:
        number = people.find(tx, office.desk.office.keyring, ADA)
    assert number is not None
    return number


def test_what_is_secret_is_told_to_nobody_until_its_day_is_over(office: Office) -> None:
    day = office.now.date() + dt.timedelta(days=3)
    given(office, approved(office, replace(ORDER, secret_until=day)))

    assert office.letters() == []
    with office.desk.office.store.reading() as tx:
        assert access.told(tx, _ada(office), day) == ()
    office.company.clock.advance(dt.timedelta(days=3))
    assert demands.tell(office.desk.office) == 0

    office.company.clock.advance(dt.timedelta(days=1))
    assert demands.tell(office.desk.office) == 1
    assert demands.tell(office.desk.office) == 0
    assert [letter[0] for letter in office.letters()] == [ADA.value]
    with office.desk.office.store.reading() as tx:
        assert [told.recipient for told in access.told(tx, _ada(office), office.now.date())] == ["Example Court"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"reference": " "}, DemandRefused, "names its reference"),
        ({"authority": ""}, DemandRefused, "names its authority"),
        ({"reference": "mail judge@court.example.org"}, DemandRefused, "nobody's address"),
        ({"country": "Ireland"}, DemandRefused, "two letters"),
        ({"known_by": ()}, DemandRefused, "in bulk"),
        ({"scope": Scope(())}, DemandRefused, "kinds of data"),
        ({"scope": Scope(("contact.mail",))}, UnknownName, "contact.email"),
        ({"scope": Scope(BOTH, (), dt.date(2026, 2, 1), dt.date(2026, 1, 1))}, DemandRefused, "before its first"),
        ({"secret_until": dt.date(2020, 1, 1)}, DemandRefused, "has passed"),
        ({"country": "US"}, DemandRefused, "Art. 48"),
        ({"known_by": (people.identifier("id", "4711"),)}, PersonUnknown, "no store knows"),
    ],
)
def test_a_demand_that_is_not_whole_is_refused_and_leaves_no_trace(
    office: Office, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as problem:
        demands.file(office.desk, replace(ORDER, **change), "ana")
    assert message in str(problem.value)
    assert "4711" not in str(problem.value)
    assert kinds(office) == []
    assert office.company.rows(demands_table) == []


@pytest.mark.parametrize("more", [{"treaty": "Example Treaty on mutual help"}, {"note": "a life is in danger"}])
def test_a_third_country_needs_a_treaty_or_a_note(office: Office, more: dict[str, str]) -> None:
    assert demands.file(office.desk, replace(ORDER, country="US", **more), "ana").country == "US"


def test_a_review_can_only_narrow(office: Office) -> None:
    days = {"since": dt.date(2026, 1, 1), "until": dt.date(2026, 3, 1)}
    number = demands.file(office.desk, replace(ORDER, scope=Scope(BOTH, **days)), "ana").id
    for wider in (
        Scope((*BOTH, "profile.name"), **days),
        Scope(BOTH, since=dt.date(2025, 12, 31), until=dt.date(2026, 3, 1)),
        Scope(BOTH, since=dt.date(2026, 1, 1)),
        Scope((), **days),
        Scope(("contact.email",), ("shop.orders.total",), **days),
    ):
        with pytest.raises(DemandRefused):
            demands.review(office.desk, number, "dora", wider)
    narrower = Scope(("contact.email",), ("shop.users.email",), dt.date(2026, 1, 2), dt.date(2026, 2, 28))
    assert demands.review(office.desk, number, "dora", narrower).granted == narrower


def test_three_different_people_file_review_and_approve(office: Office) -> None:
    number = demands.file(office.desk, ORDER, "ana").id
    with pytest.raises(AccessDenied):
        demands.review(office.desk, number, "ana", Scope(("contact.email",)))
    demands.review(office.desk, number, "dora", Scope(("contact.email",)))
    for name in ("ana", "dora", "olga"):
        with pytest.raises(AccessDenied):
            demands.approve(office.desk, number, name)
    assert demands.approve(office.desk, number, "ben").state is DemandState.APPROVED


def test_nothing_leaves_before_it_is_approved_or_after_it_was_refused(office: Office) -> None:
    number = demands.file(office.desk, ORDER, "ana").id
    for act in (
        lambda: None,
        lambda: demands.review(office.desk, number, "dora", Scope(("contact.email",))),
        lambda: demands.refuse(office.desk, number, "dora", "no basis in law"),
    ):
        act()
        with pytest.raises(DemandRefused, match="nothing has left"):
            given(office, number)
    assert not (office.company.folder / "out.age").exists()
    assert office.company.rows(demands_table)[0].sealed is None  # who was meant is forgotten


def test_a_challenge_is_recorded_and_what_was_decided_is_decided_again(office: Office) -> None:
    number = approved(office)
    found = demands.challenge(office.desk, number, "dora", "asked the court to strike item 2")

    assert (found.state, found.granted) == (DemandState.FILED, None)
    with office.desk.office.store.reading() as tx:
        assert demands.notes_of(tx, office.desk.office, number) == [
            (DemandStep.CHALLENGED, "asked the court to strike item 2")
        ]
    assert b"strike" not in b"".join(row.note or b"" for row in office.company.rows(demand_steps))
    with pytest.raises(DemandRefused):
        given(office, number)


def test_it_is_carried_out_once(office: Office) -> None:
    number = approved(office)
    given(office, number)
    with pytest.raises(DemandRefused, match="carried-out"):
        given(office, number, "again.age")


def test_what_a_crash_kept_back_can_be_carried_out_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    day = office.now.date() + dt.timedelta(days=30)
    number = approved(office, replace(ORDER, secret_until=day))

    def dies(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(answering, "deliver", dies)
        with pytest.raises(KeyboardInterrupt):
            given(office, number)
    with office.desk.office.deed() as tx:
        from troth.sharing import recording

        assert disclosures.latest(tx)[0].state is State.BEGUN
        recording.end(tx, office.desk.office, disclosures.latest(tx)[0].id, State.STOPPED)
    assert len(given(office, number)) == 2


def test_a_key_that_is_none_or_nothing_to_give_stops_it(office: Office) -> None:
    number = approved(office, replace(ORDER, known_by=(people.identifier("id", "9"),)))
    with pytest.raises(KeyUnavailable):
        answering.carry_out(office.desk, number, "ben", office.company.folder / "out.age", "age1nothing")
    with pytest.raises(DemandRefused, match="nothing of what was approved is there"):
        given(office, number)
    assert not list(office.company.folder.glob("*.age"))


def test_only_days_that_were_approved_leave(tmp_path: Path) -> None:
    with found_office(tmp_path) as office:
        for name in ("ana", "ben"):
            office.caller(name, Role.AGENT)
        office.caller("dora", Role.DPO)
        office.sql("alter table orders add column placed_at text")
        office.sql("update orders set placed_at = '2026-01-15 10:00:00' where id = 1")
        office.sql("update orders set placed_at = '2026-05-15 10:00:00' where id = 2")
        map_file = office.company.folder / "datamap.yaml"
        map_file.write_text(map_file.read_text().replace(
            "whose: user_id\n", "whose: user_id\n        starts: {order: placed_at}\n"
        ).replace("          note: communication.message\n", "          note: communication.message\n          placed_at: {personal: false}\n"))  # fmt: skip
        from troth.rights.desk import Desk

        desk = Desk.of(office.desk.office, office.desk.instance)
        again = Office(office.company, desk, office.shop)
        scope = Scope(("transaction.purchase", "contact.email"), since=dt.date(2026, 1, 1), until=dt.date(2026, 1, 31))
        try:
            rows = [line["row"] for line in given(again, approved(again, scope=scope))]
        finally:
            desk.close()
        assert rows == [{"email": ADA.value}, {"total": "12.50"}]


def test_the_public_counts_tell_no_small_number(office: Office) -> None:
    for _ in range(5):
        demands.refuse(office.desk, demands.file(office.desk, ORDER, "ana").id, "dora", "no basis")
    demands.file(office.desk, replace(ORDER, known_by=(ADA, BOB)), "ana")
    with office.desk.office.store.reading() as tx:
        found = demand_reading.report(demand_reading.every(tx))
    assert [(each["outcome"], each["demands"], each["people"]) for each in found] == [
        ("open", "fewer than 5", "fewer than 5"),
        ("refused", 5, 5),
    ]


def test_the_register_names_nobody(office: Office) -> None:
    given(office, approved(office))
    text = repr([office.company.rows(table) for table in (demands_table, demand_steps)])
    text += repr([leaf.content for leaf in office.company.leaves()])
    assert "ada@" not in text
    assert all("ada@" not in row.reference for row in office.company.rows(outbox))
