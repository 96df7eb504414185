"""Basket, checkout, payment and orders."""

from __future__ import annotations

from starlette.responses import Response

from troth.example.shop import baskets
from troth.example.shop import orders as order_book
from troth.example.shop.checkout import Pending
from troth.example.shop.payment import CARDS
from troth.example.shop.promises import PAYMENT_PROCESSOR, TRANSACTIONS
from troth.example.shop.shell import Ask, Stop


def basket(ask: Ask) -> Response:
    """What is in the basket."""
    with ask.shop.engine.begin() as tx:
        return ask.page("basket.html", lines=baskets.lines(tx, ask.session), most=baskets.MOST_OF_ONE)


def change_basket(ask: Ask) -> Response:
    """Set the quantity of one line; none takes it out."""
    product, quantity = ask.number("product", of=ask.form), ask.number("quantity", of=ask.form)
    if ask.session is not None:
        with ask.shop.engine.begin() as tx:
            baskets.set_quantity(tx, ask.session, product, quantity)
    return ask.go("/basket?done=basket")


def checkout(ask: Ask) -> Response:
    """The billing address; then on to the payment. Nothing is stored before it is paid."""
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        lines = baskets.lines(tx, ask.session)
    if not lines:
        return ask.go("/basket")
    if ask.request.method == "GET":
        return ask.page("checkout.html", lines=lines, faults={}, typed={"billing_name": customer.name})
    limits = {"billing_name": 120, "street": 160, "town": 120, "country": 80}
    typed = {name: ask.form.get(name, "") for name in limits}
    faults = {
        name: "Please fill this in." if not typed[name] else f"Up to {most} letters in one line, please."
        for name, most in limits.items()
        if not typed[name] or len(typed[name]) > most or "\n" in typed[name]
    }
    if faults:
        return ask.page("checkout.html", status=422, lines=lines, faults=faults, typed=typed)
    ask.must_be_permitted(TRANSACTIONS, "transaction.purchase")
    ask.must_be_permitted(TRANSACTIONS, "transaction.billing_address")
    ask.must_be_permitted(TRANSACTIONS, "payment.token", PAYMENT_PROCESSOR)
    address = "\n".join(typed[name] for name in ("street", "town", "country"))
    pending = Pending(customer.number, typed["billing_name"], address, lines, ask.now)
    reference = ask.shop.payments.open(pending.total_cents, ask.now)
    ask.shop.checkouts.put(reference, pending)
    return ask.go(f"/pay/{reference}")


def pay(ask: Ask) -> Response:
    """The stand-in for the processor's own page: it knows an amount and a reference, and asks for a card."""
    reference = ask.request.path_params["reference"]
    if ask.request.method == "POST":
        if ask.shop.payments.choose(reference, ask.form.get("card", ""), ask.now) is None:
            raise Stop(
                400, "Choose one of the cards.", "Or the payment took longer than 30 minutes: go back to your basket."
            )
        return ask.go(f"/checkout/{reference}")
    payment = ask.shop.payments.find(reference, ask.now)
    if payment is None:
        raise Stop(404, "This payment is over.", "Nothing was charged. Your basket is as you left it.")
    return ask.page("pay.html", payment=payment, reference=reference, cards=CARDS)


def collect(ask: Ask) -> Response:
    """Back from the processor: with a token the order is written, once; without one nothing is."""
    customer = ask.must_be_customer()
    reference = ask.request.path_params["reference"]
    payment = ask.shop.payments.find(reference, ask.now)
    if payment is None or ask.shop.checkouts.find(reference, customer.number) is None:
        return ask.go("/orders")
    if payment.token is None:
        return ask.go("/checkout?done=declined" if payment.declined else f"/pay/{reference}")
    pending = ask.shop.checkouts.take(reference, customer.number)
    if pending is None:
        return ask.go("/orders")
    try:
        order_id = order_book.place(ask.shop.engine, pending, payment, ask.now)
    except BaseException:
        ask.shop.checkouts.put(
            reference, pending
        )  # paid and not written: loading the page again must be able to write it
        raise
    assert ask.session is not None  # INVARIANT: must_be_customer found one
    with ask.shop.engine.begin() as tx:
        baskets.empty(tx, ask.session)
    shop = ask.shop
    order_book.follow_up(shop.engine, shop.promises, shop.post, order_id, number=customer.number, now=ask.now)
    return ask.go(f"/orders/{order_id}")


def orders(ask: Ask) -> Response:
    """All orders of the customer."""
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        return ask.page("orders.html", orders=order_book.orders_of(tx, customer.number))


def order(ask: Ask) -> Response:
    """One order, which is also its invoice."""
    customer = ask.must_be_customer()
    with ask.shop.engine.begin() as tx:
        found = order_book.order_of(tx, customer.number, ask.number("number"))
    if found is None:
        raise Stop(404, "You have no such order.", "All your orders stand in your account.")
    return ask.page("order.html", order=found[0], lines=found[1])
