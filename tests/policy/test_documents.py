"""YAML with places, and the ways a file can be hostile."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from troth.errors import DeclarationError, DeclarationFaults, UnreadableFile
from troth.policy import documents


def test_a_country_code_stays_a_country_code() -> None:
    document = documents.load(b"country: no\nlanguages: [en, no, on]\nyes: NO\n", "policy.yaml")

    assert document.value == {"country": "no", "languages": ["en", "no", "on"], "yes": "NO"}


def test_scalars_are_what_yaml_1_2_says() -> None:
    document = documents.load(b"a: 1\nb: 1.5\nc: true\nd: ~\ne: 2024-01-09\nf: '1'\ng: 0o17\nh:\n", "f")

    assert document.value == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": dt.date(2024, 1, 9), "f": "1", "g": "0o17", "h": None,
    }  # fmt: skip


def test_every_value_and_key_has_its_line_and_column() -> None:
    document = documents.load(b"a:\n  b: [1, {c: x}]\n", "f")

    assert document.place(("a", "b", 1, "c")) == (2, 14)
    assert document.key_place(("a", "b", 1, "c")) == (2, 11)
    assert document.place(("a", "nothing", "here")) == (2, 3)


def test_all_duplicate_keys_are_told_at_once_with_their_lines() -> None:
    with pytest.raises(DeclarationFaults) as caught:
        documents.load(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", "policy.yaml")

    assert [(fault.line, fault.path) for fault in caught.value.faults] == [(4, "b.c"), (5, "a")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"\x00\x01\x02", "binary"),
        (b"\xff\xfe\x00a", "UTF-8"),
        (b"a: [1", "not YAML"),
        (b"[" * 100_000, "nested deeper"),
        (b"- " * 100_000 + b"x", "nested deeper"),
        (b"{a: 1}: 2", "key must be"),
        (b"a: !!python/object/apply:os.system [x]", "tag"),
        (b"a: &x 1\nb: {<<: *x}", "merge"),
        (b"a: *x", "alias"),
        (b"a: 1\n---\nb: 2", "second document"),
        (b"when: 2024-02-30", "not a day"),
        (b"a: \x07", "not YAML"),
        (b"x" * (documents.MAX_BYTES + 1), "MiB"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line_with_the_place(data: bytes, says: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        documents.load(data, "policy.yaml")

    assert says in str(caught.value)
    assert str(caught.value).startswith("policy.yaml")


def test_an_alias_bomb_is_stopped_before_it_costs_anything() -> None:
    lines = ["x0: &x0 [l, l, l, l, l, l, l, l, l]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.perf_counter()

    with pytest.raises(DeclarationFaults, match="aliases stand for more"):
        documents.load("\n".join(lines).encode(), "policy.yaml")

    assert time.perf_counter() - started < 1


def test_a_file_of_fifty_megabytes_is_not_read_whole(tmp_path) -> None:
    path = tmp_path / "policy.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)

    data = documents.read_bytes(path)

    assert len(data) == documents.MAX_BYTES + 1
    with pytest.raises(UnreadableFile, match="MiB"):
        documents.load(data, path.name)


def test_a_missing_file_is_named_without_its_folder(tmp_path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        documents.read_bytes(tmp_path / "policy.yaml")

    assert str(caught.value).startswith("policy.yaml: there is no such file.")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        documents.load(data, "policy.yaml")
    except DeclarationError:
        return


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        documents.load(text.encode("utf-8", "surrogatepass"), "policy.yaml")
    except DeclarationError:
        return


def test_the_nearest_name_prefers_swapped_letters() -> None:
    assert documents.nearest("gpdr", ["lgpd", "gdpr", "ccpa"]) == "gdpr"
    assert documents.nearest("qqq", ["lgpd", "gdpr"]) is None
