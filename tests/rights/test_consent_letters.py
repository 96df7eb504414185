"""Who has a consent that ends soon is told once, at the address that the company's store holds; and what ended is noted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.rights.desks import ADA, BOB, found_office
from tests.use.company import POLICY
from troth.rights import consent_letters, rounds
from troth.use.tables import consent_events
from troth.use.words import Consent

LASTING = POLICY.replace(
    "profile.name], basis: consent}]", "profile.name], basis: consent}]\n      lasts: 13 months\n      remind: 30 days"
)


def test_a_letter_goes_once_to_each_whose_consent_ends_soon(tmp_path: Path) -> None:
    with found_office(tmp_path, policy=LASTING) as office:
        troth = office.company.troth
        troth.register(id="9")  # has no address in the shop
        for person in ("id=7", "id=8", "id=9"):
            troth.give_consent(person, "marketing")
        troth.withdraw_consent("id=8", "marketing")
        assert consent_letters.remind(office.desk) == 0
        office.company.clock.advance(timedelta(days=13 * 30))

        assert consent_letters.remind(office.desk) == 1
        assert consent_letters.remind(office.desk) == 0

        [(to, subject, text)] = office.letters()
        assert (to, subject) == (ADA.value, "Your consent at Example Company ends soon")
        assert "We send you the newsletter." in text
        assert "https://shop.example.com/privacy/centre" in text
        assert BOB.value not in text


def test_the_round_notes_what_has_ended(tmp_path: Path) -> None:
    with found_office(tmp_path, policy=LASTING) as office:
        office.company.troth.give_consent("id=7", "marketing")
        office.company.clock.advance(timedelta(days=500))

        rounds.make(office.desk, office.now)

        assert [row.event for row in office.company.rows(consent_events)] == [Consent.GIVEN, Consent.EXPIRED]
