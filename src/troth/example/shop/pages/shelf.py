"""The shelf and one ware: looking, putting into the basket, reviewing."""

from __future__ import annotations

from starlette.responses import Response

from troth.example.shop import baskets, footprints, goods, sessions
from troth.example.shop.database import Found
from troth.example.shop.promises import SERVICE
from troth.example.shop.shell import Ask, Stop
from troth.example.shop.wares import KINDS


def shelf(ask: Ask) -> Response:
    """All wares, or those of one kind."""
    kind = ask.request.path_params.get("kind")
    if kind is not None and kind not in KINDS:
        raise Stop(404, "There is no such shelf.", "All wares stand under Tea and teaware.")
    with ask.shop.engine.begin() as tx:
        return ask.page("shelf.html", wares=goods.all_wares(tx, kind=kind), kind=kind)


def ware(ask: Ask) -> Response:
    """One ware, with its reviews."""
    found = _ware(ask)
    footprints.log_click(
        ask.shop.engine, ask.shop.promises, ask.now, ask.customer, kind="open-product", target=found.slug
    )
    return _page(ask, found, {})


def put_into_basket(ask: Ask) -> Response:
    """Put a ware into the basket; this begins a session where there is none."""
    found = _ware(ask)
    quantity = ask.number("quantity", of=ask.form)
    if not 1 <= quantity <= baskets.MOST_OF_ONE:
        raise Stop(400, f"Between 1 and {baskets.MOST_OF_ONE} of one kind, please.")
    if found.stock < 1:
        raise Stop(409, f"{found.title} is sold out.", "We are waiting for the next picking.")
    with ask.shop.engine.begin() as tx:
        if ask.session is None:
            ask.cookies[sessions.SESSION_COOKIE] = token = sessions.begin(tx, ask.now)
            session = sessions.find(tx, token, ask.now)
        else:
            session = ask.session
        assert session is not None  # INVARIANT: begun just now, in this transaction
        baskets.add(tx, session.token_hash, found.id, quantity, ask.now)
    footprints.log_click(
        ask.shop.engine, ask.shop.promises, ask.now, ask.customer, kind="add-to-basket", target=found.slug
    )
    return ask.go("/basket?done=in-basket")


def write_review(ask: Ask) -> Response:
    """Review a ware one has bought, once."""
    customer, found = ask.must_be_customer(), _ware(ask)
    ask.must_be_permitted(SERVICE, "communication.feedback")
    rating, body = ask.form.get("rating", ""), ask.form.get("body", "")
    faults = {}
    if rating not in {"1", "2", "3", "4", "5"}:
        faults["rating"] = "Choose between one and five."
    if not 1 <= len(body) <= 2000:
        faults["body"] = "Between one and 2,000 letters, please."
    if faults:
        return _page(ask, found, faults, status=422)
    with ask.shop.engine.begin() as tx:
        if not goods.may_review(tx, customer.number, found.id):
            raise Stop(403, "You can review what you have bought here, once.")
        goods.write_review(tx, customer.number, found.id, rating=int(rating), body=body, now=ask.now)
    return ask.go(f"/goods/{found.slug}?done=review")


def _ware(ask: Ask) -> Found:
    with ask.shop.engine.begin() as tx:
        found = goods.ware(tx, ask.request.path_params["slug"])
    if found is None:
        raise Stop(404, "We do not have this.", "Perhaps it was renamed: try the search.")
    return found


def _page(ask: Ask, found: Found, faults: dict[str, str], *, status: int = 200) -> Response:
    with ask.shop.engine.begin() as tx:
        reviews = goods.reviews_of(tx, ask.shop.promises, found.id)
        may_review = ask.customer is not None and goods.may_review(tx, ask.customer.number, found.id)
    return ask.page(
        "ware.html", status=status, ware=found, reviews=reviews, may_review=may_review, faults=faults, typed=ask.form
    )
