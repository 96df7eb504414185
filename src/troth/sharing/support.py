"""Look into a support tool over HTTP: who may sign in there and how, and what it keeps.

It is asked once, with the token that the settings give, and answers one JSON object:

    {"sign_on": {"required": true},                       whether everybody comes in by the company's own sign-on
     "users": [{"name": "ana", "active": true}],          who has an account
     "oldest_ticket": "2026-01-31T09:00:00+00:00",        when the oldest ticket that it keeps was opened
     "sample": [{"email": "j***", "subject": "Kettle"}]}  some tickets as it holds them

A tool that says it otherwise needs a small program between, which is also the place to keep its token.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from troth.foundation.proof import NothingToObserve

if TYPE_CHECKING:
    from troth.foundation.network import Network
    from troth.policy.sharingsettings import SupportSettings


@dataclass(frozen=True, slots=True)
class SupportTool:
    """What the tool says of itself. `sample` has columns of text."""

    sign_on: bool
    users: tuple[str, ...]
    oldest: dt.datetime | None
    sample: Mapping[str, Sequence[str]] = field(repr=False)


def look(network: Network, settings: SupportSettings) -> SupportTool:
    """Ask the tool once. Raises: NetworkUnreachable; NothingToObserve for an answer that says nothing of the kind."""
    headers = {"Accept": "application/json"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    page = network.fetch(settings.url, headers=headers)
    if page.status != 200:
        raise NothingToObserve(
            f"the support tool answered with status {page.status}",
            where=settings.recipient,
            repair="Correct the address or the token under [sharing.support] in troth.toml.",
        )
    try:
        return _read(json.loads(page.body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NothingToObserve(
            "the support tool's answer is not of the kind that can be judged",
            where=settings.recipient,
            repair="Have it answer as the how-to on recipients says.",
        ) from None


def _read(value: Any) -> SupportTool:
    sign_on = value["sign_on"]["required"]
    users = tuple(str(each["name"]) for each in value["users"] if each.get("active", True))
    oldest = value["oldest_ticket"]
    sample: dict[str, list[str]] = {}
    for row in value["sample"]:
        for name, each in row.items():
            sample.setdefault(str(name), []).append("" if each is None else str(each))
    if not isinstance(sign_on, bool):
        raise TypeError
    moment = None if oldest is None else dt.datetime.fromisoformat(oldest)
    if moment is not None and moment.tzinfo is None:
        raise ValueError
    return SupportTool(sign_on, users, moment, sample)
