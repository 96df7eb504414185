from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from troth.errors import UnknownName
from troth.policy.law.authorities import all_authorities, authorities_for
from troth.policy.law.laws import law
from troth.policy.law.provisions import Confidence
from troth.policy.law.table import known_laws


def test_a_country_gives_its_authority_with_its_site() -> None:
    (found,) = authorities_for(["FR"])

    assert (found.code, found.website) == ("FR", "https://www.cnil.fr/")


def test_a_law_gives_its_authorities() -> None:
    assert [authority.code for authority in authorities_for(laws=["ccpa", "uk-gdpr"])] == ["US-CA", "US-CA-AG", "GB"]
    assert {authority.code for authority in authorities_for(laws=["gdpr"])} == set(law("gdpr").countries)


def test_each_authority_is_named_once() -> None:
    found = authorities_for(["CN", "GB"], ["pipl", "uk-gdpr"])

    assert [authority.code for authority in found] == ["CN", "GB", "CN-12377"]


def test_rows_to_be_confirmed_are_not_shown_as_fact() -> None:
    assert authorities_for(["TH"]) == ()
    assert authorities_for(laws=["india"]) == ()
    (found,) = authorities_for(["TH"], unconfirmed=True)
    assert found.confidence is Confidence.CHECK


def test_a_part_of_a_country_without_a_row_gives_the_rows_beneath_it() -> None:
    assert [authority.code for authority in authorities_for(["DE-BY"])] == ["DE-BY-private", "DE-BY-public"]
    assert "US-FTC" in {authority.code for authority in authorities_for(["US"])}


def test_a_place_that_the_table_lacks_gives_nothing_and_an_unknown_law_is_an_error() -> None:
    assert authorities_for(["ZZ", "E"]) == ()
    with pytest.raises(UnknownName):
        authorities_for(laws=["gdrp"])


def test_a_board_that_takes_no_complaints_is_not_given_out() -> None:
    assert authorities_for(["EU", "EU-EDPB"], unconfirmed=True) == ()


@pytest.mark.parametrize("name", known_laws())
def test_every_authority_of_every_law_stands_in_the_table(name: str) -> None:
    codes = {authority.code for authority in all_authorities()}

    assert set(law(name).authorities) <= codes


def test_every_site_is_an_address_that_can_be_linked() -> None:
    for authority in all_authorities():
        address = urlsplit(authority.website)
        assert address.scheme == "https", authority.code
        assert "." in address.netloc, authority.code
    assert len({authority.code for authority in all_authorities()}) == len(all_authorities())
