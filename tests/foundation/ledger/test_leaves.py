"""Each deed leaves one entry, in the same transaction, that binds what happened and names nobody."""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tests.stores import fresh_store
from troth import errors
from troth.foundation.canonical import canonical_json
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves
from troth.foundation.ledger.leaves import Entry
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store(tmp_path) as made:
        yield made


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path)


def _all(store: Store) -> list[object]:
    with store.reading() as tx:
        return list(tx.execute(select(ledger_leaves).order_by(ledger_leaves.c.id)))


def test_the_stored_bytes_say_all_and_their_hash_is_that_of_rfc_6962(store: Store, keyring: Keyring) -> None:
    with store.writing() as tx:
        number = leaves.append(tx, keyring, "consent.given", 17, {"purpose": "marketing", "n": 3}, NOON)

    [row] = _all(store)
    assert row.id == number
    assert row.content == canonical_json(json.loads(row.content))
    assert json.loads(row.content) == {
        "troth": 1,
        "kind": "consent.given",
        "at": "2026-11-22T12:00:00.000000Z",
        "person": row.person.hex(),
        "body": {"purpose": "marketing", "n": 3},
    }
    assert row.hash == hashlib.sha256(b"\0" + row.content).digest()


def test_a_person_is_the_same_stranger_in_every_leaf_and_another_with_another_key(
    store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Keyring.create(tmp_path / "other")
    with store.writing() as tx:
        for ring, person in ((keyring, 17), (keyring, 17), (keyring, 18), (other, 17), (keyring, None)):
            leaves.append(tx, ring, "consent.given", person, {}, NOON)

    first, again, neighbour, foreign, nobody = (row.person for row in _all(store))
    assert first == again
    assert len({first, neighbour, foreign}) == 3
    assert nobody is None


def test_many_leaves_keep_their_order(store: Store, keyring: Keyring) -> None:
    with store.writing() as tx:
        numbers = leaves.append_many(tx, keyring, (Entry("tea.poured", n, {"n": n}, NOON) for n in range(1_200)))
        assert leaves.append_many(tx, keyring, []) == []

    rows = _all(store)
    assert [row.id for row in rows] == numbers
    assert [json.loads(row.content)["body"]["n"] for row in rows] == list(range(1_200))


def test_a_deed_that_fails_leaves_no_entry(store: Store, keyring: Keyring) -> None:
    def deed_that_fails() -> None:
        with store.writing() as tx:
            leaves.append(tx, keyring, "consent.given", 17, {}, NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        deed_that_fails()

    assert _all(store) == []


@pytest.mark.parametrize("body", [{"to": "bob@example.org"}, {"why": ["x" * 301]}, {"a": {"bob@example.org": 1}}])
def test_free_text_is_kept_out_and_not_repeated(store: Store, keyring: Keyring, body: dict[str, object]) -> None:
    with pytest.raises(errors.StoreError) as refused, store.writing() as tx:
        leaves.append(tx, keyring, "mail.sent", 17, body, NOON)

    assert "bob" not in str(refused.value)
    assert _all(store) == []


@pytest.mark.parametrize("body", [{"n": float("nan")}, {"n": 2**60}, {"n": object()}])
def test_what_has_no_single_spelling_is_not_written(store: Store, keyring: Keyring, body: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)), store.writing() as tx:
        leaves.append(tx, keyring, "mail.sent", 17, body, NOON)

    assert _all(store) == []


WORDS = st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.sampled_from(KeyUse),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, VALUES, max_size=5), st.sampled_from(["consent.given", 'k"\\', "é\U0001f375"]))
def test_what_is_written_is_the_canonical_form_whatever_is_in_it(body: dict[str, object], kind: str) -> None:
    keyring = Keyring.from_text("troth-key-1:" + "A" * 43 + "=", where="here")

    for given_ in (body, types.MappingProxyType(body)):
        leaf = leaves.prepare(None, keyring, Entry(kind, 17, given_, NOON))

        said = {"troth": 1, "kind": kind, "at": NOON, "person": leaves.pseudonym(keyring, 17).hex(), "body": body}
        assert leaf.content == canonical_json(said)
        assert leaf.hash == hashlib.sha256(b"\0" + leaf.content).digest()


@pytest.mark.parametrize("body", [{1: "x"}, {"a": {None: 1}}, {"a": ["\ud800"]}, {"\ud800": 1}])
def test_what_is_no_json_is_refused_and_not_repeated(store: Store, keyring: Keyring, body: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)), store.writing() as tx:
        leaves.append(tx, keyring, "mail.sent", 17, body, NOON)

    assert _all(store) == []


def test_an_entry_that_an_export_could_not_hold_is_refused(store: Store, keyring: Keyring) -> None:
    body = {f"field-{number}": "x" * 290 for number in range(230)}

    with pytest.raises(errors.StoreError, match="too large"), store.writing() as tx:
        leaves.append(tx, keyring, "mail.sent", 17, body, NOON)
