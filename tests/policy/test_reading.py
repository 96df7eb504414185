"""policy.yaml into a Policy, and everything that can be wrong with it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from troth.errors import DeclarationFaults, UnknownName, UnreadableFile
from troth.policy import reading
from troth.policy.model import Policy
from troth.policy.vocabulary import LegalBasis

SOURCE = resources.files("troth.example").joinpath("policy.yaml").read_bytes()
NUMBERS = (  # noqa: SIM905 - reads as the page counts
    "0 1 1.1 1.1a 1.1b 1.1c 1.1d 1.2 1.2a 1.2b 1.2c 1.2d 2 2.1a 2.1b 2.1c 2.1d 2.1e 2.1f 2.2 2.2a 2.2b 2.2c 2.2d "
    "3 3.1a 3.1b 3.1c 3.1d 3.1e 3.2a 3.2b 4 4.1 4.1a 4.1b 4.1c 4.1d 4.2 4.2.1 4.2.2 4.2.3 4.2.4 "
    "5 5.1 5.2 5.3 5.4 5.5 5.6 6 6.1a 6.1b 6.1c 6.1d 6.2a 6.2b 6.2c 7a 7b 7c 8a 8b 8.1a 8.1b 9 9.1a 9.1b 9.1c 9.1d 9.2"
).split()


@pytest.fixture(scope="module")
def example() -> Policy:
    return reading.parse(SOURCE)


def faults_of(text: bytes | str) -> list[str]:
    with pytest.raises(DeclarationFaults) as caught:
        reading.parse(text if isinstance(text, bytes) else text.encode())
    return [str(fault) for fault in caught.value.faults]


def changed(*pairs: tuple[str, str]) -> bytes:
    text = SOURCE.decode()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text.encode()


def test_the_example_has_exactly_the_71_sentences(example: Policy) -> None:
    assert [sentence.number for sentence in example.sentences] == NUMBERS
    assert len(NUMBERS) == 71


def test_a_sum_names_the_sentences_directly_below_it(example: Policy) -> None:
    sums = {sentence.number: sentence.sums for sentence in example.sentences if sentence.sums}

    assert sums["1"] == ("1.1", "1.2")
    assert sums["4.2"] == ("4.2.1", "4.2.2", "4.2.3", "4.2.4")
    assert sums["2"][-1] == "2.2"
    assert sums["3"] == ("3.1a", "3.1b", "3.1c", "3.1d", "3.1e", "3.2a", "3.2b")
    assert set(sums["0"]) >= {"1", "2", "3", "4", "5", "6", "7a", "8a", "8.1a", "9"}
    assert set(sums) == {"0", "1", "1.1", "1.2", "2", "2.2", "3", "4", "4.1", "4.2", "5", "6", "9"}


def test_the_short_and_the_long_form_of_a_purpose_mean_the_same(example: Policy) -> None:
    marketing = [use for use in example.uses if use.purpose == "marketing"]

    assert {use.category for use in marketing} == {"contact.email", "profile.name"}
    assert {use.basis for use in marketing} == {LegalBasis.CONSENT}
    assert all(use.opt_out and use.number == "2.1c" for use in marketing)


def test_each_purpose_and_category_has_one_basis(example: Policy) -> None:
    pairs = [(use.purpose, use.category) for use in example.uses]

    assert len(pairs) == len(set(pairs))


def test_all_faults_of_a_file_are_told_at_once_with_line_found_expected_and_nearest() -> None:
    found = faults_of(
        changed(
            ("laws: [gdpr", "laws: [gpdr"),
            ("contact.phone, account.password", "contact.phne, account.password"),
            ("basis: consent\n      opt_out", "basis: consnet\n      opt_out"),
            ("keep: 90 days", "keep: 90 dys"),
            ("right: access", "right: acess"),
            ("channel: mail", "chanel: mail"),
        )
    )

    assert len(found) == 6
    assert "laws.0" in found[0]
    assert 'Did you mean "gdpr"?' in found[0]
    assert 'Did you mean "contact.phone"?' in found[1]
    line = SOURCE.decode().split("opt_out: at-once")[0].count("\n")  # the basis stands above it
    assert found[2].startswith(f'policy.yaml:{line}:14  use.purposes.marketing.basis: "consnet" is not a legal basis.')
    assert "Expected one of: consent, contract, legal-obligation" in found[2]
    assert '"90 dys" cannot be read' in found[3]
    assert 'Did you mean "access"?' in found[4]
    assert 'Did you mean "channel"?' in found[5]


GROUPED = "      safeguard: anonymised\n"
PAY = "      safeguard: tokens-only\n"


@pytest.mark.parametrize(
    ("noise", "says"),
    [
        ("{epsilon: 0, budget: 5}", "noise.epsilon: input should be greater than or equal to 0.01"),
        ("{epsilon: yes, budget: 5}", "noise.epsilon: input should be a valid number"),
        ("{epsilon: 0.5}", "noise: budget is missing"),
        ("{epsilon: 0.5, budget: .nan}", "noise.budget: input should be a valid number"),
        ("{epsilon: 0.5, budget: 0.4}", "noise.budget: the budget of 0.4 does not pay for one batch"),
        ("{epsilon: 0.5, budget: 5, groups: 0}", "noise.groups: input should be greater than or equal to 1"),
        ("{epsilon: 0.5, bugdet: 5}", '"bugdet" is not a word of this language'),
        ("plenty", "noise: noise is a mapping of words to values"),
    ],
)
def test_noise_that_cannot_be_is_told_at_its_place(noise: str, says: str) -> None:
    found = faults_of(changed((GROUPED, f"{GROUPED}      noise: {noise}\n")))

    line = SOURCE.decode().split(GROUPED)[0].count("\n") + 2
    assert any(each.startswith(f"policy.yaml:{line}:") and says in each for each in found), found


def test_noise_stands_only_where_groups_leave() -> None:
    [found] = faults_of(changed((PAY, f"{PAY}      noise: {{epsilon: 0.5, budget: 5}}\n")))

    assert "noise is added to groups that a recipient gets" in found
    assert "safeguard: anonymised" in found


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "gets groups with noise by sentence 4.2.1, and data without any here"),
        ("      noise: {epsilon: 0.5, budget: 6}\n", "has a budget of 5 by sentence 4.2.1, and 6 here"),
    ],
)
def test_who_gets_figures_with_noise_gets_nothing_exact_and_has_one_budget(more: str, says: str) -> None:
    [found] = faults_of(
        changed(
            ("name: Example Pay", "name: Example Metrics"),
            (PAY, f"{GROUPED}      noise: {{epsilon: 0.5, budget: 5}}\n"),
            (f"Data anonymization]\n{GROUPED}", f"Data anonymization]\n{GROUPED}{more}"),
        )
    )

    assert says in found
    assert "sharing.processors.analytics.recipients.0.name" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]", "a policy is a mapping"),
        ("troth: 2\ncontroller: {name: X, country: DE}", "not a version"),
        ("troth: 1", "controller"),
        ("troth: 1\ncontroller: {name: X, country: Germany}", "country"),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: hello", "a section is a mapping"),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuze: {}", 'Did you mean "use"'),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, a: {label: x}}", "needs a text"),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, a: {text: 5}}", "put it in quotes"),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, a: {text: t, purpose: p}}", "needs the data"),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, number: 5}", "a number is a text"),
        (
            "troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, a: {text: t, number: '1'}, b: {text: u, number: '1'}}",
            "already",
        ),
        ("troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, sentences: {b: x}}", "lettered in order"),
        (
            "troth: 1\ncontroller: {name: X, country: DE}\nuse: {title: T, text: other, sentences: {a: x}}",
            "differs from its sentences",
        ),
    ],
)
def test_a_wrong_shape_is_told_where_it_stands(text: str, says: str) -> None:
    assert any(says in fault for fault in faults_of(text))


def test_a_policy_of_one_clause_is_enough() -> None:
    policy = reading.parse(b"troth: 1\ncontroller: {name: X, country: NO}\nuse: {title: Use, one: {text: We use it.}}")

    assert [sentence.number for sentence in policy.sentences] == ["1a"]
    assert policy.sentences[0].meaning.empty
    assert policy.controller.country == "NO"


def test_a_list_longer_than_the_alphabet_goes_on() -> None:
    items = "\n".join(f"  i{n}: {{text: item {n}}}" for n in range(28))
    policy = reading.parse(f"troth: 1\ncontroller: {{name: X, country: DE}}\nuse:\n  title: T\n{items}\n".encode())

    assert [sentence.number for sentence in policy.sentences][-3:] == ["1z", "1aa", "1ab"]


def test_a_heading_without_a_sentence_of_its_own_means_all_below_it(example: Policy) -> None:
    policy = reading.parse(
        b"troth: 1\ncontroller: {name: X, country: DE}\nuse:\n  title: T\n  one: {text: One.}\n  two: {text: Two.}\n"
    )
    assert [each.number for each in reading.find_sentences(policy, "1")] == ["1a", "1b"]
    assert [each.number for each in reading.find_sentences(policy, "use")] == ["1a", "1b"]
    assert [each.number for each in reading.find_sentences(policy, "1b")] == ["1b"]
    for nothing in ("", "11", "us"):
        with pytest.raises(UnknownName):
            reading.find_sentences(policy, nothing)
    assert [each.number for each in reading.find_sentences(example, "3")] == ["3"]  # it sums up those below


@pytest.mark.parametrize("name", ["privacy.md", "privacy.txt", "privacy.HTML"])
def test_a_policy_as_text_is_told_how_it_becomes_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# Privacy\n\nWe keep your name.\n")
    with pytest.raises(UnreadableFile) as told:
        reading.read(tmp_path / name)
    assert f"troth policy import {name}" in str(told.value)


def test_a_sentence_is_found_by_number_and_by_id(example: Policy) -> None:
    assert reading.find_sentence(example, "3.2a").id == "protection.retention.a"
    assert reading.find_sentence(example, "protection.retention.a").number == "3.2a"
    with pytest.raises(UnknownName, match=r"is no sentence of this policy"):
        reading.find_sentence(example, "3.9")
