from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.collection import labelled
from troth.collection import discovery
from troth.collection.discovery import ColumnFinding, Nature, discover
from troth.collection.lexicon import guess
from troth.collection.words import subject_of
from troth.foundation.records.reading import Records
from troth.policy.datamap import Place

SECRET = "zq7-marker"


def _found(folder: Path, *statements: str, **values: list[object]) -> dict[str, ColumnFinding]:
    """Findings by column, of a database made by `statements`; `values` go into the column of that name of table t."""
    path = folder / "shop.db"
    with sqlite3.connect(path) as file:
        for statement in statements:
            file.execute(statement)
        if values:
            file.execute(f"create table t ({', '.join(values)})")
            for row in zip(*values.values(), strict=True):
                file.execute(f"insert into t values ({', '.join('?' * len(row))})", row)
    file.close()
    with Records.of_address("shop", f"sqlite:///{path}") as records:
        return {f"{each.place.table}.{each.place.column}": each for each in discover(records, "shop")}


# --- by name alone, on labelled schemas -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", labelled.names())
def test_schemas_of_every_manner_are_understood_by_names_alone(name: str) -> None:
    score = labelled.score(name)

    told = "\n".join(score.wrong)
    assert score.precision >= 0.9, told
    assert score.recall >= 0.9, told
    assert score.categories_right >= 0.9, told
    assert score.links_right >= 0.9, told


def test_all_schemas_together_hold_the_figures() -> None:
    score = labelled.score(*labelled.names())

    assert score.counts["hit"] + score.counts["missed"] > 200, "the labels are there"
    assert score.precision >= 0.98, "\n".join(score.wrong)
    assert score.f1 >= 0.95, "\n".join(score.wrong)


@pytest.mark.parametrize(
    "place",
    [
        "products.name",
        "tracks.title",
        "genres.name",
        "artists.name",
        "countries.name",
        "users.email_verified_at",
        "users.show_email",
        "users.login_count",
        "users.role_name",
        "settings.value",
        "products.image",
        "files.file_extension",
        "regions.code",
        "films.rating",
        "plugins.display_name",
        "servers.host_name",
        "email_templates.subject",
        "orders.status_name",
    ],
)
def test_what_only_sounds_personal_is_not(place: str) -> None:
    table, _, column = place.partition(".")

    assert guess(column, table, subject_of(table)) is None


# --- by values --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "category"),
    [
        ([f"p{i}@example.org" for i in range(20)], "contact.email"),
        ([f"192.0.2.{i}" for i in range(20)], "device.ip"),
        ([f"+44 7700 9001{i:02}" for i in range(20)], "contact.phone"),
        ([f"$2b$12$abcdefghijklmnopqrstuv{i}" for i in range(20)], "account.password"),
        ([f"Mozilla/5.0 (X11; {i})" for i in range(20)], "device.user_agent"),
        (["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947"] * 5, "payment.bank_account"),
        (["4111111111111111", "5500000000000004", "378282246310005", "6011111111111117", "30569309025904",
          "4012888888881881", "5105105105105100", "371449635398431", "6011000990139424", "4222222222222"],
         "payment.card_number"),
    ],
)  # fmt: skip
def test_values_tell_what_a_meaningless_name_does_not(tmp_path: Path, values: list[object], category: str) -> None:
    found = _found(tmp_path, x7=values)["t.x7"]

    assert (found.verdict, found.category) == (Nature.PERSONAL, category)
    assert found.confidence >= 0.85


@pytest.mark.parametrize(
    "values",
    [
        [f"1.2.{i}" for i in range(20)],
        [f"978-3-16-1484{i:02}-0" for i in range(20)],
        [f"2024-0000{i:02}" for i in range(20)],
        [f"{4111111111111100 + i}" for i in range(20)],
        ["Rock", "Jazz", "Blues", "Classical", "Pop"] * 4,
        [f"SKU-{i}" for i in range(20)],
        [f"https://www.example.org/{i}" for i in range(20)],
    ],
)
def test_values_of_things_tell_no_person(tmp_path: Path, values: list[object]) -> None:
    assert _found(tmp_path, x7=values)["t.x7"].verdict is Nature.NOT_PERSONAL


def test_name_and_values_together_are_surest(tmp_path: Path) -> None:
    values: list[object] = [f"p{i}@example.org" for i in range(20)]

    both = _found(tmp_path, email=values)["t.email"]
    name_only = guess("email", "t", subject_of("t"))

    assert name_only is not None
    assert both.confidence > max(name_only.sure, 0.95)


def test_values_that_belie_the_name_leave_it_unsure(tmp_path: Path) -> None:
    found = _found(tmp_path, phone=[f"model {i} of nine and more" for i in range(20)])["t.phone"]

    assert found.verdict is Nature.UNSURE
    assert found.confidence < 0.5


def test_addresses_inside_texts_leave_it_unsure(tmp_path: Path) -> None:
    texts: list[object] = [f"please write to p{i}@example.org about it soon" for i in range(20)]

    found = _found(tmp_path, x7=texts)["t.x7"]

    assert (found.verdict, found.category) == (Nature.UNSURE, "contact.email")


def test_personal_data_inside_json_is_found(tmp_path: Path) -> None:
    documents: list[object] = [f'{{"who": {{"k": "p{i}@example.org"}}}}' for i in range(20)]

    found = _found(tmp_path, x7=documents)["t.x7"]

    assert (found.verdict, found.category) == (Nature.PERSONAL, "contact.email")


def test_people_of_published_works_are_for_people_to_decide(tmp_path: Path) -> None:
    found = _found(tmp_path, "create table artist (id integer primary key, name text)")

    assert found["artist.name"].verdict is Nature.UNSURE


def test_a_row_of_an_order_is_part_of_somebodys_purchases(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table customers (id integer primary key, email text)",
        "create table products (id integer primary key, title text, price int)",
        "create table orders (id integer primary key, customer_id references customers, product_id references products,"
        " total int, placed_at datetime)",
    )

    assert found["orders.customer_id"].link == "customers"
    assert found["orders.total"].category == "transaction.purchase"
    assert found["orders.product_id"].category == "transaction.purchase"
    assert found["orders.id"].verdict is Nature.NOT_PERSONAL
    assert found["products.price"].verdict is Nature.NOT_PERSONAL
    assert found["orders.total"].confidence < 0.8, "the table says so, not the column: no ground for an alarm"


def test_who_only_handled_a_row_does_not_own_it(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table users (id integer primary key, email text, password text)",
        "create table products (id integer primary key, title text, created_by references users)",
        "create table sales (id integer primary key, amount int, product_id references products)",
    )

    assert found["products.created_by"].verdict is Nature.LINK
    assert found["products.title"].verdict is Nature.NOT_PERSONAL
    assert found["sales.amount"].verdict is Nature.NOT_PERSONAL


def test_a_part_of_an_order_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table customers (id integer primary key, email text)",
        "create table orders (id integer primary key, customer_id references customers, total int)",
        "create table fraud_outcomes (id integer primary key, order_id references orders, reason text)",
    )

    assert found["fraud_outcomes.reason"].category == "transaction.purchase"


def test_a_few_words_that_many_rows_share_are_no_names(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table users (id integer primary key, email text, name text)",
        "create table messages (id integer primary key, user_id references users, author text, customer_name text)",
        "insert into users select value, 'p' || value || '@example.org', 'Person ' || char(64 + value % 26)"
        " || char(64 + value / 26) from (with recursive s(value) as (select 1 union all select value + 1 from s"
        " where value < 200) select * from s)",
        "insert into messages select id, id, iif(id % 2, 'customer', 'staff'), name from users",
    )

    assert found["messages.author"].verdict is Nature.NOT_PERSONAL
    assert found["messages.customer_name"].category == "profile.name"
    assert found["users.name"].category == "profile.name"


def test_reviews_are_feedback(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table users (id integer primary key, email text)",
        "create table reviews (id integer primary key, user_id references users, body text)",
        "create table posts (id integer primary key, user_id references users, body text)",
    )

    assert found["reviews.body"].category == "communication.feedback"
    assert found["posts.body"].category == "content.authored"


# --- what must never happen -------------------------------------------------------------------------------------------


def test_no_value_ever_stands_in_a_finding(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        email=[f"{SECRET}{i}@example.org" for i in range(20)],
        x7=[f'{{"{SECRET}@example.org": {{"{SECRET} email": "{SECRET}{i}@example.org"}}}}' for i in range(20)],
        phone=[f"{SECRET} {i} a b c d e" for i in range(20)],
        note=[f"write to {SECRET}{i}@example.org or so my friend" for i in range(20)],
    )

    assert found["t.x7"].verdict is Nature.PERSONAL
    for finding in found.values():
        assert SECRET not in repr(finding)
        assert SECRET not in finding.evidence


def test_known_columns_are_neither_judged_nor_looked_at(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as file:
        file.execute("create table users (id integer primary key, email text, phone text)")
    file.close()

    with Records.of_address("shop", f"sqlite:///{tmp_path}/shop.db") as records:
        known = frozenset([Place("shop", "users", "email")])
        found = discover(records, "shop", known=known)
        looked_at = discovery.look(records, "shop", without=known)

    assert [each.place.column for each in found] == ["id", "phone"]
    assert "email" not in looked_at["users"]


def test_every_finding_says_why(tmp_path: Path) -> None:
    found = _found(
        tmp_path,
        "create table users (id integer primary key, email text, referrer_id references users, n int)",
    )

    for finding in found.values():
        assert finding.rule
        assert 0 < finding.confidence <= 1
        assert finding.evidence.startswith(f"{finding.confidence:.2f}: ")
