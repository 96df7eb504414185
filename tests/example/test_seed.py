"""The made-up past of the shop: whole, reserved, never older than promised, and nobody followed without consent."""

from __future__ import annotations

import ipaddress
import re
import time
from collections import defaultdict
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from argon2 import extract_parameters
from sqlalchemy import Engine, func, inspect, select, text

from tests.example.conftest import NOW
from troth.example.shop import accounts, tables
from troth.example.shop.database import open_database
from troth.example.shop.passwords import matches
from troth.example.shop.promises import person
from troth.example.shop.seed import PASSPHRASES, Seeded, seed
from troth.policy import mapreading, reading
from troth.policy.vocabulary import matches as covers

Town = tuple[Engine, Seeded]
PHONES = re.compile(r"(\+1\d{3}55501\d{2}|\+447700900\d{3}|\+493023125\d{3})\Z")
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def every(town: Town, table: str) -> list:
    with town[0].connect() as tx:
        return list(tx.execute(select(tables.metadata.tables[table])).all())


def standing(choices: Seeded, purpose: str) -> dict[str, tuple[datetime, datetime]]:
    """From when until when each person's consent stood, replayed from what was handed to troth."""
    given = {who: at for who, what, at in choices.given if what == purpose}
    withdrawn = {who: at for who, what, at in choices.withdrawn if what == purpose}
    return {who: (at, withdrawn.get(who, NOW + timedelta(days=1))) for who, at in given.items()}


def test_two_thousand_people_with_a_past_in_every_table(town: Town) -> None:
    _, seeded = town

    assert len(seeded.people) == seeded.rows["users"] == seeded.rows["profiles"] == 2000
    assert [name for name, count in seeded.rows.items() if count == 0] == ["basket_items", "terms_actions"]
    assert seeded.rows["orders"] > 3000
    assert all(
        seeded.rows[table] > 300 for table in ("messages", "support_tickets", "reviews", "searches", "fraud_checks")
    )


def test_seeding_takes_less_than_three_seconds_of_the_processor(tmp_path: Path) -> None:
    spent = []
    for attempt in range(3):  # a busy machine makes one of them slow, not all
        engine = open_database(f"sqlite:///{tmp_path / f'{attempt}.sqlite3'}")
        before = time.process_time()
        seed(engine, now=NOW)
        spent.append(time.process_time() - before)
        engine.dispose()
        if spent[-1] < 3:
            break
    assert min(spent) < 3


def test_the_same_seed_and_moment_give_the_same_rows(tmp_path: Path) -> None:
    shops = []
    for name, number, now in (("a", 1, NOW), ("b", 1, NOW), ("c", 2, NOW), ("d", 1, NOW + timedelta(days=77, hours=5))):
        engine = open_database(f"sqlite:///{tmp_path / name}.sqlite3")
        seeded = seed(engine, now=now, people=60, number=number)
        with engine.connect() as tx:
            shops.append(
                (seeded, {table.name: tx.execute(select(table)).all() for table in tables.metadata.sorted_tables})
            )
        engine.dispose()
    same, again, other, later = shops

    assert same == again
    assert same[1]["users"] != other[1]["users"]
    assert [row.email for row in same[1]["users"]] == [row.email for row in later[1]["users"]]
    assert later[1]["orders"][0].placed_at - same[1]["orders"][0].placed_at == timedelta(days=77, hours=5)


def test_an_occupied_shop_or_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    seed(engine, now=NOW, people=5)

    with pytest.raises(ValueError, match="already has customers"):
        seed(engine, now=NOW, people=5)
    with pytest.raises(ValueError, match="zone"):
        seed(engine, now=NOW.replace(tzinfo=None), people=5)
    engine.dispose()


def test_every_address_and_number_is_one_reserved_for_examples(town: Town) -> None:
    domains = {row.email.rpartition("@")[2] for row in every(town, "users")}
    assert all(domain.endswith((".test", "example.com", "example.org", "example.net")) for domain in domains)

    phones = [row.phone for row in every(town, "users") if row.phone]
    assert all(PHONES.match(phone) for phone in phones)
    assert len(set(phones)) == len(phones) > 1500

    addresses = [ipaddress.ip_address(row.ip) for row in every(town, "access_log")]
    assert all(any(address in net for net in DOCUMENTATION) for address in addresses)


def test_nobody_got_a_newsletter_while_their_consent_did_not_stand(town: Town) -> None:
    stood = standing(town[1], "marketing")
    sends = every(town, "newsletter_sends")

    assert len(sends) > 3000
    assert [
        row.id for row in sends if not stood[person(row.user_id)][0] < row.sent_at < stood[person(row.user_id)][1]
    ] == []
    assert 700 < len(stood) < 900
    assert 50 < sum(purpose == "marketing" for _, purpose, _ in town[1].withdrawn) < 250


def test_no_marketing_letter_is_in_the_mail_log_that_is_not_a_newsletter_sent(town: Town) -> None:
    letters = sorted((row.user_id, row.sent_at) for row in every(town, "mail_log") if row.kind == "marketing")
    assert letters == sorted((row.user_id, row.sent_at) for row in every(town, "newsletter_sends"))


def test_nobody_was_counted_or_located_while_their_consent_did_not_stand(town: Town) -> None:
    stood = standing(town[1], "analytics")
    seen = [row for table in ("click_events", "searches") for row in every(town, table)]
    seen += [row for row in every(town, "visits") if row.region is not None]

    assert len(seen) > 5000
    assert [row for row in seen if not stood[person(row.user_id)][0] < row.at < stood[person(row.user_id)][1]] == []
    assert 1000 < len(stood) < 1200
    assert any(row.region is None for row in every(town, "visits"))


def test_a_withdrawal_comes_after_its_consent_and_none_lies_ahead(town: Town) -> None:
    given = {(who, purpose): at for who, purpose, at in town[1].given}
    assert len(given) == len(town[1].given)
    assert all(given[who, purpose] < at <= NOW for who, purpose, at in town[1].withdrawn)


def test_no_row_is_older_than_the_policy_lets_it_be(town: Town) -> None:
    """Read from the policy and the data map, with a week to spare for a shop that is left running."""
    example = files("troth.example")
    policy = reading.parse(example.joinpath("policy.yaml").read_bytes(), "policy.yaml")
    datamap = mapreading.parse(example.joinpath("datamap.yaml").read_bytes(), "datamap.yaml")
    judged = set()
    for table in datamap.tables():
        categories = {column.category for column in table.columns.values() if column.category}
        for period in policy.periods.values():
            starts = table.starts.get(period.after)
            if starts is None or not any(covers(pattern, name) for pattern in period.data for name in categories):
                continue
            cutoff = period.keep.before(NOW) + timedelta(days=7)
            assert [row for row in every(town, table.name) if (getattr(row, starts) or NOW) < cutoff] == [], table.name
            judged.add(table.name)
    assert judged == {table.name for table in datamap.tables() if table.personal}


def test_every_mapped_category_has_a_period_whose_start_its_table_names() -> None:
    example = files("troth.example")
    policy = reading.parse(example.joinpath("policy.yaml").read_bytes(), "policy.yaml")
    datamap = mapreading.parse(example.joinpath("datamap.yaml").read_bytes(), "datamap.yaml")
    without = [
        str(place)
        for place, column in datamap.columns()
        if column.category
        and not any(
            covers(pattern, column.category) and period.after in datamap.stores["shop"].tables[place.table].starts
            for period in policy.periods.values()
            for pattern in period.data
        )
    ]
    assert without == []


def test_nothing_is_known_of_anybody_before_they_came_or_after_they_left(town: Town) -> None:
    spans = {row.id: (row.created_at, row.closed_at or NOW) for row in every(town, "users")}
    whens = {
        "orders": "placed_at",
        "reviews": "written_at",
        "newsletter_sends": "sent_at",
        "visits": "at",
        "click_events": "at",
        "searches": "at",
        "support_tickets": "opened_at",
        "mail_log": "sent_at",
        "access_log": "at",
    }
    for table, column in whens.items():
        strays = [
            row
            for row in every(town, table)
            if row.user_id and not spans[row.user_id][0] <= getattr(row, column) <= spans[row.user_id][1]
        ]
        assert strays == [], table
    for row in every(town, "messages"):
        for who in (row.sender_id, row.recipient_id):
            assert spans[who][0] <= row.sent_at <= spans[who][1]
    assert sum(closed < NOW for _, closed in spans.values()) > 10


def test_rows_hang_together(town: Town) -> None:
    engine, _ = town
    with engine.connect() as tx:
        assert tx.execute(text("PRAGMA foreign_key_check")).all() == []
        items = tables.order_items
        sums = dict(
            tx.execute(
                select(items.c.order_id, func.sum(items.c.quantity * items.c.price_cents)).group_by(items.c.order_id)
            ).all()
        )
        orders = tx.execute(select(tables.orders)).all()
        paid = dict(tx.execute(select(tables.orders.c.id, tables.orders.c.user_id)).all())
        named = tx.execute(select(tables.mail_log).where(tables.mail_log.c.kind == "transactional")).all()
    assert all(sums[order.id] == order.total_cents for order in orders)
    assert all(paid[row.order_id] == row.user_id for row in named)
    assert all(row.sender_id != row.recipient_id for row in every(town, "messages"))


def test_who_reviewed_a_ware_had_bought_it_and_did_so_once(town: Town) -> None:
    bought = defaultdict(set)
    owner = {row.id: row.user_id for row in every(town, "orders")}
    for row in every(town, "order_items"):
        bought[owner[row.order_id]].add(row.product_id)
    reviews = every(town, "reviews")

    assert all(row.product_id in bought[row.user_id] for row in reviews)
    assert len({(row.user_id, row.product_id) for row in reviews}) == len(reviews)


def test_passwords_are_slow_salted_hashes_of_the_passphrases_told(town: Town) -> None:
    hashes = {row.password_hash: row.id for row in every(town, "users")}
    for password_hash, number in hashes.items():
        cost = extract_parameters(password_hash)
        assert (cost.memory_cost >= 19 * 1024, cost.time_cost >= 2) == (True, True)
        assert matches(password_hash, PASSPHRASES[number % len(PASSPHRASES)])
        assert not matches(password_hash, PASSPHRASES[(number + 1) % len(PASSPHRASES)])


def test_nothing_in_any_text_could_be_taken_for_a_card_number(town: Town) -> None:
    long = re.compile(r"(?:\d[ -]?){13,19}")
    for table in tables.metadata.sorted_tables:
        for row in every(town, table.name):
            for value in row:
                assert not (isinstance(value, str) and any(luhn(hit) for hit in long.findall(value))), table.name


def luhn(digits: str) -> bool:
    numbers = [int(sign) for sign in reversed(digits) if sign.isdigit()]
    return sum(numbers[::2] + [sum(divmod(2 * number, 10)) for number in numbers[1::2]]) % 10 == 0


def test_a_deleted_number_is_never_given_again(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'shop.sqlite3'}")
    wanted = accounts.Wanted("one_leaf", "one@example.org", "", "a password to forget")
    first = accounts.open_account(engine, wanted, NOW)
    with engine.begin() as tx:
        for table in ("profiles", "users"):
            tx.execute(tables.metadata.tables[table].delete())

    second = accounts.open_account(engine, wanted, NOW)

    assert second is not None
    assert second > first
    engine.dispose()


def test_on_postgresql_the_shop_is_the_same_and_numbers_go_on(postgresql_database: str) -> None:
    engine = open_database(postgresql_database)
    seeded = seed(engine, now=NOW, people=60)

    with engine.connect() as tx:
        assert {name: tx.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in seeded.rows} == dict(seeded.rows)
        assert tx.execute(select(tables.users).where(tables.users.c.id == 1)).one().created_at.tzinfo is not None
    number = accounts.open_account(
        engine, accounts.Wanted("one_leaf", "one@example.org", "", "a password to forget"), NOW
    )
    assert number == 61
    engine.dispose()


def test_every_foreign_key_and_every_column_a_period_counts_from_has_an_index(town: Town) -> None:
    eyes = inspect(town[0])
    datamap = mapreading.parse(files("troth.example").joinpath("datamap.yaml").read_bytes(), "datamap.yaml")
    starts = {table.name: set(table.starts.values()) for table in datamap.tables()}
    for table in eyes.get_table_names():
        first = {index["column_names"][0] for index in eyes.get_indexes(table)} | {
            eyes.get_pk_constraint(table)["constrained_columns"][0]
        }
        wanted = {key["constrained_columns"][0] for key in eyes.get_foreign_keys(table)} | starts[table]
        assert wanted - first == set(), table
