"""What a deed needs at hand: troth's store, its keys, the policy in force and the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from re import compile as pattern

from sqlalchemy import Connection

from troth.errors import TrothError, UnknownName
from troth.foundation.clock import Clock, in_utc
from troth.foundation.keys import Keyring
from troth.foundation.store import Store, changes
from troth.policy.documents import nearest
from troth.policy.model import Policy
from troth.use.decision import Compiled, compile_policy

AHEAD = timedelta(seconds=5)
"""How far the clock of a company's app may run before ours; what it dates later than that is refused."""

_first: ContextVar[Callable[[Connection], None] | None] = ContextVar("troth_first", default=None)

_METHOD = pattern(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Office:
    """One controller's troth, for the time that one policy is in force."""

    store: Store
    keyring: Keyring
    policy: Policy
    clock: Clock
    compiled: Compiled = field(repr=False)

    @classmethod
    def of(cls, store: Store, keyring: Keyring, policy: Policy, clock: Clock) -> Office:
        """The office for `policy`, compiled."""
        return cls(store, keyring, policy, clock, compile_policy(policy))

    @contextmanager
    def deed(self) -> Iterator[Connection]:
        """One write transaction; left only when it is durable and everyone who decides from memory has been told.

        INVARIANT: nothing is acknowledged before that. Raises: StoreError, and then the caller must not acknowledge.
        """
        with self.store.writing() as tx:
            before = _first.get()
            if before is not None:
                before(tx)
            yield tx
            mark = changes.mark(tx)
        self.store.changed(mark)


@contextmanager
def first(act: Callable[[Connection], None]) -> Iterator[None]:
    """Let `act` be the first thing that every deed begun in this block does, in its own transaction."""
    token = _first.set(act)
    try:
        yield
    finally:
        _first.reset(token)


def said_at(office: Office, at: datetime | None, last: datetime | None) -> datetime:
    """When a word counts as said: at `at`, or else now, and then after every word before it.

    A clock may step back, and two machines differ; a word said now must still be the later one.
    Raises: NaiveTimeError; TrothError for a time in the future, which would outlast whatever is said until then.
    """
    now = in_utc(office.clock.now())
    if at is None:
        return now if last is None else max(now, last)
    moment = in_utc(at)
    if moment > now + AHEAD:
        raise TrothError("a choice cannot be made in the future", expected="a time up to now")
    return min(moment, now)


def known_method(method: str) -> str:
    """`method` as the register takes it: one word such as `form` or `phone`. Raises: TrothError."""
    if not _METHOD.fullmatch(method):
        raise TrothError("the method of a choice is one lower-case word", expected='such as "form", "phone" or "paper"')
    return method


def unknown_purpose(office: Office, purpose: str, message: str, among: tuple[str, ...]) -> UnknownName:
    """The error for a purpose that will not do: what it is for, which there are, and the nearest of them.

    The name is repeated only if it could be one; anything with `@`, or long, may be a person's by mistake.
    """
    shown = f'"{purpose}"' if len(purpose) <= 60 and "@" not in purpose and purpose.isprintable() else "this"
    return UnknownName(
        f"{shown} {message}",
        where=office.policy.file,
        expected=f"one of: {', '.join(among)}" if among else None,
        nearest=nearest(purpose, among),
    )
