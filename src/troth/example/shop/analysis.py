"""Figures for the shop: read from the views that troth makes, in which nobody has a name."""

from __future__ import annotations

from sqlalchemy import Engine, text

from troth.example.shop.promises import ANALYTICS, RESEARCH, Promises, Working

_OPENED = "select target, sum(uses) from troth_view_analytics_click_events_groups group by target"
_SOLD = "select product_id, sum(quantity) from troth_view_research_order_items group by product_id"


def weekly_figures(promises: Promises, views: Engine) -> dict[str, int]:
    """How often each ware was opened, summed up over the months; groups of too few people are not in it."""
    with promises.run("weekly-figures", ANALYTICS, ("usage.click", "usage.interaction")) as run:
        return _read(run, views, _OPENED)


def market_research(promises: Promises, views: Engine) -> dict[str, int]:
    """How many of each ware were sold."""
    with promises.run("market-research", RESEARCH, "transaction.purchase") as run:
        return _read(run, views, _SOLD)


def _read(run: Working, views: Engine, query: str) -> dict[str, int]:
    with views.connect() as there:
        rows = there.execute(text(query)).all()
    run.used(len(rows))
    return {str(name): int(count) for name, count in rows}
