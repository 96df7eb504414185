"""The example company with its views, for tests: made, read back and judged, on whatever store its shop stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy

from tests.policies import said
from tests.shopworld import World, own_verdict
from troth.foundation.proof import run_checks
from troth.policy import settings
from troth.use.checks import views as checks
from troth.use.views.making import ViewMaker, make_all

ROLES = {"analytics": "shop_analyst", "research": "shop_researcher"}


def wish(world: World, *, roles: bool = False, refresh: str = "1 hour") -> World:
    """Write into the settings that analysis and research work on views."""
    named = "".join(f'{purpose} = "{role}"\n' for purpose, role in ROLES.items())
    (world.folder / "troth.toml").write_text(
        '[store]\nurl = "sqlite:///troth.sqlite3"\n[views]\nstore = "shop"\npurposes = ["analytics", "research"]\n'
        f'refresh = "{refresh}"\n' + (f"[views.roles]\n{named}" if roles else "")
    )
    return world


@contextmanager
def maker(world: World) -> Iterator[ViewMaker]:
    environ = {"SHOP_DATABASE_URL": world.address}
    with world.troth() as troth:
        made = ViewMaker.of(troth.office, settings.read(world.folder, environ))
        try:
            yield made
        finally:
            made.close()


def make(world: World) -> dict[str, int]:
    """One round; how many people for each purpose."""
    with maker(world) as made:
        return {each.purpose: each.people for each in make_all(made)}


def rows(world: World, view: str, purpose: str = "analytics") -> list[tuple[Any, ...]]:
    """Everything in one view, as whoever analyses gets it."""
    name = f"troth_view_{purpose}_{view}"
    if world.address.startswith("sqlite"):
        with closing(sqlite3.connect(world.folder / "views" / f"{purpose}.db")) as there:
            return list(there.execute(f"select * from {name}"))
    return everything(world.address, f"select * from {name}")


def everything(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.begin() as tx:
            return [tuple(row) for row in tx.exec_driver_sql(statement)]
    finally:
        engine.dispose()


def judged(world: World) -> tuple[str, str]:
    """What the check makes of the views, and all it tells."""
    with world.seen() as seen:
        seen.settings = settings.read(world.folder, {}).settings
        found = run_checks(seen.policy, (checks.analysis_identifies,), seen).of("2.1d")
        return own_verdict(found), said(found)
