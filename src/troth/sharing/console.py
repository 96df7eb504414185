"""The page for staff: who receives data, under which papers, and what each was given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from starlette.responses import Response

from troth.foundation import operations
from troth.foundation.operations import Operation
from troth.foundation.staff import Caller
from troth.foundation.web.guarding import Guard, Guarded, guarded
from troth.foundation.web.pages import Ask
from troth.policy.rendering.annexes import SAFEGUARDS, country_name, purpose_label
from troth.policy.vocabulary import CATEGORIES, Circumstance
from troth.sharing import disclosures, recipients
from troth.sharing.disclosures import Disclosure
from troth.sharing.printed import say_spending
from troth.sharing.recipients import Registered

if TYPE_CHECKING:
    from troth.foundation.store import Store
    from troth.policy.model import Policy

_SOON = dt.timedelta(days=60)
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper that a recipient stands on: what it is, until when, and one of the three colours with its word."""

    name: str
    until: dt.date | None
    word: str
    colour: str


def routes(policy: Callable[[], Policy], store: Store, path: str, guard: Guard) -> tuple[tuple[str, str, Guarded], ...]:
    """(method, path, handler) of every page, at and below `path`."""

    def register(ask: Ask, caller: Caller) -> Response:
        with store.reading() as tx:
            made = disclosures.latest(tx, limit=_SHOWN)
            spent = disclosures.spent_by_each(tx)
        everyone = recipients.register(policy())
        sees = operations.may(caller.role, Operation.DISCLOSURES_SEE)
        last = {each.recipient: each for each in reversed(made)}
        return ask.page(
            "sharing/recipients.html",
            title="Recipients",
            everyone=[(each, papers(each, ask.now.date()), last.get(each.name)) for each in everyone],
            made=made if sees else (),
            sees=sees,
            country=country_name,
            purpose=purpose_label,
            safeguards=SAFEGUARDS,
            label=lambda category: CATEGORIES[category].label if category in CATEGORIES else category,
            held=held_back,
            told=lambda each: say_spending(each.noise, spent.get(each.name, Decimal())),
        )

    return guarded(guard, (("GET", "", register, Operation.RECIPIENTS_SEE),), path)


def papers(each: Registered, today: dt.date) -> tuple[Paper, ...]:
    """Contract, certificate and ground of transfer of a recipient, as they stand on that day."""
    known = each.recipient
    found = []
    if each.circumstance is not Circumstance.CONSENT or known.contract is not None:
        found.append(_paper("contract", known.contract.until, today) if known.contract else _missing("contract"))
    if known.certificate is not None:
        found.append(_paper(known.certificate.kind, known.certificate.until, today))
    if known.transfer is not None:
        found.append(_paper(known.transfer.ground.replace("-", " "), known.transfer.until, today))
    return tuple(found)


def held_back(each: Disclosure) -> str:
    """In words, what did not leave with a batch."""
    back = each.held_back
    parts = [
        *([f"columns {', '.join(back.columns)}"] if back.columns else []),
        *(f"{count} {why.replace('-', ' ')}" for why, count in back.refused.items()),
        *([f"{back.small_groups} in groups too small"] if back.small_groups else []),
        *([f"{back.near_groups} in groups too near an earlier batch"] if back.near_groups else []),
    ]
    return "; ".join(parts)


def _paper(name: str, until: dt.date | None, today: dt.date) -> Paper:
    if until is None:
        return Paper(name, None, "stands", "kept")
    if until < today:
        return Paper(name, until, "over", "broken")
    soon = until - today < _SOON
    return Paper(name, until, "ends soon" if soon else "stands", "unproven" if soon else "kept")


def _missing(name: str) -> Paper:
    return Paper(name, None, "missing", "broken")
