"""A small shop with most forms of rows, erased on each kind of store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foundation.records.erasing.company import ENGINES, NOW, Company, Make, new_url, planned
from troth.foundation.records import carrying, erasing, recounting
from troth.foundation.records.ended import Held
from troth.foundation.records.erasureplan import total

SHOP = """create table users (id int primary key, email varchar(80) not null unique, name varchar(80), referrer_id int,
  foreign key (referrer_id) references users (id));
create table addresses (id int primary key, user_id int not null, street varchar(80),
  foreign key (user_id) references users (id));
create table orders (id int primary key, user_id int, address_id int, placed_at timestamp null, total int,
  billing_name varchar(80), note varchar(80) not null, phone varchar(40),
  foreign key (user_id) references users (id), foreign key (address_id) references addresses (id));
create table order_items (id int primary key, order_id int not null, sku varchar(20),
  foreign key (order_id) references orders (id));
create table messages (id int primary key, sender_id int, recipient_id int, body varchar(200),
  foreign key (sender_id) references users (id), foreign key (recipient_id) references users (id));
create table visits (id int primary key, user_id int, ip varchar(40), at timestamp null);
insert into users values (1, 'ann@example.org', 'Ann Needle', null), (2, 'bob@example.org', 'Bob', 1), (3, 'cy@example.org', 'Cy', 2);
insert into addresses values (10, 1, 'Needle Street 1'), (20, 2, 'Bob Street 2'), (30, 3, 'Cy Street');
insert into orders values (100, 1, 10, '2025-05-05 10:00:00', 7, 'Ann Needle', 'ring twice, Needle', '+49 1'),
  (101, 1, 10, '2010-05-05 10:00:00', 9, 'Ann Needle', 'old Needle', '+49 1'), (200, 2, 20, '2025-05-06 10:00:00', 8, 'Bob', 'none', '+49 2');
insert into order_items values (1000, 100, 'a'), (1001, 101, 'b'), (2000, 200, 'c');
insert into messages values (1, 1, 2, 'Needle to Bob'), (2, 2, 1, 'Bob to Ann'), (3, 2, 3, 'Bob to Cy'), (4, 1, 1, 'Needle to self'),
  (5, 1, null, 'Needle to nobody');
insert into visits values (1, 1, '192.0.2.7', '2026-01-01 00:00:00'), (2, 2, '192.0.2.8', '2026-01-01 00:00:00'), (3, null, '192.0.2.9', '2026-01-01 00:00:00');
"""

MAP = """    person: {customer: {table: users, key: id, identifiers: {email: email}}}
    tables:
      users:
        whose: {person: customer}
        columns: {email: contact.email, name: profile.name, referrer_id: {link: customer}}
      addresses: {whose: user_id}
      orders:
        whose: user_id
        on_erasure:
          keep: [id, placed_at, total, billing_name]
          ground: tax-law
          until: placed_at + 10 years
          change: {user_id: null, note: redact, phone: null, address_id: null}
      order_items: {whose: order_id > orders}
      messages:
        whose:
          sender: {by: sender_id, on_erasure: {change: {sender_id: null, body: redact}}}
          recipient: {by: recipient_id, on_erasure: {change: {recipient_id: null}}}
      visits: {whose: user_id, on_erasure: {change: {user_id: null, ip: {generalise: network}}}}
"""


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    make = Make(request.param, new_url(request, tmp_path, request.param))
    yield make(SHOP, MAP)
    make.close()


def test_each_form_of_row_ends_as_the_map_says(shop: Company) -> None:
    ann = shop.find("1")

    done = shop.erase(ann)

    assert done.as_json() == {
        "erased": {"users": 1, "addresses": 1, "orders": 1, "order_items": 2, "messages": 2},
        "changed": {"orders": 1, "messages": 2, "visits": 1},
        "cut": {"users": 1},
        "kept": {"orders": 1},
    }
    assert [row[0] for row in shop.rows("users")] == [2, 3]
    assert shop.ask("select referrer_id from users order by id") == [(None,), (2,)]
    assert shop.ask("select id, user_id, address_id, total, billing_name, note, phone from orders order by id") == [
        (100, None, None, 7, "Ann Needle", "[redacted]", None),
        (200, 2, 20, 8, "Bob", "none", "+49 2"),
    ]
    assert shop.rows("order_items") == [(2000, 200, "c")]
    assert shop.rows("messages") == [
        (1, None, 2, "[redacted]"),
        (2, 2, None, "Bob to Ann"),
        (3, 2, 3, "Bob to Cy"),
    ]
    assert shop.ask("select id, user_id, ip from visits order by id") == [
        (1, None, "192.0.2.0"),
        (2, 2, "192.0.2.8"),
        (3, None, "192.0.2.9"),
    ]
    assert shop.recount(ann) == {}
    assert shop.dangling() == {}
    assert shop.needles("ann@example.org", "Needle Street", "192.0.2.7") == []


def test_kept_rows_go_with_the_kept_rows_that_they_hang_on(shop: Company) -> None:
    keep = "{keep: all, ground: tax-law, until: id + 10 years}"
    company = shop.mapped(MAP.replace("order_items: {whose: order_id > orders}", f"order_items: {{whose: order_id > orders, on_erasure: {keep}}}"))  # fmt: skip
    ann = company.find("1")

    done = company.erase(ann)

    assert company.rows("order_items") == [(1000, 100, "a"), (2000, 200, "c")]
    assert done.erased["order_items"] == done.kept["order_items"] == 1
    assert company.dangling() == {}


@pytest.mark.parametrize(
    ("held", "spared"),
    [
        (
            Held(rows={"orders": ((100,),)}),  # with what hangs on it, and all that it points at
            {"users": 1, "addresses": 1, "orders": 1, "order_items": 1},
        ),
        (Held(tables=frozenset({"messages"})), {"users": 1, "messages": 4}),
        (Held(tables=frozenset({"visits"})), {"users": 1, "visits": 1}),
    ],
    ids=["an order", "all messages", "all visits"],
)
def test_what_is_held_stays_as_it_is_and_the_rest_goes_and_all_of_it_when_it_is_free(
    shop: Company, held: Held, spared: dict[str, int]
) -> None:
    ann, ask = shop.find("1"), erasing.asker(shop.records, "shop")
    whole = erasing.compile(shop.reach, shop.kind)
    sparing = whole.sparing(held)
    before = {name: shop.rows(name) for name in ("users", "addresses", "orders", "order_items", "messages", "visits")}

    plan = erasing.plan(sparing, ann, ask, at=NOW)
    with shop.writer() as writer:
        first = carrying.carry_out(writer, plan, ann, "r1", at=NOW)

    found = recounting.held(sparing, ann, ask, at=NOW)
    assert {place.table: n for place, n in found.items()} == spared
    assert recounting.recount(sparing, ann, ask, at=NOW) == {}
    assert planned(plan) == first.as_json()
    stays = {"orders": {100}, "users": {1, 2, 3}, "addresses": {10}, "order_items": {1000}}
    for name, rows in before.items():
        if name in held.tables:
            assert shop.rows(name) == rows
        elif name in held.rows or (held.rows and name in spared):
            assert [row for row in shop.rows(name) if row[0] in stays[name]] == [
                row for row in rows if row[0] in stays[name]
            ]
    assert shop.rows("users") == before["users"], "nobody's link to her is cut while she stands"
    assert shop.dangling() == {}

    with shop.writer() as writer:
        second = carrying.carry_out(writer, shop.plan(ann), ann, "r1", at=NOW, step="erase again 1")

    assert shop.recount(ann) == {}
    assert shop.needles("ann@example.org", "Needle Street", "192.0.2.7") == []
    both = total([first, second])
    assert both.erased == {"users": 1, "addresses": 1, "orders": 1, "order_items": 2, "messages": 2}
    assert both.cut == {"users": 1}
