from __future__ import annotations

from pathlib import Path

import pytest

from tests.chinook import run_script
from troth.collection.drafting import draft_map
from troth.collection.drift import Drift, DriftKind, find_drift
from troth.errors import StoreUnreachable
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.datamap import DataMap, Place

SHOP = """create table users (id integer primary key, email text not null, phone text);
create table orders (id integer primary key, user_id int not null references users, seller_id int references users,
  placed_at datetime, total int, note text);
create table products (id integer primary key, title text);
"""
MAP = """
troth: 1
stores:
  shop:
    connect: sqlite:///shop.db
    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users: {whose: {person: customer}, columns: {email: contact.email, phone: contact.phone}}
      orders: {whose: user_id, columns: {seller_id: {link: customer}}}
      products: {personal: no}
"""


def _drift(folder: Path, *, script: str = SHOP, before: str = "", after: str = "") -> list[Drift]:
    run_script(f"sqlite:///{folder / 'shop.db'}", script)
    assert not before or before in MAP
    datamap = mapreading.parse(MAP.replace(before, after).encode()) if before else mapreading.parse(MAP.encode())
    with Records.open(datamap, {}, base=folder) as records:
        return list(find_drift(datamap, records))


def _only(found: list[Drift]) -> tuple[str, DriftKind]:
    assert len(found) == 1, [str(each) for each in found]
    assert found[0].repair
    return str(found[0].place), found[0].kind


def test_a_map_that_fits_has_no_drift(tmp_path: Path) -> None:
    assert _drift(tmp_path) == []


def test_a_draft_fits_the_store_it_was_made_from(chinook_url: str) -> None:
    datamap = mapreading.parse(draft_map(chinook_url, name="shop").encode())

    with Records.of_address("shop", chinook_url) as records:
        assert find_drift(datamap, records) == ()


def test_a_new_table_is_drift_and_its_data_are_named(tmp_path: Path) -> None:
    found = _drift(tmp_path, script=SHOP + "create table leads (id integer primary key, email text, phone text);\n")

    assert _only(found) == ("leads in shop", DriftKind.TABLE_NOT_MAPPED)
    assert "it looks personal (contact.email, contact.phone)" in found[0].message


def test_a_new_personal_column_is_drift(tmp_path: Path) -> None:
    found = _drift(tmp_path, script=SHOP + "alter table users add column date_of_birth text;\n")

    assert _only(found) == ("users.date_of_birth in shop", DriftKind.COLUMN_NOT_MAPPED)
    assert "identity.birth_date" in found[0].message
    assert "add `date_of_birth: identity.birth_date`" in found[0].repair


def test_a_new_column_that_says_nothing_of_people_is_none(tmp_path: Path) -> None:
    assert _drift(tmp_path, script=SHOP + "alter table users add column theme text;\n") == []


def test_a_table_called_not_personal_must_say_why_where_it_looks_so(tmp_path: Path) -> None:
    script = SHOP + "alter table products add column customer_email text;\n"

    assert _only(_drift(tmp_path, script=script)) == ("products.customer_email in shop", DriftKind.COLUMN_NOT_MAPPED)


def test_the_reason_settles_it(tmp_path: Path) -> None:
    script = SHOP + "alter table products add column customer_email text;\n"
    changed = "products: {personal: no, why: the shop's own mailbox}"

    assert _drift(tmp_path, script=script, before="products: {personal: no}", after=changed) == []


def test_a_table_that_is_gone_is_drift_with_the_nearest(tmp_path: Path) -> None:
    found = _drift(tmp_path, before="products: {personal: no}", after="produkts: {personal: no}")

    assert {each.kind for each in found} == {DriftKind.TABLE_GONE, DriftKind.TABLE_NOT_MAPPED}
    assert 'Did you mean "products"?' in found[0].message


@pytest.mark.parametrize(
    ("before", "after", "column"),
    [
        ("phone: contact.phone", "fon: contact.phone, phone: contact.phone", "users.fon"),
        ("identifiers: {email: email}", "identifiers: {email: email, phone: fon}", "users.fon"),
        ("whose: user_id", "whose: {by: user_id, where: \"kind = 'x'\"}", "orders.kind"),
        ("whose: user_id", "whose: user_id, starts: {order: at}", "orders.at"),
        ("whose: user_id", "whose: user_id, uses: {purpose: notices, at: at}", "orders.at"),
        ("whose: user_id", 'whose: user_id, everyone: "gone is null"', "orders.gone"),
        ("whose: user_id", "whose: user_id, on_erasure: {change: {remark: null}}", "orders.remark"),
    ],
)
def test_every_name_that_the_map_uses_must_be_there(tmp_path: Path, before: str, after: str, column: str) -> None:
    found = _drift(tmp_path, before=before, after=after)

    assert _only(found) == (f"{column} in shop", DriftKind.COLUMN_GONE)


def test_values_that_contradict_the_category_are_drift(tmp_path: Path) -> None:
    script = SHOP + "insert into users (email, phone) values ('a@example.org', 'b@example.org'), " + ", ".join(
        f"('p{i}@example.org', 'q{i}@example.org')" for i in range(20)
    ) + ";\n"  # fmt: skip

    found = _drift(tmp_path, script=script, before="phone: contact.phone", after="phone: profile.bio")

    assert _only(found) == ("users.phone in shop", DriftKind.CATEGORY_DIFFERS)
    assert "the map calls it profile.bio; it looks like contact.email" in found[0].message
    assert "@" not in found[0].message


def test_a_second_person_without_a_rule_is_drift(tmp_path: Path) -> None:
    found = _drift(tmp_path, before=", columns: {seller_id: {link: customer}}", after="")

    assert _only(found) == ("orders.seller_id in shop", DriftKind.PERSON_WITHOUT_RULE)


def test_a_key_that_two_rows_may_share_is_drift(tmp_path: Path) -> None:
    found = _drift(tmp_path, before="key: id", after="key: email")

    assert _only(found) == ("users.email in shop", DriftKind.KEY_NOT_UNIQUE)


def test_a_column_that_cannot_be_null_is_drift(tmp_path: Path) -> None:
    found = _drift(tmp_path, before="whose: user_id", after="whose: user_id, on_erasure: {change: {user_id: null}}")

    assert _only(found) == ("orders.user_id in shop", DriftKind.CANNOT_BE_NULL)


def test_a_live_column_that_is_neither_kept_nor_changed_is_drift(tmp_path: Path) -> None:
    keep = "keep: [id, placed_at, total, seller_id], ground: tax-law, until: placed_at + 10 years"
    found = _drift(
        tmp_path,
        before="whose: user_id",
        after=f"whose: user_id, on_erasure: {{{keep}, change: {{user_id: stand-in}}}}",
    )

    assert _only(found) == ("orders.note in shop", DriftKind.NEITHER_KEPT_NOR_CHANGED)


def test_a_path_that_no_key_carries_is_drift(tmp_path: Path) -> None:
    parts = "create table parts (order_no int, part_no int, primary key (order_no, part_no));\n"
    script = f"{SHOP}{parts}create table tags (id integer primary key, part int);\n"
    found = _drift(
        tmp_path,
        script=script,
        before="products:",
        after="parts: {whose: order_no > orders}\n      tags: {whose: part > parts}\n      products:",
    )

    assert _only(found) == ("tags.part in shop", DriftKind.PATH_BROKEN)


def test_a_store_that_cannot_be_seen_has_no_peace(tmp_path: Path) -> None:
    datamap = mapreading.parse(MAP.encode())

    with Records.open(datamap, {}, base=tmp_path) as records, pytest.raises(StoreUnreachable):
        find_drift(datamap, records)


def test_the_map_of_the_example_shop_fits_its_store(tmp_path: Path) -> None:
    from importlib import resources

    from troth.example.shop.database import open_database

    url = f"sqlite:///{tmp_path / 'shop.db'}"
    open_database(url).dispose()
    datamap: DataMap = mapreading.parse(resources.files("troth.example").joinpath("datamap.yaml").read_bytes())

    with Records.open(datamap, {"SHOP_DATABASE_URL": url}) as records:
        found = find_drift(datamap, records)

    assert [f"{each} ({each.kind})" for each in found] == []


def test_only_the_named_store_is_looked_at(tmp_path: Path) -> None:
    run_script(f"sqlite:///{tmp_path / 'shop.db'}", SHOP)
    datamap = mapreading.parse((MAP + "  crm: {connect: sqlite:///gone.db, tables: {t: {personal: no}}}\n").encode())

    with Records.open(datamap, {}, base=tmp_path) as records:
        assert find_drift(datamap, records, store="shop") == ()
        assert Place("shop", "users") in {table.place for table in datamap.tables()}
