"""The register of recipients: who may get what, for which purpose, under which papers. It is the policy itself.

Facts only; the gate obeys them, checks hold them against what is there, pages show them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from troth.errors import GateClosed, UnknownName
from troth.policy.documents import nearest
from troth.policy.model import Policy, Recipient
from troth.policy.noise import Noise
from troth.policy.vocabulary import Circumstance, Safeguard, expand


@dataclass(frozen=True, slots=True)
class Registered:
    """One recipient under one sentence: what the policy says of it, spelt out."""

    recipient: Recipient
    number: str
    clause: str
    safeguard: Safeguard | None
    smallest_group: int | None
    categories: tuple[str, ...]
    circumstance: Circumstance = Circumstance.PROCESSOR
    noise: Noise | None = None

    @property
    def name(self) -> str:
        return self.recipient.name

    @property
    def purpose(self) -> str:
        return self.recipient.purpose


def register(policy: Policy) -> tuple[Registered, ...]:
    """Every recipient that the policy names, in the order of the page; once for each sentence that names it."""
    return tuple(
        Registered(
            each,
            sentence.number,
            sentence.id,
            sentence.meaning.safeguard,
            sentence.meaning.smallest_group,
            expand(each.data),
            sentence.meaning.circumstance or Circumstance.PROCESSOR,
            sentence.meaning.noise,
        )
        for sentence, each in policy.recipients
    )


def load(policy: Policy, name: str, purpose: str) -> Registered:
    """The recipient of that name for that purpose. Raises: UnknownName with those that there are."""
    everyone = register(policy)
    named = [each for each in everyone if each.name == name]
    if not named:
        names = tuple(dict.fromkeys(each.name for each in everyone))
        raise UnknownName(
            f'"{name[:60]}" is not a recipient of this policy',
            where=policy.file,
            expected=f"one of: {', '.join(names)}" if names else "a recipient to be declared in section 4",
            nearest=nearest(name, names),
        )
    for each in named:
        if each.purpose == purpose:
            return each
    purposes = tuple(each.purpose for each in named)
    raise UnknownName(
        f'{name} receives nothing for "{purpose[:60]}"',
        where=policy.file,
        expected=f"one of: {', '.join(purposes)}",
        nearest=nearest(purpose, purposes),
    )


def noise_of(policy: Policy, name: str) -> Noise | None:
    """The noise with which a recipient of that name gets groups; None where nothing of the kind is declared for it."""
    return next((each.noise for each in register(policy) if each.name == name and each.noise is not None), None)


def require_contract(each: Registered, today: dt.date) -> None:
    """Make sure that a contract is on record and not over (Art. 28(3)). Raises: GateClosed.

    Who gets data because people agreed decides on its own what for, and works under no contract of ours.
    """
    if each.circumstance is Circumstance.CONSENT:
        return
    contract = each.recipient.contract
    if contract is None:
        raise GateClosed(
            "no contract with this recipient is on record; nothing has left",
            where=each.name,
            repair=f"Sign one, and record it under `contract` at sentence {each.number}.",
        )
    if contract.until is not None and contract.until < today:
        raise GateClosed(
            f"the contract ended on {contract.until}; nothing has left",
            where=each.name,
            repair="Renew it, and record the new file and end.",
        )
