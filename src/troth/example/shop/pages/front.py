"""The front page, the journal and the search."""

from __future__ import annotations

from starlette.responses import Response

from troth.example.shop import footprints, goods
from troth.example.shop.shell import Ask


def front(ask: Ask) -> Response:
    """A few wares everybody likes; the same for everybody."""
    with ask.shop.engine.begin() as tx:
        return ask.page("front.html", wares=goods.picked(tx))


def journal(ask: Ask) -> Response:
    """Notes about tea, with a link to somebody else's site."""
    return ask.page("journal.html")


def search(ask: Ask) -> Response:
    """Wares by their words; the search itself is noted only for those who agreed to that."""
    words = ask.query("q")
    with ask.shop.engine.begin() as tx:
        found = goods.search(tx, words) if words else ()
    if words:
        footprints.log_search(ask.shop.engine, ask.shop.promises, ask.now, ask.customer, words)
    return ask.page("search.html", words=words, wares=found)
