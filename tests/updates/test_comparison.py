"""What changed between two policies, and whether people should have known before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updates.company import policy
from troth.updates import wording
from troth.updates.comparison import differences, is_material
from troth.updates.wording import Fate

OLD = policy()

FRAUD = "{purpose: fraud, data: [account.username], basis: legitimate-interests}"
ADS = "{name: Example Ads, purpose: marketing, data: [contact.email], country: US}"
MATERIAL = {
    "a new category": ("[account.username, contact.email]}", "[account.username, contact.email, contact.phone]}"),
    "a new use": ("data: [account.username], basis", "data: [account.username, contact.email], basis"),
    "a new purpose": ("[{purpose: service.provide,", f"[{FRAUD}, {{purpose: service.provide,"),
    "another ground": ("basis: contract", "basis: legitimate-interests"),
    "no opting out any more": (", opt_out: at-once", ""),
    "a new recipient": ("recipients: [", f"recipients: [{ADS}, "),
    "more data to a recipient": ("data: [contact.email], country", "data: [contact.email, account.username], country"),
    "a recipient elsewhere": ("country: DE", "country: US"),
    "a longer period": ("keep: 30 days}}", "keep: 2 months}}"),
    "a period that counts from elsewhere": ("after: account-closed", "after: order"),
    "kept instead of deleted": ("keep: 30 days}}", "keep: 30 days, then: archive}}"),
    "a right gone": ("text: You may see your data., right: access", "text: You may see your data."),
    "a safeguard gone": ("    safeguard: masked\n", ""),
    "a new cookie": ("items: [", "items: [{name: _pk_id, life: 13 months, purpose: analytics}, "),
    "a cookie that stays longer": ("name: shop_session, life: 30 days", "name: shop_session, life: 1 year"),
    "shorter notice": ("material: 30 days", "material: 7 days"),
    "a word that turns": ("We do not sell data.", "We do sell data."),
    "a sentence written anew": ("We provide the service.", "Whatever pleases the owners happens here."),
    "a sentence that nobody gave a meaning": (
        "  access: {number",
        '  new: {number: "5.2", title: New, text: We may do more.}\n  access: {number',
    ),
}
MAIL = "{name: Example Mail, purpose: marketing, data: [contact.email], country: DE}"
EDITORIAL = {
    "a recipient gone": (f"recipients: [{MAIL}]", "recipients: []"),
    "less data": ("[account.username, contact.email]}", "[account.username]}"),
    "a shorter period": ("keep: 30 days}}", "keep: 14 days}}"),
    "a cookie that stays shorter": ("name: shop_session, life: 30 days", "name: shop_session, life: session"),
    "longer notice": ("material: 30 days", "material: 60 days"),
    "a slip of the pen": ("We provide the service.", "We provide our service."),
    "other dates": ('text: "2026-11-22", updated: 2026-11-22', 'text: "2026-12-01", updated: 2026-12-01'),
}

GROUPS = (
    "    safeguard: masked\n",
    "    safeguard: anonymised\n    smallest_group: 9\n    noise: {epsilon: 1, budget: 5}\n",
)
FIGURES = {
    "smaller groups": ("smallest_group: 9", "smallest_group: 8", True),
    "larger groups": ("smallest_group: 9", "smallest_group: 10", False),
    "no noise any more": ("    noise: {epsilon: 1, budget: 5}\n", "", True),
    "less noise": ("epsilon: 1,", "epsilon: 2,", True),
    "more in all": ("budget: 5", "budget: 6", True),
    "more noise": ("epsilon: 1,", "epsilon: 0.5,", False),
}


@pytest.mark.parametrize("change", FIGURES.values(), ids=FIGURES)
def test_figures_that_tell_more_of_one_person_are_material(change: tuple[str, str, bool]) -> None:
    before, after, material = change

    found = differences(policy(GROUPS), policy(GROUPS, (before, after)))

    assert found
    assert is_material(found) is material


@pytest.mark.parametrize("change", MATERIAL.values(), ids=MATERIAL)
def test_what_people_would_want_to_know_before_is_material(change: tuple[str, str]) -> None:
    found = differences(OLD, policy(change))

    assert is_material(found), found


@pytest.mark.parametrize("change", EDITORIAL.values(), ids=EDITORIAL)
def test_what_protects_no_less_is_editorial(change: tuple[str, str]) -> None:
    found = differences(OLD, policy(change))

    assert found
    assert not is_material(found), found


def test_the_same_policy_has_no_differences() -> None:
    assert differences(OLD, policy()) == ()


@pytest.mark.parametrize(
    "name", [name for name in MATERIAL if name not in {"a word that turns", "a sentence written anew"}]
)
def test_a_difference_is_seen_from_both_sides(name: str) -> None:
    new = policy(MATERIAL[name])

    assert len(differences(new, OLD)) >= 1


def test_a_law_no_longer_named_is_material_and_a_new_one_is_not() -> None:
    two = policy(laws="[gdpr, ccpa]")

    assert not is_material(differences(OLD, two))
    assert is_material(differences(two, OLD))


def test_a_difference_names_the_sentence_and_says_what_in_words() -> None:
    (found,) = differences(OLD, policy(("keep: 30 days}}", "keep: 2 months}}")))[:1]

    assert found.number in {"3a", "3b"}
    assert "is kept 2 months instead of 30 days" in found.what


def test_one_sign_changed_in_a_script_without_spaces_is_editorial() -> None:
    old = policy(("We provide the service.", "我们为您提供网站服务和客户支持"))
    new = policy(("We provide the service.", "我们为您提供网站服务及客户支持"))

    assert not is_material(differences(old, new))


@given(st.text(max_size=60), st.text(max_size=60))
def test_pieces_joined_give_back_both_texts(before: str, after: str) -> None:
    pieces = wording.pieces(before, after)

    assert "".join(piece.text for piece in pieces if piece.fate is not Fate.NEW) == before
    assert "".join(piece.text for piece in pieces if piece.fate is not Fate.GONE) == after


def test_sentences_that_are_new_or_gone_are_shown_whole() -> None:
    new = policy(("  serving:\n    text: We provide the service.", "  running:\n    text: We run the service."))

    found = {each.pieces[0].text: each.pieces[0].fate for each in wording.reworded(OLD, new)}

    assert found == {"We run the service.": Fate.NEW, "We provide the service.": Fate.GONE}
