"""What stands inside the columns: passwords, cards, pictures, letters of two, devices, pages, places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shopworld import MARKER, World, named
from troth.collection.checks import cards, contents, passwords, technical, values
from troth.collection.checks.passwords import Strength
from troth.foundation.proof import Check

BODY = "c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (f"$argon2id$v=19$m=19456,t=2,p=1${BODY}", Strength.SLOW),
        (f"$argon2id$v=19$m=47104,t=1,p=1${BODY}", Strength.SLOW),
        (f"argon2$argon2id$v=19$m=102400,t=2,p=8${BODY}", Strength.SLOW),
        (f"{{ARGON2ID}}$argon2id$v=19$m=65536,t=3,p=1${BODY}", Strength.SLOW),
        (f"$argon2id$v=19$m=4096,t=3,p=1${BODY}", Strength.CHEAP),
        (f"$argon2i$v=19$m=65536,t=3,p=1${BODY}", Strength.CHEAP),
        ("$2b$12$" + "a" * 53, Strength.SLOW),
        ("bcrypt_sha256$$2b$12$" + "a" * 53, Strength.SLOW),
        ("$2y$08$" + "a" * 53, Strength.CHEAP),
        ("pbkdf2_sha256$600000$salt$" + "A" * 43, Strength.SLOW),
        ("pbkdf2:sha256:600000$salt$" + "a" * 64, Strength.SLOW),
        ("$pbkdf2-sha512$210000$c2FsdA$" + "A" * 86, Strength.SLOW),
        ("pbkdf2_sha256$36000$salt$" + "A" * 43, Strength.CHEAP),
        ("$scrypt$ln=17,r=8,p=1$c2FsdA$" + "A" * 43, Strength.SLOW),
        ("scrypt:32768:8:1$salt$" + "a" * 128, Strength.CHEAP),
        ("scrypt$salt$131072$8$1$" + "A" * 86, Strength.SLOW),
        ("$y$j9T$salt$" + "a" * 43, Strength.SLOW),
        ("!kept-out", Strength.NONE),
        ("", Strength.NONE),
        ("!", Strength.NONE),
        ("*LK*", Strength.NONE),
        ("!" + "aB3" * 13 + "x", Strength.NONE),
        ("!Hunter2!", Strength.OPEN),
        ("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", Strength.OPEN),
        ("!$2b$12$" + "a" * 53, Strength.SLOW),
        ("!$1$salt$qJH7.N4xYta3aEG/dfqo/0", Strength.OPEN),
        ("{bcrypt}$2a$10$" + "a" * 53, Strength.SLOW),
        (f"{{argon2@SpringSecurity_v5_8}}$argon2id$v=19$m=19456,t=2,p=1${BODY}", Strength.SLOW),
        ("{scrypt}$110801$" + "A" * 22 + "==$" + "A" * 43 + "=", Strength.SLOW),
        ("{scrypt}$e0801$" + "A" * 22 + "==$" + "A" * 43 + "=", Strength.CHEAP),
        ("$wp$2y$10$" + "a" * 53, Strength.SLOW),
        ("AQAAAAIAAYagAAAAE" + "A" * 67, Strength.CHEAP),
        ("AQAAAAIAAzRQAAAAE" + "A" * 67, Strength.SLOW),
        ("AQAAAA is my password", Strength.OPEN),
        ("$6$salt$" + "a" * 86, Strength.CHEAP),
        ("hunter2", Strength.OPEN),
        ("5f4dcc3b5aa765d61d8327deb882cf99", Strength.OPEN),
        ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", Strength.OPEN),
        ("$argon2id$ is what I would use", Strength.OPEN),
        ("$2b$12$too-short", Strength.OPEN),
        ("sha1$salt$" + "a" * 40, Strength.OPEN),
    ],
)
def test_a_stored_password_is_judged_by_its_form(stored: str, expected: Strength) -> None:
    assert passwords.strength(stored) is expected


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_judged(stored: str) -> None:
    assert passwords.strength(stored) in Strength


def test_accounts_without_a_password_are_no_fault(world: World) -> None:
    world.sql("update users set password_hash = '!' where id = 3")

    assert world.own("1.1a", contents.weak_password)[0] == "kept"


def test_no_password_at_all_proves_nothing(world: World) -> None:
    world.sql("update users set password_hash = ''")

    verdict, told = world.own("1.1a", contents.weak_password)

    assert verdict == "unproven"
    assert "no row holds a password yet" in told


# --- cards --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "card: 4242 4242 4242 4242.",
        "3782-822463-10005",
        '{"pan": "5555555555554444"}',
        "6011111111111117",
        "3530111333300000",
        "4242.4242.4242.4242",
        "4242\u00a04242\u00a04242\u00a04242",
        "paid with 4242/4242/4242/4242",
    ],
)
def test_card_numbers_are_recognised_however_they_are_written(text: str) -> None:
    assert cards.card_numbers([text]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "tok_4242424242424242x",
        "+4242424242424242",
        "0000000000000000",
        "1234567890123",
        "424242424242",
        "4915112345678",
        "4222222222222",
        "4242.4242/4242.4242",
    ],
)
def test_other_numbers_are_no_cards(text: str) -> None:
    assert cards.card_numbers([text]) == 0


def test_a_column_of_numbers_of_which_a_tenth_fits_by_chance_holds_no_cards() -> None:
    orders = [f"4{number:015d}" for number in range(730_000_000_000, 730_000_000_500)]
    by_chance = [number for number in orders if cards.luhn(number)]

    assert len(by_chance) == 50
    assert cards.card_numbers(orders) == 0
    assert cards.card_numbers(by_chance) == 50
    assert cards.card_numbers([*orders, *["4242 4242 4242 4242"] * 50]) == 100


def test_a_card_number_is_found_in_a_column_that_the_map_does_not_name(world: World) -> None:
    world.sql("alter table products add column note text")
    world.sql("update products set note = 'paid by 5555 5555 5555 4444' where id = 2")

    verdict, told = world.own("1.1c", contents.card_number)

    assert verdict == "broken"
    assert "products.note in shop: the number of a payment card stands in 1 value" in told
    assert "5555" not in told


def test_a_card_number_is_found_in_a_column_of_numbers_and_a_phone_number_is_none(world: World) -> None:
    world.sql("alter table reviews add column paid_by integer")
    world.sql("update reviews set paid_by = 4915112345678 where id = 1")
    assert world.own("1.1c", contents.card_number)[0] == "kept"

    world.sql("update reviews set paid_by = 4242424242424242 where id = 1")
    assert "reviews.paid_by in shop" in world.own("1.1c", contents.card_number)[1]


def test_a_kept_security_code_is_found_by_its_name(world: World) -> None:
    world.sql("alter table orders add column card_cvc text")
    assert world.own("1.1c", contents.card_number)[0] == "kept"

    world.sql("update orders set card_cvc = '123' where id = 1")

    assert (
        "orders.card_cvc in shop: the security code of a card stands in 1 row"
        in world.own("1.1c", contents.card_number)[1]
    )


@pytest.mark.parametrize("token", ["p4y", MARKER, "a token with blanks", "NDI0MjQyNDI0MjQyNDI0Mg=="])
def test_a_payment_token_that_says_something_is_no_token(world: World, token: str) -> None:
    world.sql("update orders set payment_token = ? where id = 1", token)

    verdict, told = world.own("1.1c", contents.card_number)

    assert verdict == "broken"
    assert "orders.payment_token in shop: 1 of" in told
    assert token not in told


def test_a_token_of_digits_alone_cannot_be_told_from_an_account_and_proves_nothing(world: World) -> None:
    world.sql("update orders set payment_token = '8415698462516992' where id = 1")

    verdict, told = world.own("1.1c", contents.card_number)

    assert verdict == "unproven"
    assert "orders.payment_token in shop: 1 of" in told
    assert "84156" not in told


@pytest.mark.parametrize("token", ["tok_9f/3+a7Qx==", "src_01h|9f3a7c"])
def test_a_token_in_base64_is_a_token(world: World, token: str) -> None:
    world.sql("update orders set payment_token = ? where id = 1", token)
    assert world.own("1.1c", contents.card_number)[0] == "kept"


# --- other contents -----------------------------------------------------------------------------------------------


def test_shared_words_without_a_rule_for_copies_are_unproven(world: World) -> None:
    world.rewrite("datamap.yaml", "body: {data: communication.message, others: redact}", "body: communication.message")

    verdict, told = world.own("1.1d", contents.no_rule_for_other)

    assert verdict == "unproven"
    assert "messages in shop" in told


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("os", "Linux x86_64; rv:140.0 Gecko/20100101"),
        ("browser", "Mozilla/5.0"),
        ("browser", "Firefox/140.0.1.2"),
        ("device_type", "9f86d081884c7d659a2feaa0c55ad015"),
        ("device_type", "a" * 41),
    ],
)
def test_more_than_a_kind_of_device_breaks_the_sentence(world: World, column: str, value: str) -> None:
    world.sql(f"update visits set {column} = ? where id = 1", value)

    verdict, told = world.own("1.2a", technical.raw_device)

    assert verdict == "broken"
    assert f"visits.{column} in shop: 1 of" in told


@pytest.mark.parametrize(
    "page",
    [
        "/reset?token=9f86d081",
        "/u/someone@example.org",
        "/u/someone%40example.org",
        "/login?next=/&password=hunter2",
        "/x?access_token=abc",
        "/x#id=1&session_id=4",
        "/x/eyJhbGciOiJIUzI1NiJ9.e30.x",
        "/find?q=someone%2540example.org",
        "/find?q=%2B4366412345678",
        "/callback?code=SplxlOBeZQQYbYS6WxSbIA",
        "/password-reset/9f86d081884c7d659a2f",
        "/accounts/confirm/email/9f86d081884c7d659a2f/",
    ],
)
def test_a_logged_page_with_a_person_or_a_key_in_it_breaks_the_sentence(world: World, page: str) -> None:
    world.sql("update access_log set page = ? where id = 1", page)

    assert world.own("1.2b", technical.log_holds_more)[0] == "broken"


@pytest.mark.parametrize(
    "page",
    [
        "/search?q=sencha",
        "/@someone",
        "/tokens",
        "/goods/tea?sort=name&page=2",
        "/static/logo@2x.png",
        "/npm/vue@3.4.21.min.js?v=2",
        "/goods?code=SUMMER24&lang=en",
        "/help/password-reset/how-to-choose-a-good-one",
        "/search?q=tea+20201231",
    ],
)
def test_an_ordinary_logged_page_is_kept(world: World, page: str) -> None:
    world.sql("update access_log set page = ? where id = 1", page)

    assert world.own("1.2b", technical.log_holds_more)[0] == "kept"


def test_a_log_with_a_column_that_another_sentence_declares_breaks_the_one_on_logs(world: World) -> None:
    world.sql("alter table access_log add column browser text")
    world.rewrite(
        "datamap.yaml", "          ip: device.ip\n", "          ip: device.ip\n          browser: device.browser\n"
    )

    verdict, told = world.own("1.2b", technical.log_holds_more)

    assert verdict == "broken"
    assert "access_log.browser in shop: holds device.browser, which 1.2b does not name" in told


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("DE-BE", "kept"),
        ("52.5,13.4", "kept"),
        ("52.5, 134.2", "kept"),
        ("52.52,13.41", "broken"),
        ("52,5163", "broken"),
        ("52.50, 13.40", "kept"),
        ("52.500000", "kept"),
        ("52.50001", "broken"),
        ("48°12'30\"N 16°22'E", "broken"),
        ("48208200,16373800", "broken"),
        ("8FWR6962+5X", "broken"),
        ("8FWR0000+", "kept"),
    ],
)
def test_a_place_is_approximate_up_to_one_decimal(world: World, region: str, expected: str) -> None:
    world.sql("update visits set region = ? where id = (select min(id) from visits where region is not null)", region)

    assert world.own("1.2c", technical.location_too_exact)[0] == expected


def test_marks_of_single_devices_are_told_by_their_number(world: World) -> None:
    columns = "user_id, at, device_type, os, browser, region"
    for _ in range(4):
        world.sql(f"insert into visits ({columns}) select {columns} from visits limit 100")
    assert world.own("1.2a", technical.raw_device)[0] == "kept"

    world.sql("update visits set device_type = 'd-' || id")
    assert "they tell one device from another" in world.own("1.2a", technical.raw_device)[1]


def test_events_without_a_declared_gate_prove_nothing(world: World) -> None:
    world.rewrite("policy.yaml", "gate: analytics", "gate: fraud")

    assert world.own("1.2d", technical.event_without_choice)[0] == "unproven"


def test_events_whose_table_is_not_named_prove_nothing(world: World) -> None:
    world.rewrite("datamap.yaml", "uses: {purpose: analytics, at: at}", "uses: {purpose: research, at: at}")

    assert world.own("1.2d", technical.event_without_choice)[0] == "unproven"


def test_large_tables_are_sampled_and_the_evidence_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MOST_ROWS", 50)

    told = [world.own(number, *(named(check),)) for number, check in SAMPLED]

    assert [verdict for verdict, _ in told] == ["kept"] * len(SAMPLED)
    assert all("sample" in words for _, words in told)


SAMPLED = (
    ("1.1a", "collection.weak-password"),
    ("1.1c", "collection.card-number"),
    ("1.2a", "collection.raw-device"),
    ("1.2b", "collection.log-holds-more"),
)


# --- on another database ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "number", "check"),
    [
        ("update users set password_hash = 'hunter2' where id = 3", "1.1a", contents.weak_password),
        ("update messages set body = 'it is 4242 4242 4242 4242' where id = 5", "1.1c", contents.card_number),
        ("update visits set os = 'Mozilla/5.0 (X11)' where id = 4", "1.2a", technical.raw_device),
        ("update access_log set page = '/reset?token=4711' where id = 9", "1.2b", technical.log_holds_more),
        ("update visits set region = '52.5163' where id = 4", "1.2c", technical.location_too_exact),
        (
            "insert into click_events (id, user_id, at, kind, target) values (99999, 999, now(), 'open', 'tea')",
            "1.2d",
            technical.event_without_choice,
        ),
    ],
)
def test_the_same_is_seen_on_postgresql(served: World, statement: str, number: str, check: Check) -> None:
    assert served.own(number, check)[0] == "kept"

    if "999" in statement:
        at = f"timestamptz '{served.now.isoformat()}'"  # the server's own clock goes on from the day of the tests
        statement = statement.replace("999, now()", f"(select min(id) from users), {at}")
        with served.troth() as troth:
            troth.withdraw_consents([("id=1", "analytics", served.now.replace(month=9))])
    served.sql_served(statement)

    assert served.own(number, check)[0] == "broken"


def test_the_company_on_mariadb_keeps_the_same_sentences(served_by_mariadb: World) -> None:
    after = served_by_mariadb.verdicts()

    kept = ("1.1a", "1.1b", "1.1c", "1.1d", "1.2a", "1.2b", "1.2c", "1.2d", "3.2a")
    assert {number: after[number] for number in kept} == dict.fromkeys(kept, "kept")


def test_a_card_number_and_a_plain_password_are_found_on_mariadb(served_by_mariadb: World) -> None:
    served_by_mariadb.sql_served("update messages set body = 'it is 4242-4242-4242-4242' where id = 5")
    served_by_mariadb.sql_served("update users set password_hash = 'hunter2' where id = 3")

    assert served_by_mariadb.own("1.1c", contents.card_number)[0] == "broken"
    assert served_by_mariadb.own("1.1a", contents.weak_password)[0] == "broken"
