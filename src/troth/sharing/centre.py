"""The public's door to section 4: what people are told of a sold business, and how often authorities demand data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from troth.foundation.web.pages import Ask, Handler
from troth.sharing import demand_reading, transfer_reading
from troth.sharing.words import TransferState

if TYPE_CHECKING:
    from starlette.responses import Response

    from troth.foundation.store import Store

_BEFORE = (TransferState.ANNOUNCED, TransferState.FROZEN)


def routes(store: Store, path: str, centre: str) -> tuple[tuple[str, str, Handler], ...]:
    """(method, path, handler) of every page, below the page of the policy at `path`; `centre`: where people say no."""

    def transfers(ask: Ask) -> Response:
        with store.reading() as tx:
            found = [each for each in transfer_reading.every(tx) if each.state is not TransferState.ENDED]
        facts: dict[str, Any] = {"found": found, "here": path, "centre": centre, "before": _BEFORE}
        return ask.page("sharing/notice.html", title="A business that is sold", **facts)

    def demands(ask: Ask) -> Response:
        with store.reading() as tx:
            report = demand_reading.report(demand_reading.every(tx))
        return ask.page("sharing/counts.html", title="Demands of authorities", report=report, here=path)

    base = path.rstrip("/")
    return ("GET", f"{base}/transfers", transfers), ("GET", f"{base}/demands", demands)
