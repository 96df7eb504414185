"""Where jobs are kept, and in what form: a SQLite file of their own beside the store, or a schema of their own in the
store's PostgreSQL. JSON only, and in it only ids and counts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event

from troth.errors import TrothError
from troth.foundation.store import engines

if TYPE_CHECKING:
    from troth.foundation.store import Store

SCHEMA = "troth_jobs"
"""The PostgreSQL schema of the jobs."""

_BUSY_MS = 30_000
_WAIT_S = 60.0
_SHAPE = re.compile(r"[A-Za-z0-9_.-]{0,120}")
_FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Place:
    """The database of the jobs of one store. `where` is its name for messages and holds no password."""

    kind: str
    where: str
    path: Path | None
    url: str = field(repr=False)
    engine: Engine = field(repr=False)


def place_of(store: Store, connections: int = 8) -> Place:
    """The place of the jobs of `store`; a SQLite file is made when missing, mode 0600.

    A PostgreSQL gives at most so many `connections`; who finds all of them in use waits, since each is needed briefly.
    """
    at = store.address
    if at.path is not None:
        path = at.path.with_name(f"{at.path.stem}-jobs{at.path.suffix}")
        engines.provide_file(path)
        return Place("sqlite", str(path), path, f"sqlite:///{path}", _sqlite(path))
    engine = create_engine(
        at.url,
        connect_args={
            "connect_timeout": engines.BUSY_S,
            "application_name": "troth jobs",
            "options": "-c TimeZone=UTC",
        },
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_WAIT_S,
        hide_parameters=True,
    )
    shown = at.url.set(username=None, password=None, query={}).render_as_string()
    return Place("postgresql", f"{at.where} schema {SCHEMA}", None, shown, engine)


def is_made(place: Place) -> bool:
    """Whether a worker has made the tables of the engine there yet."""
    schema = None if place.kind == "sqlite" else SCHEMA
    with place.engine.connect() as connection:
        return connection.dialect.has_table(connection, "workflow_status", schema=schema)


def _sqlite(path: Path) -> Engine:
    made = create_engine(f"sqlite+pysqlite:///{path}", pool_size=6, max_overflow=58, hide_parameters=True)

    @event.listens_for(made, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"  # writers queue at their beginning, as the engine expects of SQLite
        for pragma in (
            f"busy_timeout = {_BUSY_MS}",
            "foreign_keys = ON",
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return made


class JobFault(Exception):
    """A step failed; only the kind of its error is kept."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


# INVARIANT: nothing but this writes values into the jobs database. It refuses what could be personal data, so that no
# future step can let any slip in; and it never runs code when it reads, as pickled data would.
def written(value: Any) -> str:
    """`value` as JSON. Raises: TrothError when there is more in it than ids and counts."""
    if isinstance(value, BaseException):
        kind = value.kind if isinstance(value, JobFault) else type(value).__name__
        return json.dumps({_FAULT: kind[:80]})
    return json.dumps(_only_ids_and_counts(value), separators=(",", ":"))


def read(said: str) -> Any:
    """What `written` wrote; a fault comes back as a JobFault."""
    value = json.loads(said)
    if isinstance(value, dict) and set(value) == {_FAULT}:
        return JobFault(str(value[_FAULT]))
    return value


def _only_ids_and_counts(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and _SHAPE.fullmatch(value):
        return value
    if isinstance(value, list | tuple):
        return [_only_ids_and_counts(each) for each in value]
    if isinstance(value, dict):
        return {_only_ids_and_counts(key): _only_ids_and_counts(each) for key, each in value.items()}
    raise TrothError(
        f"a job was to carry a {type(value).__name__} that is neither id nor count",
        where="jobs",
        repair="Pass the id of the row, and let the step read it.",
    )
