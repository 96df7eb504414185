from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from troth.errors import NaiveTimeError
from troth.foundation import ids
from troth.foundation.store import Store
from troth.testing import FixedClock


def test_request_numbers_count_up_within_a_year_and_sort_as_text(each_store: Store) -> None:
    with each_store.writing() as tx:
        old = [ids.request_number(tx, datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) for _ in range(11)]
        new = ids.request_number(tx, datetime(2027, 1, 1, tzinfo=UTC))
    assert old[0] == "2026-000001"
    assert old[-1] == "2026-000011"
    assert new == "2027-000001"
    assert sorted([new, *reversed(old)]) == [*old, new]


def test_an_undone_transaction_gives_its_numbers_back(each_store: Store) -> None:
    with pytest.raises(ZeroDivisionError), each_store.writing() as tx:  # noqa: PT012 - the block is the promise
        assert ids.reserve(tx, "letters", 5) == 1
        raise ZeroDivisionError
    with each_store.writing() as tx:
        assert ids.reserve(tx, "letters") == 1


def test_no_number_is_given_twice_to_writers_at_once(each_store: Store) -> None:
    def take(_: int) -> Iterator[int]:
        with each_store.writing() as tx:
            first = ids.reserve(tx, "letters", 3)
        return iter(range(first, first + 3))

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for taken in pool.map(take, range(40)) for number in taken]
    assert sorted(numbers) == list(range(1, 121))


def test_a_request_number_needs_a_time_with_a_zone(store: Store) -> None:
    with pytest.raises(NaiveTimeError), store.writing() as tx:
        ids.request_number(tx, FixedClock().now().replace(tzinfo=None))


def test_tokens_have_256_bits_and_only_their_hash_is_kept() -> None:
    tokens = {ids.random_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(ids.is_token(token) and len(token) == 43 for token in tokens)
    assert all(len(ids.token_hash(token)) == 32 for token in tokens)


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 129, "a" * 30 + "é", "a" * 30 + "\n", "a" * 30 + " ", "a" * 30 + "."]
)
def test_what_cannot_be_a_token_is_told_apart_without_a_look_up(text: str) -> None:
    assert not ids.is_token(text)
