"""Figures for the shop: read from the views that troth makes, in which nobody has a name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from troth.example.shop.promises import ANALYTICS, RESEARCH, Promises, Working


def weekly_figures(promises: Promises, views: Path) -> dict[str, int]:
    """How often each ware was opened, month by month summed up; groups of too few people are not in it."""
    query = "select target, sum(uses) from troth_view_analytics_click_events_groups group by target"
    with promises.run("weekly-figures", ANALYTICS, ("usage.click", "usage.interaction")) as run:
        return _read(run, views / "analytics.db", query)


def market_research(promises: Promises, views: Path) -> dict[str, int]:
    """How many of each ware were sold."""
    query = "select product_id, sum(quantity) from troth_view_research_order_items group by product_id"
    with promises.run("market-research", RESEARCH, "transaction.purchase") as run:
        return _read(run, views / "research.db", query)


def _read(run: Working, path: Path, query: str) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as there:
        rows = there.execute(query).fetchall()
    run.used(len(rows))
    return {str(name): int(count) for name, count in rows}
