"""Sharing that rests on consent: only of those whose consent names the recipient, who is told when it ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sharing.gateworld import POLICY, GateWorld, gate_world, receiving
from troth.errors import StoreError
from troth.foundation.tables import outbox
from troth.policy.vocabulary import Circumstance
from troth.sharing import consented, notices
from troth.use import telling
from troth.use.tables import consent_events, withdrawal_notices
from troth.use.words import Notice

PARTNER = "Example Partner"
ON_CONSENT = POLICY.replace(
    "    backup:", "    together: {text: Partners write to you., purpose: partners, basis: consent, data: [contact.email, profile.name]}\n    backup:"
).replace(
    "  processors:\n    number", f"""    agreed:
      label: Your Consent
      text: When you consent
      circumstance: consent
      recipients:
        - {{name: {PARTNER}, host: partner.example.net, purpose: partners, data: [contact.email], country: IE}}
  processors:
    number""", 1,
)  # fmt: skip
ROWS = [{"user": str(n), "email": f"p{n}@customer.example.org"} for n in range(1, 5)]


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[GateWorld]:
    with gate_world(tmp_path, policy=ON_CONSENT) as made:
        for person in ("id=1", "id=2", "id=3"):
            made.troth.give_consent(person, "partners")
        yield made


def shared(world: GateWorld) -> Any:
    return world.share(PARTNER, "partners", ROWS, {"email": "contact.email"})


def waiting(world: GateWorld) -> list[Any]:
    with world.troth.office.store.reading() as tx:
        return [(each.recipient, each.state) for each in notices.every(tx)]


def test_only_who_agreed_leaves_and_nobody_after_a_withdrawal(partners: GateWorld) -> None:
    made = shared(partners)
    assert (made.reason, made.rows, made.held_back.refused) == (Circumstance.CONSENT, 3, {"consent-not-given": 1})

    partners.troth.withdraw_consent("id=2", "partners")
    again = shared(partners)
    assert (again.rows, again.held_back.refused) == (2, {"consent-withdrawn": 1, "consent-not-given": 1})


def test_a_consent_that_does_not_name_the_recipient_is_none(tmp_path: Path) -> None:
    before = ON_CONSENT.replace(f"name: {PARTNER}", "name: Example Other")
    with gate_world(tmp_path, policy=before) as world:
        world.troth.give_consent("id=1", "partners")
    (tmp_path / "policy.yaml").write_text(ON_CONSENT)
    from troth import application

    with application.open(tmp_path, {}, world.clock) as troth:
        later = GateWorld(tmp_path, troth, world.clock)
        assert shared(later).held_back.refused == {"consent-not-given": 4}
        troth.give_consent("id=1", "partners")
        assert shared(later).rows == 1


def test_a_purpose_that_rests_on_something_else_gives_nobody_away_on_consent(tmp_path: Path) -> None:
    other = ON_CONSENT.replace(
        "host: partner.example.net, purpose: partners", "host: partner.example.net, purpose: support"
    )
    with gate_world(tmp_path, policy=other) as world:
        assert world.troth.may("id=1", "support", "contact.email", PARTNER)
        made = world.share(PARTNER, "support", ROWS, {"email": "contact.email"})
        assert (made.rows, made.held_back.refused) == (0, {"consent-not-given": 4})


def test_a_withdrawal_and_the_notice_stand_or_fall_together(
    partners: GateWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared(partners)

    def fails(*_: object) -> int:
        raise StoreError

    with monkeypatch.context() as patched:
        patched.setattr(telling, "queue_in", fails)
        with pytest.raises(StoreError):
            partners.troth.withdraw_consent("id=2", "partners")
    with partners.troth.office.store.reading() as tx:
        assert tx.execute(consent_events.select().where(consent_events.c.event == "withdrawn")).all() == []
        assert tx.execute(withdrawal_notices.select()).all() == []

    partners.troth.withdraw_consent("id=2", "partners")
    partners.troth.withdraw_consent("id=2", "partners")
    assert waiting(partners) == [(PARTNER, Notice.WAITING)]
    assert len(partners.entries("recipient.to-be-told")) == 1


def test_the_recipient_is_told_by_the_name_that_it_knows_and_the_receipt_is_kept(tmp_path: Path) -> None:
    with receiving(tmp_path, "partner.example.net") as host:
        settings = (
            f'[site]\nurl = "http://localhost:1"\ntrust = "authority.pem"\n'
            f'[site.resolve]\n"partner.example.net" = "127.0.0.1:{host.port}"\n'
            f'[sharing.notices]\n"{PARTNER}" = "https://partner.example.net/withdrawals"\n'
        )
        with gate_world(tmp_path, policy=ON_CONSENT, settings=settings) as world:
            for person in ("id=1", "id=2"):
                world.troth.give_consent(person, "partners")
            shared(world)
            names = {row["email"]: row["person"] for row in world.left()}
            world.troth.withdraw_consent("id=2", "partners")
            office, instance = world.troth.office, world.troth.instance

            host.status = 503
            assert consented.tell(office, instance) == (0, 1)
            host.status, host.got = 200, []
            assert consented.tell(office, instance) == (1, 0)
            assert consented.tell(office, instance) == (0, 0)

            [told] = host.got
            assert json.loads(told)["person"] == names["p2@customer.example.org"]
            assert b"customer.example.org" not in told
            with office.store.reading() as tx:
                [row] = tx.execute(withdrawal_notices.select()).all()
            assert (row.state, row.receipt) == (Notice.TOLD, hashlib.sha256(told).digest())
            assert world.entries("recipient.told")[0]["receipt"] == hashlib.sha256(told).hexdigest()


def test_it_is_told_by_mail_where_that_is_the_way(tmp_path: Path) -> None:
    settings = f'[sharing.notices]\n"{PARTNER}" = "mailto:privacy@partner.example.net"\n'
    with gate_world(tmp_path, policy=ON_CONSENT, settings=settings) as world:
        world.troth.give_consent("id=1", "partners")
        shared(world)
        world.troth.withdraw_consent("id=1", "partners")
        assert consented.tell(world.troth.office, world.troth.instance) == (1, 0)
        with world.troth.office.store.reading() as tx:
            assert len(tx.execute(outbox.select()).all()) == 1


def test_who_was_never_given_away_needs_no_notice(partners: GateWorld) -> None:
    partners.troth.withdraw_consent("id=3", "partners")
    assert consented.tell(partners.troth.office, partners.troth.instance) == (1, 0)
    assert waiting(partners) == [(PARTNER, Notice.NEEDLESS)]


def test_who_got_groups_is_not_told_that_one_of_the_people_in_them_withdrew(tmp_path: Path) -> None:
    groups = ON_CONSENT.replace(
        "      circumstance: consent\n", "      circumstance: consent\n      safeguard: anonymised\n"
    ).replace(
        "purpose: partners, data: [contact.email], country", "purpose: partners, data: [location.approximate], country"
    ).replace("basis: consent, data: [contact.email, profile.name]", "basis: consent, data: [location.approximate]")  # fmt: skip
    with gate_world(tmp_path, policy=groups) as world:
        for n in range(1, 8):
            world.troth.give_consent(f"id={n}", "partners")
        rows = [{"user": str(n), "land": "IE"} for n in range(1, 8)]
        assert world.share(PARTNER, "partners", rows, {"land": "location.approximate"}).people == 7
        world.troth.withdraw_consent("id=2", "partners")

        assert consented.tell(world.troth.office, world.troth.instance) == (1, 0)

        # a name that it never got would only tell that somebody of the seven is gone
        assert waiting(world) == [(PARTNER, Notice.NEEDLESS)]


def test_a_recipient_that_nobody_can_reach_stays_to_be_told(partners: GateWorld) -> None:
    shared(partners)
    partners.troth.withdraw_consent("id=1", "partners")
    assert consented.tell(partners.troth.office, partners.troth.instance) == (0, 1)
    assert waiting(partners) == [(PARTNER, Notice.WAITING)]


def test_a_withdrawal_for_another_purpose_tells_nobody(partners: GateWorld) -> None:
    partners.troth.give_consent("id=1", "analytics")
    partners.troth.withdraw_consent("id=1", "analytics")
    assert waiting(partners) == []
