"""A made-up company whose steps note that they ran, and have an effect once; and lives of processes that run them.

`ran` gets a row whenever a step runs; `effects` is what an idempotent step leaves: one row for each (job, id, step),
however often it runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from troth.foundation import jobs
from troth.foundation.jobs import JobState, Step, Work, Worker
from troth.foundation.store import Store

QUICK = {"silent_s": 1.0, "beat_s": 0.1, "round_s": 0.1}
STEPS = ("plan", "erase", "prove")


def engine_at(url: str) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("pragma busy_timeout = 20000"))
    return engine


def make_company(url: str) -> None:
    key = "integer primary key" if url.startswith("sqlite") else "serial primary key"
    with engine_at(url).begin() as tx:
        tx.exec_driver_sql(f"create table ran (n {key}, id varchar(64), step varchar(40))")
        tx.exec_driver_sql("create table effects (id varchar(64), step varchar(40), primary key (id, step))")
        tx.exec_driver_sql("create table todo (id varchar(64) primary key)")


def act(url: str, id_: str, step: str, *, pause_s: float = 0.0) -> int:
    """One idempotent step: the note that it ran is committed first, the effect after the pause."""
    engine = engine_at(url)
    with engine.begin() as tx:
        tx.execute(sa.text("insert into ran (id, step) values (:id, :step)"), {"id": id_, "step": step})
    time.sleep(pause_s)
    with engine.begin() as tx:
        done = tx.execute(
            sa.text("insert into effects (id, step) values (:id, :step) on conflict do nothing"),
            {"id": id_, "step": step},
        )
    return done.rowcount


def register_company(url: str, *, steps: tuple[str, ...] = STEPS, pause_s: float = 0.0) -> None:
    def made(step: str) -> Step:
        return Step(step, lambda id_: act(url, id_, step, pause_s=pause_s))

    jobs.register("fulfil", *(made(step) for step in steps))


def runs(url: str) -> dict[tuple[str, str], int]:
    """How often each step of each id ran."""
    with engine_at(url).connect() as tx:
        rows = tx.exec_driver_sql("select id, step, count(*) from ran group by id, step").all()
    return {(id_, step): count for id_, step, count in rows}


def effects(url: str) -> set[tuple[str, str]]:
    with engine_at(url).connect() as tx:
        return {(row[0], row[1]) for row in tx.exec_driver_sql("select id, step from effects")}


def until(asked: Any, *, within_s: float = 60.0, every_s: float = 0.02) -> None:
    deadline = time.monotonic() + within_s
    while not asked():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(every_s)


def is_done(store: Store, id_: str, name: str = "fulfil", turn: int = 0) -> bool:
    found = jobs.progress(store, name, id_, turn)
    return found is not None and found.state is JobState.DONE


def everything(url: str, schema: str | None = None) -> str:
    """Every value of every table of a database, as one text to search in."""
    engine = engine_at(url)
    told = []
    with engine.connect() as tx:
        for table in sa.inspect(engine).get_table_names(schema):
            name = f'"{schema}"."{table}"' if schema else f'"{table}"'
            told += [f"{table}: {tuple(row)!r}" for row in tx.exec_driver_sql(f"select * from {name}")]
    return "\n".join(told)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    with Store.open(url) as store:
        yield store


# --- lives of other processes ---------------------------------------------------------------------------------


def work_until_done(arguments: dict[str, Any]) -> None:
    """A worker that ends when the ids it is told are done. It starts those jobs itself."""
    steps = tuple(arguments.get("steps", STEPS))
    register_company(arguments["company"], steps=steps, pause_s=arguments.get("pause_s", 0.0))
    with opened(arguments["store"]) as store, Worker(store, **QUICK) as _:
        for id_ in arguments["ids"]:
            jobs.start(store, "fulfil", id_)
        until(lambda: all(is_done(store, id_) for id_ in arguments["ids"]), within_s=60)


def work_for_ever(arguments: dict[str, Any]) -> None:
    """A worker that goes on until it is ended; it starts the ids it is told, and touches a file once it is up."""
    steps = tuple(arguments.get("steps", STEPS))
    register_company(arguments["company"], steps=steps, pause_s=arguments.get("pause_s", 0.0))
    settings = QUICK | {"silent_s": arguments.get("silent_s", QUICK["silent_s"])}
    with opened(arguments["store"]) as store, Worker(store, at_once=arguments.get("at_once", 8), **settings):
        for id_ in arguments.get("ids", ()):
            jobs.start(store, "fulfil", id_)
        Path(arguments["up"]).touch()
        threading.Event().wait()


def start_many(arguments: dict[str, Any]) -> list[str]:
    """Starts the jobs it is told from many threads, and gives what each start said."""
    from concurrent.futures import ThreadPoolExecutor

    register_company(arguments["company"])
    with opened(arguments["store"]) as store, ThreadPoolExecutor(arguments["threads"]) as pool:
        return [str(said) for said in pool.map(lambda id_: jobs.start(store, "fulfil", id_), arguments["ids"])]


def waiting_in(url: str) -> Any:
    """What the company's table says is to be done: the hook that a worker asks."""

    def asked(_: Store) -> list[Work]:
        with engine_at(url).connect() as tx:
            return [Work("fulfil", row[0]) for row in tx.exec_driver_sql("select id from todo")]

    return asked
