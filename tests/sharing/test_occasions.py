"""Sentences 4.1b to 4.1d judged: worlds that keep them, break them, and prove nothing."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyroaring import BitMap

from tests.policies import BROKEN, KEPT, UNPROVEN, judge, said
from tests.rights.desks import Office, found_office
from tests.sharing import test_demands as authority
from tests.sharing.gateworld import GateWorld, gate_world
from tests.sharing.test_consented import ON_CONSENT, PARTNER, shared
from tests.sites import observation
from tests.use.company import POLICY
from troth.foundation import age
from troth.foundation.proof import SentenceReport
from troth.foundation.roles import Role
from troth.sharing import answering, bundles, consented, transfers
from troth.sharing.checks import CHECKS

OCCASIONS = POLICY.replace(
    "  title: Sharing\n",
    """  title: Sharing
  circumstances:
    number: "2.0"
    title: Occasions
    text: "We may share:"
    legal: {label: Law, text: When required by law, circumstance: legal-demand}
    transfer: {label: Transfer, text: In case of merger, circumstance: business-transfer}
""",
)
PUBLIC = age.new_key()[1]
DAY = dt.timedelta(days=1)


@dataclass
class Judged:
    """A company, looked at by the checks of section 4."""

    office: Office

    def of(self, circumstance: str) -> SentenceReport:
        desk = self.office.desk
        seen = observation(desk.office.policy, self.office.company.folder, now=self.office.now)
        seen.store = desk.office.store
        report = judge(CHECKS, seen)
        number = next(each.number for each in desk.office.policy.sentences if each.meaning.circumstance == circumstance)
        return report.of(number)

    def raw(self, statement: str, *values: object) -> None:
        with self.office.desk.office.store.writing() as tx:
            tx.exec_driver_sql(statement, tuple(values))

    @contextmanager
    def changed(self, statement: str) -> Iterator[None]:
        """The store after that statement, and afterwards as it was."""
        path = self.office.desk.office.store.path or ""
        with closing(sqlite3.connect(path)) as store, closing(sqlite3.connect(":memory:")) as before:
            store.backup(before)
            store.execute(statement)
            store.commit()
            yield
            before.backup(store)

    def demand(self) -> None:
        number = authority.approved(self.office)
        answering.carry_out(self.office.desk, number, "ben", self.office.company.folder / "out.age", PUBLIC)

    def transfer(self) -> None:
        office = self.office.desk.office
        number = transfers.announce(office, "Example Buyer", "IE", "We are sold.").id
        self.office.company.clock.advance(31 * DAY)
        transfers.freeze(office, number)
        bundles.export(self.office.desk, number, self.office.company.folder / "bundle.age", PUBLIC)


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Judged]:
    with found_office(tmp_path, policy=OCCASIONS) as office:
        for name, role in (("ana", Role.AGENT), ("dora", Role.DPO), ("ben", Role.AGENT)):
            office.caller(name, role)
        office.company.troth.give_consent("id=7", "marketing")
        office.company.troth.object_to("id=7", "fraud")
        yield Judged(office)


# --- 4.1b -------------------------------------------------------------------------------------------------------------


def test_a_demand_that_two_people_decided_is_kept(judged: Judged) -> None:
    assert judged.of("legal-demand").verdict is UNPROVEN
    judged.demand()
    assert judged.of("legal-demand").verdict is KEPT


PAST = (
    ("update disclosures set demand = 77", "none of that number"),
    ("update disclosures set demand = null", "none of that number"),
    ("update disclosures set recipient = 'Example Ghost'", "another authority"),
    ('update disclosures set categories = \'{"a": "contact.email"}\'', "contact.email left"),
    ("update demands set reference = ' '", "names no law"),
    ("update demands set state = 'filed'", "was not carried out"),
    ("update demands set asked = replace(asked, 'transaction.purchase', 'profile.name')", "more was granted"),
    ("update demand_steps set staff = 2 where step = 'approved'", "two people"),
    ("update demand_steps set staff = null where step = 'reviewed'", "two people"),
    ("update demand_steps set staff = 99 where step = 'approved'", "ledger"),
    ("delete from demand_steps where step = 'approved'", "nobody reviewed and approved"),
    ("update disclosures set reason = 'processor'", "no disclosure of it"),
)


def test_a_disclosure_past_its_demand_is_broken(judged: Judged) -> None:
    judged.demand()
    for statement, words in PAST:
        with judged.changed(statement):
            sentence = judged.of("legal-demand")
        assert sentence.verdict is BROKEN, statement
        assert words in said(sentence), statement
    assert judged.of("legal-demand").verdict is KEPT


def test_somebody_who_was_not_told_for_a_day_is_broken(judged: Judged) -> None:
    judged.demand()
    judged.raw("update demands set told_at = null")
    assert judged.of("legal-demand").verdict is KEPT
    judged.office.company.clock.advance(2 * DAY)
    assert "were not told" in said(judged.of("legal-demand"))


def test_data_about_somebody_else_are_broken(judged: Judged) -> None:
    judged.demand()
    judged.raw("update disclosures set people = ?", BitMap([2]).serialize())
    assert "of whom nothing was demanded" in said(judged.of("legal-demand"))


def test_a_scope_that_was_widened_after_the_approval_is_broken(judged: Judged) -> None:
    judged.demand()
    wider = {"categories": ["contact.email", "transaction.purchase"], "columns": [], "since": None, "until": None}
    judged.raw("update demands set granted = ?", json.dumps(wider))
    assert "not what the ledger says" in said(judged.of("legal-demand"))


# --- 4.1c -------------------------------------------------------------------------------------------------------------


def test_a_business_that_went_after_its_notice_is_kept(judged: Judged) -> None:
    assert judged.of("business-transfer").verdict is UNPROVEN
    judged.transfer()
    sentence = judged.of("business-transfer")
    assert sentence.verdict is KEPT, said(sentence)


OTHERWISE = (
    ("update transfers set disclosure = null", "no transfer that was announced"),
    ("update transfers set frozen_at = null", "no transfer that was announced"),
    ("update transfers set announced_at = frozen_at", "not in the ledger"),
    ("update disclosures set at = (select announced_at from transfers)", "nothing goes before"),
    ("update transfers set result = '{}'", "not what the ledger says"),
)


def test_a_bundle_that_went_otherwise_is_broken(judged: Judged) -> None:
    judged.transfer()
    for statement, words in OTHERWISE:
        with judged.changed(statement):
            sentence = judged.of("business-transfer")
        assert sentence.verdict is BROKEN, statement
        assert words in said(sentence), statement
    assert judged.of("business-transfer").verdict is KEPT


def test_who_said_no_and_is_in_it_is_broken(judged: Judged) -> None:
    judged.transfer()
    judged.raw("insert into transfer_refusals (transfer, person, at, leaf) select 1, 1, at, leaf from objections")
    assert "does not go with the business" in said(judged.of("business-transfer"))


def test_a_choice_that_did_not_travel_is_broken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_objections(*given: object) -> object:
        from troth.sharing.travelling import choices_of

        return (each for each in choices_of(*given) if each["what"] != "objection")  # type: ignore[arg-type]

    monkeypatch.setattr(bundles, "choices_of", without_objections)
    judged.transfer()
    assert "1 choices of the kind objection stood, and 0 went" in said(judged.of("business-transfer"))


# --- 4.1d -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[GateWorld]:
    with gate_world(tmp_path, policy=ON_CONSENT) as made:
        for person in ("id=1", "id=2", "id=3"):
            made.troth.give_consent(person, "partners")
        yield made


def on_consent(world: GateWorld, now: dt.datetime | None = None) -> SentenceReport:
    office = world.troth.office
    seen = observation(office.policy, world.folder, now=now or office.clock.now())
    seen.store = office.store
    number = next(each.number for each in office.policy.sentences if each.meaning.circumstance == "consent")
    return judge(CHECKS, seen).of(number)


def test_rows_of_those_who_agreed_are_kept_and_nothing_shared_proves_nothing(partners: GateWorld) -> None:
    assert on_consent(partners).verdict is UNPROVEN
    shared(partners)
    assert on_consent(partners).verdict is KEPT


def test_somebody_who_had_not_agreed_is_broken(partners: GateWorld) -> None:
    shared(partners)
    with partners.troth.office.store.writing() as tx:
        people = BitMap([partners.number("id=1"), partners.number("id=9")]).serialize()
        tx.exec_driver_sql("update disclosures set people = ?", (people,))
    assert f"1 person in it had not agreed that {PARTNER} gets it" in said(on_consent(partners))


def test_a_withdrawal_that_the_recipient_is_not_told_of_within_a_day_is_broken(partners: GateWorld) -> None:
    shared(partners)
    partners.clock.advance(dt.timedelta(minutes=1))
    partners.troth.withdraw_consent("id=2", "partners")
    assert on_consent(partners).verdict is KEPT
    consented.tell(partners.troth.office, partners.troth.instance)
    assert "not told of 1 withdrawal" in said(on_consent(partners, partners.clock.now() + 2 * DAY))


def test_a_withdrawal_without_its_notice_is_broken(partners: GateWorld) -> None:
    shared(partners)
    partners.clock.advance(dt.timedelta(minutes=1))
    partners.troth.withdraw_consent("id=2", "partners")
    with partners.troth.office.store.writing() as tx:
        tx.exec_driver_sql("delete from withdrawal_notices")
    assert on_consent(partners).verdict is BROKEN


def test_demand_and_transfer_stand_on_postgresql_too(tmp_path: Path, postgresql_database: str) -> None:
    with found_office(tmp_path, policy=OCCASIONS, url=postgresql_database) as office:
        for name, role in (("ana", Role.AGENT), ("dora", Role.DPO), ("ben", Role.AGENT)):
            office.caller(name, role)
        office.company.troth.give_consent("id=7", "marketing")
        judged = Judged(office)
        judged.demand()
        judged.transfer()
        for occasion in ("legal-demand", "business-transfer"):
            sentence = judged.of(occasion)
            assert sentence.verdict is KEPT, said(sentence)
        judged.raw("update demand_steps set staff = (select min(staff) from demand_steps) where step = 'approved'")
        assert judged.of("legal-demand").verdict is BROKEN


def test_a_withdrawal_on_postgresql_tells_the_partner(tmp_path: Path, postgresql_database: str) -> None:
    with gate_world(tmp_path, url=postgresql_database, policy=ON_CONSENT) as world:
        world.troth.give_consent("id=1", "partners")
        assert shared(world).rows == 1
        world.clock.advance(dt.timedelta(minutes=1))
        world.troth.withdraw_consent("id=1", "partners")
        assert on_consent(world).verdict is KEPT
        assert "not told of 1 withdrawal" in said(on_consent(world, world.clock.now() + 2 * DAY))
