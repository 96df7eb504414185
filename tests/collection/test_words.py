from __future__ import annotations

import pytest

from troth.collection.words import Subject, singular, subject_of, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FirstName", ("first", "name")),
        ("first_name", ("first", "name")),
        ("FIRST_NAME", ("first", "name")),
        ("custfirstname", ("customer", "first", "name")),
        ("CustFirstNm", ("customer", "first", "name")),
        ("E_MailAddr2", ("email", "addr", "2")),
        ("e-mail", ("email",)),
        ("IPAddress", ("ip", "address")),
        ("HTTPReferer", ("http", "referer")),
        ("userid", ("user", "id")),
        ("zip_code", ("zip",)),
        ("dateofbirth", ("date", "of", "birth")),
        ("filename", ("file", "name")),
        ("statement", ("statement",)),
        ("Größe", ("größe",)),
        ("用户名", ("用户名",)),
        ("---", ()),
    ],
)
def test_a_name_is_cut_into_its_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    ("table", "subject"),
    [
        ("users", Subject.PERSON),
        ("wp_users", Subject.PERSON),
        ("customer_entity", Subject.PERSON),
        ("crm.People", Subject.PERSON),
        ("user_emails", Subject.PROFILE),
        ("customer_address_entity", Subject.ADDRESS),
        ("InvoiceLine", Subject.TRANSACTION),
        ("order_items", Subject.TRANSACTION),
        ("items", Subject.THING),
        ("Track", Subject.THING),
        ("user_roles", Subject.THING),
        ("access_log", Subject.TRACE),
        ("search_logs", Subject.TRACE),
        ("Artist", Subject.WORK),
        ("suppliers", Subject.ORGANISATION),
        ("t_xyz", Subject.UNKNOWN),
    ],
)
def test_a_table_is_about_its_last_telling_word(table: str, subject: Subject) -> None:
    assert subject_of(table) is subject


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("users", "user"),
        ("categories", "category"),
        ("people", "person"),
        ("addresses", "address"),
        ("status", "status"),
        ("boxes", "box"),
        ("class", "class"),
        ("basis", "basis"),
    ],
)
def test_plurals_are_undone(plural: str, one: str) -> None:
    assert singular(plural) == one
