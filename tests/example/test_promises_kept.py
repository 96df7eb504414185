"""The shop asks troth first, and does what it says: refusals, objections, restrictions, an unreachable troth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.example.running import Running
from tests.example.standin import StandIn
from troth.example.shop import fraud, newsletter, tables
from troth.example.shop.post import Post
from troth.example.shop.promises import person


def counted(shop: Running, number: int) -> int:
    return shop.count("click_events", user_id=number) + shop.count("searches", user_id=number)


def browse(visitor) -> None:
    visitor.get("/goods/jasmine-lantern")
    visitor.get("/search?q=mint")
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket")


def test_only_who_agreed_is_counted_and_a_withdrawal_holds_at_once(any_shop: Running) -> None:
    number = any_shop.someone()
    visitor = any_shop.customer(number)
    if any_shop.promises.may(person(number), "analytics", "usage.click"):
        visitor.send("/account/choice", which={"what": "counting"}, how="off")
    before = counted(any_shop, number)
    browse(visitor)
    assert counted(any_shop, number) == before

    visitor.get("/account")
    visitor.send("/account/choice", which={"what": "counting"}, how="on")
    browse(visitor)
    assert counted(any_shop, number) == before + 4

    visitor.get("/account")
    visitor.send("/account/choice", which={"what": "counting"}, how="off")
    browse(visitor)
    assert counted(any_shop, number) == before + 4


def test_a_browser_that_asks_not_to_share_is_heard_for_who_is_logged_in_and_the_page_says_so(shop: Running) -> None:
    assert isinstance(shop.promises, StandIn)
    number = shop.someone()
    visitor = shop.customer(number)
    for value in ("0", "true", "1, 1"):
        assert "Opt-out request honoured" not in visitor.get("/goods", Sec_GPC=value).text
    assert shop.promises.signals == set()
    assert "Opt-out request honoured" in shop.visitor().get("/goods", Sec_GPC="1").text
    assert shop.promises.signals == set()

    assert "Opt-out request honoured" in visitor.get("/goods", Sec_GPC="1").text
    assert shop.promises.signals == {person(number)}
    shop.promises.down = True
    assert visitor.get("/goods", Sec_GPC="1").status_code == 200


def test_visitors_who_are_not_logged_in_are_never_counted_and_logged_by_network_alone(shop: Running) -> None:
    before = {table: shop.count(table) for table in ("click_events", "searches", "visits")}
    browse(shop.visitor())

    assert {table: shop.count(table) for table in before} == before
    logged = shop.rows("access_log")[-1]
    assert (logged.user_id, logged.ip) == (None, "127.0.0.0")


def test_the_log_has_neither_queries_nor_numbers_of_other_people(shop: Running) -> None:
    one = shop.someone()
    other = shop.someone(not_in=(one,))
    visitor = shop.customer(one)
    visitor.get("/search?q=my+secret+wish")
    visitor.get(f"/members/{other}")
    visitor.get(f"/letters/{other}")

    pages = [row.page for row in shop.rows("access_log")[-3:]]
    assert pages == ["/search", "/members/{number}", "/letters/{number}"]


def test_who_objects_to_security_logs_is_logged_like_a_stranger(shop: Running) -> None:
    number = shop.someone()
    visitor = shop.customer(number)
    visitor.get("/orders")
    assert (shop.rows("access_log")[-1].user_id, shop.rows("access_log")[-1].ip) == (number, "127.0.0.1")

    shop.promises.refuse.add((person(number), "security"))
    visitor.get("/orders")

    assert (shop.rows("access_log")[-1].user_id, shop.rows("access_log")[-1].ip) == (None, "127.0.0.0")


def test_a_visit_notes_three_coarse_words_and_a_region_only_by_consent(shop: Running) -> None:
    consents = {who for who, purpose, _ in shop.seeded.given if purpose == "analytics"}
    number = shop.someone()
    shop.customer(number)

    visit = shop.rows("visits", user_id=number)[-1]
    assert (visit.device_type, visit.os, visit.browser, visit.region) == ("phone", "Android", "Chrome", None)
    assert consents  # the loopback lies nowhere: a region is found for documentation networks only


@pytest.mark.parametrize(
    ("path", "action", "fields"),
    [
        ("/account", "/account/profile", {"name": "Another", "bio": ""}),
        ("/help", "/help", {"subject": "A", "body": "B"}),
    ],
)
def test_a_restricted_person_sees_why_nothing_is_done(
    any_shop: Running, path: str, action: str, fields: dict[str, str]
) -> None:
    number = any_shop.someone()
    visitor = any_shop.customer(number)
    restrict(any_shop, number)
    before = (any_shop.rows("profiles", user_id=number), any_shop.count("support_tickets"))
    visitor.get(path)

    visitor.send(action, **fields)

    assert visitor.answer.status_code == 403
    assert "only kept and not used" in visitor.page.text
    assert "/privacy/centre" in visitor.page.links
    assert (any_shop.rows("profiles", user_id=number), any_shop.count("support_tickets")) == before


def test_a_restricted_person_neither_orders_nor_gets_letters_nor_is_shown(any_shop: Running) -> None:
    number = any_shop.someone()
    other = any_shop.someone(not_in=(number,))
    visitor, writer = any_shop.customer(number), any_shop.customer(other)
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket")
    visitor.get("/checkout")
    writer.get(f"/letters/{number}")
    before = (any_shop.count("orders"), any_shop.count("messages"), any_shop.count("newsletter_sends", user_id=number))
    restrict(any_shop, number)

    visitor.send("/checkout", street="1 Kettle Row", town="Cuppington", country="Nowhere")
    assert visitor.answer.status_code == 403
    assert writer.send(f"/letters/{number}", body="Hello").status_code == 404
    assert writer.get(f"/members/{number}").status_code == 404
    send_newsletter(any_shop, "restricted")
    assert (
        any_shop.count("orders"),
        any_shop.count("messages"),
        any_shop.count("newsletter_sends", user_id=number),
    ) == before


def restrict(shop: Running, number: int) -> None:
    if isinstance(shop.promises, StandIn):
        shop.promises.refuse.add(person(number))
    else:
        shop.promises.restrict(person(number), ground="request")


def send_newsletter(shop: Running, campaign: str) -> int:
    return newsletter.send(
        shop.engine,
        shop.promises,
        Post(shop.letters.append),
        campaign=campaign,
        subject="New teas",
        body="Come and see.",
        now=datetime.now(UTC),
    )


def test_the_newsletter_reaches_exactly_those_troth_permits_once_with_the_way_out(any_shop: Running) -> None:
    with any_shop.engine.begin() as tx:
        tx.execute(update(tables.users).values(closed_at=None))
    wanted = {who for who, purpose, _ in any_shop.seeded.given if purpose == "marketing"}
    wanted -= {who for who, purpose, _ in any_shop.seeded.withdrawn if purpose == "marketing"}

    assert send_newsletter(any_shop, "first") == len(wanted) > 0
    assert send_newsletter(any_shop, "first") == 0

    assert {person(row.user_id) for row in any_shop.rows("newsletter_sends", campaign="first")} == wanted
    for letter in any_shop.letters:
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "/privacy/centre/mail/" in letter["List-Unsubscribe"]
        assert letter["List-Unsubscribe"].strip("<>") in letter.get_content()


def test_the_way_out_of_a_newsletter_needs_one_post_and_no_log_in(any_shop: Running) -> None:
    send_newsletter(any_shop, "first")
    row = any_shop.rows("newsletter_sends", campaign="first")[0]
    path = f"/newsletter/stop/{row.stop_key}"
    visitor = any_shop.visitor()

    assert visitor.client.get(path).status_code == 200
    assert any_shop.promises.may(person(row.user_id), "marketing", "contact.email")  # looking at it is no withdrawal
    assert visitor.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not any_shop.promises.may(person(row.user_id), "marketing", "contact.email")
    assert visitor.client.post("/newsletter/stop/guessed").status_code == 404


class ChangesTheirMind(StandIn):
    """Everybody withdraws while the letters go out: permitted when the audience is asked for, refused afterwards."""

    def permitted(self, purpose, data, persons):
        found = super().permitted(purpose, data, persons)
        for who in found:
            self.withdraw_consent(who, "marketing")
        return found


def test_who_withdraws_while_the_letters_go_out_gets_none(shop: Running) -> None:
    fickle = ChangesTheirMind(shop.promises.people, shop.promises.consents)

    sent = newsletter.send(
        shop.engine,
        fickle,
        Post(shop.letters.append),
        campaign="late",
        subject="New",
        body="Tea.",
        now=datetime.now(UTC),
    )

    assert (sent, shop.letters, shop.count("newsletter_sends", campaign="late")) == (0, [], 0)


def test_orders_are_looked_at_for_fraud_unless_their_buyer_objected(shop: Running) -> None:
    one = shop.someone()
    other = shop.someone(not_in=(one,))
    shop.promises.refuse.add((person(other), "fraud"))
    now = datetime.now(UTC)
    with shop.engine.begin() as tx:
        first = shop.rows("orders")[-1].id + 1
        for place, number in enumerate((one, one, one, other)):
            tx.execute(
                tables.orders.insert().values(
                    user_id=number,
                    placed_at=now - timedelta(minutes=50 - 10 * place),
                    status="paid",
                    total_cents=1000,
                    billing_name="X",
                    billing_address="Y",
                    payment_token="tok_x",
                    payment_last4="4242",
                )
            )

    fraud.check_recent(shop.engine, shop.promises, now)
    fraud.check_recent(shop.engine, shop.promises, now)

    outcomes = [(row.order_id - first, row.outcome) for row in shop.rows("fraud_checks") if row.order_id >= first]
    assert outcomes == [(0, "clear"), (1, "clear"), (2, "looked-at")]


@pytest.mark.parametrize(
    ("total", "near", "outcome"), [(50_000, 2, "clear"), (50_001, 1, "looked-at"), (1, 3, "looked-at")]
)
def test_fraud_is_judged_by_two_plain_rules(total: int, near: int, outcome: str) -> None:
    assert fraud.judge(total, near)[0] == outcome


def test_without_troth_the_shelf_can_be_seen_and_nothing_of_a_person_is_used(shop: Running) -> None:
    number = shop.someone()
    visitor = shop.customer(number)
    shop.promises.down = True
    before = {table: shop.count(table) for table in ("click_events", "searches", "messages", "support_tickets")}

    assert visitor.get("/goods/jasmine-lantern").status_code == 200
    visitor.get("/help")
    assert visitor.send("/help", subject="A", body="B").status_code == 403
    assert {table: shop.count(table) for table in before} == before
    assert shop.rows("access_log")[-1].user_id is None


def test_an_account_opened_while_troth_was_away_becomes_known_at_the_next_log_in(shop: Running) -> None:
    visitor = shop.visitor()
    visitor.get("/sign-up")
    shop.promises.down = True
    visitor.send(
        "/sign-up", username="late_leaf", email="late.leaf@example.org", phone="", password="rain on the garden"
    )
    assert visitor.answer.status_code == 500
    (row,) = shop.rows("users", username="late_leaf")
    shop.promises.down = False

    assert visitor.log_in("late_leaf", "rain on the garden").url.path == "/account"

    assert shop.promises.may(person(row.id), "service.provide", "profile.name")
