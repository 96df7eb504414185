"""Section 1 against real stores: what is stored and not declared, declared and not stored, and asked for on pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policies import BROKEN, KEPT, UNPROVEN, policy_of, said, verdicts
from tests.shopworld import CHECKS, World
from tests.sites import LocalSite, observation
from troth.collection.checks import CHECKS as COLLECTION
from troth.collection.checks import declared, fields
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.policy.settings import SiteSettings

SECTION = ("1", "1.1", "1.1a", "1.1b", "1.1c", "1.1d", "1.2", "1.2a", "1.2b", "1.2c", "1.2d")


def test_the_example_company_keeps_every_sentence_of_section_1(before: dict[str, str]) -> None:
    assert {number: before[number] for number in SECTION} == dict.fromkeys(SECTION, "kept")


def test_no_check_fails_by_itself_on_the_example_company(world: World) -> None:
    findings = [finding for each in world.report().sentences for finding in each.findings]

    assert [finding for finding in findings if finding.where == "the check itself"] == []


def test_every_check_says_what_it_proves_what_it_does_not_and_how_to_repair() -> None:
    for check in CHECKS:
        page = check.look.__doc__ or ""
        assert all(word in page for word in ("What it proves:", "What it does not prove:", "Repair:")), check.id
        assert check.promise
        assert check.reference


def test_check_ids_are_told_once() -> None:
    ids = [check.id for check in CHECKS]

    assert len(ids) == len(set(ids))


def test_every_finding_has_a_place_and_a_repair(world: World) -> None:
    for each in world.report().sentences:
        for finding in each.findings:
            assert finding.repair
            assert finding.message


# --- nothing to look at -------------------------------------------------------------------------------------------


def test_without_a_data_map_nothing_of_section_1_is_kept(world: World) -> None:
    with world.seen() as seen:
        seen.datamap = None
        report = run_checks(seen.policy, COLLECTION, seen)

    assert {number: report.of(number).verdict for number in SECTION} == dict.fromkeys(SECTION, UNPROVEN)


def test_without_the_store_nothing_of_section_1_is_kept_but_what_the_map_alone_says(world: World) -> None:
    world.shop_url = "sqlite:///gone.sqlite3"

    report = world.report(COLLECTION)

    assert {number: report.of(number).verdict for number in SECTION} == dict.fromkeys(SECTION, UNPROVEN)
    assert "there is no such file" in said(report.of("1.1a"))


def test_an_empty_shop_proves_nothing_about_what_stands_in_it(world: World) -> None:
    world.sql("pragma foreign_keys = off")
    for table in ("click_events", "searches", "visits", "access_log", "newsletter_sends", "profiles", "users"):
        world.sql(f"delete from {table}")

    report = world.report(COLLECTION)

    assert {
        each: report.of(each).verdict for each in ("1.1a", "1.1b", "1.2a", "1.2b", "1.2c", "1.2d")
    } == dict.fromkeys(("1.1a", "1.1b", "1.2a", "1.2b", "1.2c", "1.2d"), UNPROVEN)


# --- both directions ----------------------------------------------------------------------------------------------


def test_a_policy_that_forgets_the_phone_number_is_told_the_column_at_1_1(world: World) -> None:
    world.rewrite(
        "policy.yaml", "[account.username, contact.email, contact.phone, acc", "[account.username, contact.email, acc"
    )

    found = world.of("1.1", declared.undeclared_column)

    assert found.verdict is BROKEN
    assert [each.where for each in found.findings if each.verdict is BROKEN] == ["users.phone in shop"]
    assert "declare contact.phone under 1.1" in said(found)


def test_a_kind_that_is_declared_and_stored_nowhere_is_told(world: World) -> None:
    world.rewrite("policy.yaml", "data: [profile.name, profile.avatar, p", "data: [profile.name, identity.gender, p")

    found = world.of("1.1b", declared.stored_nowhere)

    assert found.verdict is BROKEN
    assert "identity.gender: declared, and no store has a column for it" in said(found)


def test_a_family_is_declared_as_a_whole_when_one_of_its_members_is_stored(world: World) -> None:
    world.rewrite("policy.yaml", "data: [communication.message, communication.feedback]", "data: [communication.*]")

    assert world.of("1.1d", declared.stored_nowhere).verdict is KEPT


def test_an_unmapped_table_of_people_is_found(world: World) -> None:
    world.sql("create table old_customers (id integer primary key, email text, full_name text)")
    world.sql(
        "insert into old_customers (email, full_name) select email, name from users join profiles on user_id = users.id"
    )

    found = world.of("1.1", declared.undeclared_column)

    assert found.verdict is BROKEN
    assert "old_customers.email in shop: the data map does not name it" in said(found)
    assert "@" not in said(found)


def test_a_table_that_the_map_calls_not_personal_is_left_alone(world: World) -> None:
    world.sql("alter table products add column contact_email text")
    world.sql("update products set contact_email = 'grower' || id || '@example.org'")

    assert world.own("1.1", declared.undeclared_column)[0] == "kept"


@pytest.mark.parametrize("why", [None, "the wares of a supplier"])
def test_a_column_that_is_called_not_personal_without_a_reason_is_looked_into(world: World, why: str | None) -> None:
    world.sql("alter table orders add column reference text")
    world.sql("update orders set reference = 'p' || id || '@customer.example.org'")
    meaning = "no" if why is None else f"{{personal: no, why: {why}}}"
    world.rewrite(
        "datamap.yaml",
        "          placed_at: transaction",
        f"          reference: {meaning}\n          placed_at: transaction",
    )

    verdict, told = world.own("1.1", declared.undeclared_column)

    assert verdict == ("broken" if why is None else "kept")
    assert ("orders.reference in shop: the data map says that it is not personal, and not why" in told) == (why is None)


def test_keys_inside_json_that_nobody_mapped_are_unproven(world: World) -> None:
    world.sql("alter table users add column extra text")
    world.sql("update users set extra = json_object('religion', 'none', 'tea', 'green')")

    verdict, told = world.own("1.1", declared.undeclared_column)

    assert verdict == "unproven"
    assert "users.extra in shop: the data map does not name it, and it may be" in told


def test_data_received_from_others_are_declared_when_a_sentence_names_the_source(world: World) -> None:
    world.rewrite("datamap.yaml", "bio: profile.bio", "bio: {data: profile.bio, source: received}")
    assert world.own("1", declared.source_unnamed)[0] == "broken"

    world.rewrite("policy.yaml", "    source: observed\n", "    source: received\n")

    assert world.own("1", declared.source_unnamed)[0] == "kept"


# --- forms --------------------------------------------------------------------------------------------------------

POLICY = policy_of(
    """
    collection:
      number: "1"
      title: Collection
      text: We collect what you give.
      provided:
        number: "1.1"
        title: What you give
        text: "You may give us:"
        source: provided
        data: [contact.email]
    """
)
SIGN_UP = """<form method="post"><input type="hidden" name="token" value="x"><label>E-mail <input name="email"
type="email"></label>{more}<button>Join</button></form>"""


def looked_at(folder: Path, site: LocalSite, **forms: str) -> Observation:
    settings = SiteSettings.model_validate({"url": "http://shop.example.com", "forms": {"/sign-up": forms}})
    seen = observation(POLICY, folder, site)
    seen.site = settings
    return seen


def test_a_form_that_asks_only_for_what_is_named_is_kept(tmp_path: Path, site: LocalSite) -> None:
    site.put("/sign-up", SIGN_UP.format(more=""))

    seen = looked_at(tmp_path, site, email="contact.email")

    assert verdicts([fields.undeclared_field], seen) == {"1.1": "kept"}


@pytest.mark.parametrize("more", ['<input name="birthday" type="date">', "<select name=birthday><option>1</select>"])
def test_a_field_that_nobody_declared_breaks_the_sentence(tmp_path: Path, site: LocalSite, more: str) -> None:
    site.put("/sign-up", SIGN_UP.format(more=more))

    report = run_checks(POLICY, [fields.undeclared_field], looked_at(tmp_path, site, email="contact.email"))

    assert report.of("1.1").verdict is BROKEN
    assert 'field "birthday" on /sign-up' in said(report.of("1.1"))


def test_a_field_named_in_settings_still_needs_its_sentence(tmp_path: Path, site: LocalSite) -> None:
    site.put("/sign-up", SIGN_UP.format(more='<input name="phone" type="tel">'))

    seen = looked_at(tmp_path, site, email="contact.email", phone="contact.phone")

    assert verdicts([fields.undeclared_field], seen) == {"1.1": "broken"}


def test_a_search_field_is_a_search_without_any_word_in_settings(tmp_path: Path, site: LocalSite) -> None:
    site.put("/sign-up", SIGN_UP.format(more='<input type="search" name="q">'))

    report = run_checks(POLICY, [fields.undeclared_field], looked_at(tmp_path, site, email="contact.email"))

    assert 'field "q" on /sign-up: asks for usage.search' in said(report.of("1.1"))


def test_a_site_that_is_down_does_not_unprove_what_columns_prove(world: World) -> None:
    world.site = SiteSettings.model_validate(
        {"url": "http://gone.test", "forms": {"/sign-up": {"email": "contact.email"}}}
    )

    verdict, told = world.own("1.1", declared.undeclared_column, fields.undeclared_field)

    assert verdict == "kept"
    assert "46 columns" in told
    assert "field" not in told
