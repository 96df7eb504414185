"""What people do in the shop, over HTTP, with the forms they are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.example.running import Running, running
from tests.example.standin import StandIn
from troth.example.shop import newsletter
from troth.example.shop.promises import person

PASSWORD = "four small cups and rain"


def joined(shop: Running, *, newsletter: bool = False):
    visitor = shop.visitor()
    visitor.get("/sign-up")
    fields = {
        "username": "new_leaf",
        "email": "New.Leaf@Example.com",
        "phone": "+44 (7700) 900-999",
        "password": PASSWORD,
    }
    visitor.send("/sign-up", **fields, **({"newsletter": "yes"} if newsletter else {}))
    return visitor


def test_somebody_opens_an_account_and_troth_knows_them(any_shop: Running) -> None:
    visitor = joined(any_shop)

    assert "Welcome" in visitor.page.text
    (row,) = any_shop.rows("users", username="new_leaf")
    assert (row.email, row.phone) == ("new.leaf@example.com", "+447700900999")
    assert row.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert any_shop.promises.may(person(row.id), "service.provide", "contact.email")


def test_the_newsletter_box_is_empty_and_only_a_tick_is_a_consent(any_shop: Running) -> None:
    visitor = any_shop.visitor()
    visitor.get("/sign-up")
    assert "newsletter" not in visitor.page.form("/sign-up").fields

    joined(any_shop)

    (row,) = any_shop.rows("users", username="new_leaf")
    assert not any_shop.promises.may(person(row.id), "marketing", "contact.email")


def test_a_ticked_box_is_a_consent(any_shop: Running) -> None:
    joined(any_shop, newsletter=True)

    (row,) = any_shop.rows("users", username="new_leaf")
    assert any_shop.promises.may(person(row.id), "marketing", "contact.email")


def test_a_name_or_address_in_use_is_refused_with_one_answer_for_both(shop: Running) -> None:
    taken = shop.rows("users")[0]
    answers = []
    for username, email in ((taken.username, "free@example.org"), ("free_name", taken.email)):
        visitor = shop.visitor()
        visitor.get("/sign-up")
        visitor.send("/sign-up", username=username, email=email, phone="", password=PASSWORD)
        assert visitor.answer.status_code == 422
        answers.append([words for words in visitor.page.words if "in use" in words])
    assert answers[0] == answers[1] != []
    assert shop.count("users") == 24


def test_what_was_typed_is_shown_again_beside_each_fault_but_never_the_password(shop: Running) -> None:
    visitor = shop.visitor()
    visitor.get("/sign-up")
    visitor.send("/sign-up", username="UPPER CASE!", email="no address", phone="12", password="short")

    assert visitor.answer.status_code == 422
    form = visitor.page.form("/sign-up").fields
    assert (form["username"], form["email"], form["phone"], form["password"]) == ("UPPER CASE!", "no address", "12", "")
    invalid = [found["name"] for tag, found in visitor.page.tags if found.get("aria-invalid") == "true"]
    assert invalid == ["username", "email", "phone", "password"]


def test_an_order_from_the_shelf_to_the_invoice(any_shop: Running) -> None:
    number = any_shop.someone()
    visitor = any_shop.visitor()
    visitor.get("/goods/round-hill-teapot")
    visitor.send("/goods/round-hill-teapot/basket", quantity="2")
    assert "€98.00" in visitor.page.text
    visitor.get("/checkout")
    assert visitor.answer.url.path == "/log-in"
    user = any_shop.rows("users", id=number)[0]
    visitor.send("/log-in", login=user.email, password=passphrase(number))
    assert visitor.answer.url.path == "/checkout"
    before = any_shop.count("orders")

    visitor.send(
        "/checkout", billing_name="Wren Samplewood", street="1 Kettle Row", town="ZZ1 1XX Cuppington", country="Nowhere"
    )
    assert any_shop.count("orders") == before  # not paid, not stored
    visitor.send(visitor.answer.url.path, card="blue")

    (order,) = any_shop.rows("orders", id=before + 1)
    assert visitor.answer.url.path == f"/orders/{order.id}"
    assert (order.user_id, order.total_cents, order.payment_last4, order.status) == (number, 9800, "1881", "paid")
    assert order.billing_address == "1 Kettle Row\nZZ1 1XX Cuppington\nNowhere"
    assert order.payment_token.startswith("tok_")
    assert [(row.product_id, row.quantity) for row in any_shop.rows("order_items", order_id=order.id)] == [(16, 2)]
    assert any_shop.count("basket_items") == 0
    assert [row.kind for row in any_shop.rows("mail_log", order_id=order.id)] == ["transactional"]
    assert [letter["To"] for letter in any_shop.letters] == [user.email]
    assert any_shop.count("fraud_checks", order_id=order.id) == 1


def test_on_postgresql_the_whole_way_is_the_same(tmp_path: Path, postgresql_database: str) -> None:
    with running(tmp_path, StandIn(), url=postgresql_database) as shop:
        one = shop.someone()
        other = shop.someone(not_in=(one,))
        visitor = joined(shop)
        assert "Welcome" in visitor.page.text
        for path in ("/", "/goods", "/goods/kind/oolong", "/goods/jasmine-lantern", "/search?q=%25", "/orders"):
            assert visitor.get(path).status_code == 200
        visitor.get("/account")
        visitor.send("/log-out")
        visitor = shop.customer(one)
        visitor.get("/goods/meadow-mint")
        visitor.send("/goods/meadow-mint/basket", quantity="2")
        visitor.send("/basket", which={"quantity": "2"}, quantity="3")
        visitor.get("/checkout")
        visitor.send("/checkout", street="1 Kettle Row", town="Cuppington", country="Nowhere")
        visitor.send(visitor.answer.url.path, card="green")
        assert "Order" in visitor.page.text
        visitor.get(f"/letters/{other}")
        visitor.send(f"/letters/{other}", body="Hello")
        visitor.get("/help")
        visitor.send("/help", subject="A", body="B")
        visitor.send(visitor.answer.url.path, body="C")
        visitor.get("/account")
        visitor.send("/account/profile", name="Ångström 茶", bio="Slow.")
        assert "Ångström 茶" in visitor.page.text
        send_to_all(shop)
        assert shop.rows("orders")[-1].placed_at.tzinfo is not None


def send_to_all(shop: Running) -> int:
    return newsletter.send(
        shop.engine,
        shop.promises,
        shop.app.state.shop.post,
        campaign="all",
        subject="New",
        body="Tea.",
        now=datetime.now(UTC),
    )


def test_a_declined_card_leaves_no_order_and_the_basket_as_it_was(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    before = shop.count("orders")
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket")
    visitor.get("/checkout")
    visitor.send("/checkout", street="1 Kettle Row", town="Cuppington", country="Nowhere")

    visitor.send(visitor.answer.url.path, card="empty")

    assert "declined" in visitor.page.text
    assert (shop.count("orders"), shop.count("basket_items")) == (before, 1)


def test_a_paid_order_is_written_once_however_often_its_page_is_loaded(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    before = shop.count("orders")
    visitor.get("/goods/meadow-mint")
    visitor.send("/goods/meadow-mint/basket")
    visitor.get("/checkout")
    visitor.send("/checkout", street="1 Kettle Row", town="Cuppington", country="Nowhere")
    payment = visitor.answer.url.path

    visitor.send(payment, card="green")
    for _ in range(3):
        visitor.get(payment.replace("/pay/", "/checkout/"))

    assert shop.count("orders") == before + 1


def test_letters_go_to_and_fro(any_shop: Running) -> None:
    one = any_shop.someone()
    other = any_shop.someone(not_in=(one,))
    writer, reader = any_shop.customer(one), any_shop.customer(other)
    writer.get(f"/letters/{other}")
    writer.send(f"/letters/{other}", body="Two lines\nof tea")

    reader.get("/letters")
    assert "Two lines of tea" in reader.page.text
    reader.get(f"/letters/{one}")
    reader.send(f"/letters/{one}", body="Thank you")

    last = any_shop.rows("messages")[-2:]
    assert [(row.sender_id, row.recipient_id, row.body) for row in last] == [
        (one, other, "Two lines\nof tea"),
        (other, one, "Thank you"),
    ]


def test_a_question_is_asked_and_added_to(shop: Running) -> None:
    visitor = shop.customer(shop.someone())
    visitor.get("/help")
    visitor.send("/help", subject="The lid", body="It does not fit.")
    visitor.send(visitor.answer.url.path, body="It does now.")

    ticket = shop.rows("support_tickets")[-1]
    assert (ticket.subject, ticket.status) == ("The lid", "open")
    assert [(row.author, row.body) for row in shop.rows("support_messages", ticket_id=ticket.id)] == [
        ("customer", "It does not fit."),
        ("customer", "It does now."),
    ]


def test_what_was_bought_can_be_reviewed_once(shop: Running) -> None:
    visitor, number = shop.visitor(), shop.someone()
    visitor = shop.customer(number)
    slugs = {row.id: row.slug for row in shop.rows("products")}
    mine = [row.id for row in shop.rows("orders", user_id=number)]
    reviewed = {row.product_id for row in shop.rows("reviews", user_id=number)}
    product = next(
        row.product_id for row in shop.rows("order_items") if row.order_id in mine and row.product_id not in reviewed
    )
    visitor.get(f"/goods/{slugs[product]}")
    visitor.send(f"/goods/{slugs[product]}/review", rating="5", body="Soft as rain.")

    assert "Soft as rain." in visitor.page.text
    assert all(form.action != f"/goods/{slugs[product]}/review" for form in visitor.page.forms)


def test_the_profile_is_changed_and_shown_to_others(shop: Running) -> None:
    one = shop.someone()
    visitor = shop.customer(one)
    visitor.send("/account/profile", name="Ångström 茶", avatar="moon", bio="Slow.")
    other = shop.customer(shop.someone(not_in=(one,)))

    other.get(f"/members/{one}")

    assert "Ångström 茶" in other.page.text
    assert "/shop/people/moon.svg" in other.page.loads


def test_the_newsletter_is_one_click_on_and_one_click_off_and_obeyed_at_once(any_shop: Running) -> None:
    number = any_shop.someone()
    visitor = any_shop.customer(number)
    shop = any_shop.app.state.shop

    def send(campaign: str) -> bool:
        newsletter.send(
            any_shop.engine,
            any_shop.promises,
            shop.post,
            campaign=campaign,
            subject="New",
            body="Tea.",
            now=shop.clock(),
        )
        return any_shop.count("newsletter_sends", user_id=number, campaign=campaign) == 1

    if newsletter.subscribed(any_shop.promises, number):
        visitor.send("/account/choice", which={"what": "newsletter"}, how="off")
    visitor.send("/account/choice", which={"what": "newsletter"}, how="on")
    assert send("first")

    visitor.send("/account/choice", which={"what": "newsletter"}, how="off")
    assert not send("second")


def test_a_new_password_ends_the_sessions_on_other_devices(shop: Running) -> None:
    number = shop.someone()
    here, there = shop.customer(number), shop.customer(number)
    here.get("/account")
    here.send("/account/password", current=passphrase(number), password=PASSWORD)

    assert "new password" in here.page.text
    assert there.get("/account").url.path == "/log-in"
    assert shop.visitor().log_in(shop.rows("users", id=number)[0].username, PASSWORD).url.path == "/account"


def test_a_closed_account_is_gone_from_the_shop_and_its_consents_are_withdrawn(any_shop: Running) -> None:
    number = any_shop.someone()
    visitor = any_shop.customer(number)
    if not any_shop.promises.may(person(number), "marketing", "contact.email"):
        visitor.send("/account/choice", which={"what": "newsletter"}, how="on")

    visitor.send("/account/close", closing=passphrase(number))

    assert "closed" in visitor.page.text
    assert not any_shop.promises.may(person(number), "marketing", "contact.email")
    (user,) = any_shop.rows("users", id=number)
    assert user.closed_at is not None
    assert any_shop.rows("profiles", user_id=number)[0].closed_at == user.closed_at
    assert any_shop.count("sessions", user_id=number) == 0
    assert any_shop.visitor().log_in(user.username, passphrase(number)).status_code == 401
    other = any_shop.customer(any_shop.someone(not_in=(number,)))
    assert other.get(f"/members/{number}").status_code == 404


def test_a_customer_who_is_logged_in_is_led_into_the_privacy_centre_without_a_mail(any_shop: Running) -> None:
    visitor = any_shop.customer(any_shop.someone())

    visitor.get("/account")
    answer = visitor.send("/account/centre")

    # the shop alone serves no centre; behind the demonstration's one site, this is where it stands
    assert answer.url.path.startswith("/privacy/centre/enter/")


def test_search_finds_all_words_and_takes_signs_as_signs(shop: Running) -> None:
    visitor = shop.visitor()
    assert "Swan Neck Kettle" in visitor.get("/search?q=steel+KETTLE").text
    assert "Nothing for" in visitor.get("/search?q=%25").text
    assert "Nothing for" in visitor.get("/search?q='+OR+1=1--").text


def passphrase(number: int) -> str:
    from troth.example.shop.seed import PASSPHRASES

    return PASSPHRASES[number % len(PASSPHRASES)]
