from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.stores import fresh_store
from troth.errors import PersonAmbiguous, PersonError, PersonUnknown
from troth.foundation import people
from troth.foundation.keys import Keyring
from troth.foundation.people import Identifier, Kind, identifier, parse
from troth.foundation.store import Store
from troth.foundation.tables import identifiers
from troth.foundation.tables import people as people_table
from troth.testing import FixedClock

NOW = FixedClock().now()
MAIL = identifier("email", "ada@example.com", verified=True)
CLAIMED = identifier("email", "ada@example.com")
PHONE = identifier("phone", "+1 555 0100")
ADA, BEA = identifier("id", "17"), identifier("id", "18")


def register(store: Store, keyring: Keyring, *known_by: Identifier) -> int:
    with store.writing() as tx:
        return people.register(tx, keyring, known_by, NOW)


def find(store: Store, keyring: Keyring, who: Identifier) -> int | None:
    with store.reading() as tx:
        return people.find(tx, keyring, who)


def test_people_are_numbered_densely_from_one(each_store: Store, keyring: Keyring) -> None:
    numbers = [register(each_store, keyring, identifier("id", str(i))) for i in range(5)]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_number_is_not_given_again_when_its_person_is_gone(each_store: Store, keyring: Keyring) -> None:
    last = register(each_store, keyring, ADA)
    with each_store.writing() as tx:
        tx.execute(people_table.delete())
        assert tx.execute(select(func.count()).select_from(identifiers)).scalar_one() == 0
    assert register(each_store, keyring, ADA) == last + 1


def test_a_strong_identifier_joins_what_belongs_to_one_person(each_store: Store, keyring: Keyring) -> None:
    number = register(each_store, keyring, ADA, CLAIMED)
    assert register(each_store, keyring, ADA, PHONE) == number
    assert [find(each_store, keyring, who) for who in (ADA, CLAIMED, PHONE)] == [number] * 3
    assert find(each_store, keyring, BEA) is None


def test_a_phone_in_common_joins_nobody_and_leads_to_nobody(each_store: Store, keyring: Keyring) -> None:
    ada, bea = register(each_store, keyring, ADA, PHONE), register(each_store, keyring, BEA, PHONE)
    assert ada != bea
    with pytest.raises(PersonAmbiguous, match="2 people"):
        find(each_store, keyring, PHONE)


def test_an_unverified_address_does_not_join_an_account(each_store: Store, keyring: Keyring) -> None:
    ada = register(each_store, keyring, ADA, CLAIMED)
    stranger = register(each_store, keyring, CLAIMED)
    assert stranger != ada


def test_somebody_known_by_an_unverified_address_only_is_met_again(each_store: Store, keyring: Keyring) -> None:
    reader = register(each_store, keyring, CLAIMED, PHONE)
    assert register(each_store, keyring, CLAIMED) == reader
    assert register(each_store, keyring, PHONE) == reader
    # A phone that comes with another address may be the household's.
    assert register(each_store, keyring, PHONE, identifier("email", "bea@example.com")) != reader


def test_a_verified_address_is_its_holder_s_whoever_else_typed_it(each_store: Store, keyring: Keyring) -> None:
    register(each_store, keyring, BEA, CLAIMED)
    ada = register(each_store, keyring, ADA, MAIL)
    assert find(each_store, keyring, CLAIMED) == ada


def test_an_address_that_is_verified_later_becomes_strong(each_store: Store, keyring: Keyring) -> None:
    ada = register(each_store, keyring, ADA, CLAIMED)
    assert register(each_store, keyring, ADA, MAIL) == ada
    assert register(each_store, keyring, MAIL) == ada


def test_identifiers_of_two_people_stop_and_change_nothing(each_store: Store, keyring: Keyring) -> None:
    other_mail = identifier("email", "bea@example.com", verified=True)
    register(each_store, keyring, ADA)
    register(each_store, keyring, BEA, other_mail)
    with pytest.raises(PersonAmbiguous, match="2 people"):
        register(each_store, keyring, ADA, other_mail, PHONE)
    assert find(each_store, keyring, PHONE) is None


def test_a_recycled_address_inherits_nothing(each_store: Store, keyring: Keyring) -> None:
    ada = register(each_store, keyring, ADA, MAIL)
    with pytest.raises(PersonAmbiguous, match="new id"):
        register(each_store, keyring, BEA, MAIL)

    with each_store.writing() as tx:
        assert people.retire(tx, keyring, CLAIMED, NOW + timedelta(days=1)) == 1
    bea = register(each_store, keyring, BEA, MAIL)

    assert bea != ada
    assert find(each_store, keyring, MAIL) == bea
    assert find(each_store, keyring, ADA) == ada


def test_a_person_is_found_by_troth_s_own_key(each_store: Store, keyring: Keyring) -> None:
    ada = register(each_store, keyring, ADA)
    with each_store.reading() as tx:
        key = people.key_of(tx, ada)
    by_key = parse(f"key={key.text}")
    assert find(each_store, keyring, by_key) == ada
    assert register(each_store, keyring, by_key, MAIL) == ada
    assert find(each_store, keyring, MAIL) == ada
    unknown = parse("key=" + "0" * 32)
    with pytest.raises(PersonUnknown):
        register(each_store, keyring, unknown)
    with pytest.raises(PersonError, match="goes with the person"), each_store.writing() as tx:
        people.retire(tx, keyring, by_key, NOW)


def test_who_must_exist_and_does_not_is_told_without_the_value(store: Store, keyring: Keyring) -> None:
    with store.reading() as tx, pytest.raises(PersonUnknown) as caught:
        people.load(tx, keyring, MAIL)
    assert "ada" not in "".join(traceback.format_exception(caught.value))
    with store.reading() as tx, pytest.raises(PersonUnknown):
        people.key_of(tx, 99)
    with store.writing() as tx, pytest.raises(PersonError):
        people.register(tx, keyring, [], NOW)


def test_many_at_once_are_the_same_as_one_after_the_other(keyring: Keyring, tmp_path: Path) -> None:
    def id_(text: str) -> Identifier:
        return identifier("id", text)

    crowd: list[Sequence[Identifier]] = [
        (ADA, MAIL, PHONE),
        (BEA, PHONE),
        (identifier("email", "guest@example.com"),),
        (identifier("email", "guest@example.com"),),
        (ADA, identifier("email", "ada@example.net", verified=True)),
        *[(id_(f"c{i}"), identifier("email", f"c{i}@example.org", verified=True)) for i in range(30)],
        (MAIL,),
        (id_("c3"), PHONE),
    ]
    folders = [tmp_path / "one", tmp_path / "many"]
    for folder in folders:
        folder.mkdir()
    with fresh_store(folders[0]) as one, fresh_store(folders[1]) as many:
        singly = [register(one, keyring, *known_by) for known_by in crowd]
        with many.writing() as tx:
            at_once = people.register_many(tx, keyring, crowd, NOW)
        with many.writing() as tx:
            again = people.register_many(tx, keyring, crowd, NOW)

    def partition(numbers: list[int]) -> list[int]:
        return [numbers.index(number) for number in numbers]

    assert partition(at_once) == partition(singly)
    assert again == at_once
    assert sorted(set(at_once)) == list(range(1, len(set(at_once)) + 1))


def test_a_bulk_with_an_ambiguity_in_it_is_refused_as_a_whole(each_store: Store, keyring: Keyring) -> None:
    with pytest.raises(PersonAmbiguous), each_store.writing() as tx:
        people.register_many(tx, keyring, [(ADA, MAIL), (BEA, MAIL)], NOW)
    assert find(each_store, keyring, ADA) is None


def test_two_registrations_of_one_person_at_once_make_one_person(each_store: Store, keyring: Keyring) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda _: register(each_store, keyring, ADA, MAIL, PHONE), range(24)))
    assert len(numbers) == 1
    with each_store.reading() as tx:
        assert tx.execute(select(func.count()).select_from(identifiers)).scalar_one() == 3


def test_the_store_holds_no_identifier_in_clear(store: Store, keyring: Keyring) -> None:
    register(
        store,
        keyring,
        identifier("id", "needle-id-1"),
        identifier("email", "needle@example.com"),
        identifier("phone", "+15550199"),
    )
    store.settle()
    assert store.path is not None
    raw = store.path.read_bytes()
    assert not any(needle in raw for needle in (b"needle", b"15550199"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("email=Ada@Example.COM", "email= ada@example.com "),
        ("email=ada@example.com", "email=ada@example.com."),
        ("email=jose\u0301@example.com", "email=jos\u00e9@example.com"),
        ("phone=+44 7700 900123", "phone=0044-7700-900123"),
        ("phone=+44 (7700) 900.123", "phone=tel:+447700900123"),
        ("phone=+４４７７００９００１２３", "phone=+447700900123"),
        ("id= 17 ", "id=17"),
        ("key=" + "AB" * 16, "key=" + "ab" * 16),
    ],
)
def test_spellings_of_one_thing_are_one_thing(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("one", "other"), [("id=a", "id=A"), ("id=17", "phone=17555"), ("phone=+12345", "phone=12345")]
)
def test_different_things_stay_apart(keyring: Keyring, one: str, other: str) -> None:
    assert people.hash_of(keyring, parse(one)) != people.hash_of(keyring, parse(other))


WRONG = [
    "",
    "ada",
    "mail=x",
    "email=",
    "email=SECRET",
    "email=SECRET @example.com",
    "email=@example.com",
    "phone=SECRET",
    "phone=12",
    "phone=" + "1" * 30,
]
WRONG += ["key=SECRET", "id=" + "S" * 400, "id=SEC\nRET", "id=SEC\x00RET", "id=\ud800SECRET", "phone=１２"]


@pytest.mark.parametrize("text", WRONG)
def test_what_names_nobody_is_refused_in_one_line_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(PersonError) as caught:
        parse(text)
    told = "".join(traceback.format_exception_only(caught.value))
    assert told.count("\n") == 1
    assert "SEC" not in told


@given(st.sampled_from(Kind), st.text(max_size=340))
def test_reading_an_identifier_gives_an_identifier_or_a_person_error(kind: Kind, value: str) -> None:
    try:
        once = identifier(kind, value)
    except PersonError:
        return
    assert identifier(kind, once.value) == once
    assert len(once.value) < 5 or once.value not in repr(once)


def test_no_identifier_and_no_key_is_seen_in_a_repr(store: Store, keyring: Keyring) -> None:
    number = register(store, keyring, ADA, MAIL)
    with store.reading() as tx:
        key = people.key_of(tx, number)
    for text in (repr(MAIL), str(MAIL), f"{MAIL}", repr((MAIL,))):
        assert "ada" not in text
    for text in (repr(key), str(key), f"{key}", repr([key])):
        assert key.text not in text
        assert f"PersonKey(…{key.text[-4:]})" in text
