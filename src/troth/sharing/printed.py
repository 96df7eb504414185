"""The record of a disclosure as commands print it: JSON for programs, two lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from troth.policy.noise import Noise
    from troth.sharing.disclosures import Disclosure


def of_disclosure(each: Disclosure) -> dict[str, Any]:
    """The record of one batch as programs read it. Of a batch with noise it says nothing exact, for it gets about."""
    return {
        "number": each.id,
        "recipient": each.recipient,
        "purpose": each.purpose,
        "reason": each.reason,
        "safeguard": each.safeguard,
        "state": each.state,
        "at": each.at.isoformat(),
        "destination": each.destination,
        "rows": each.rows,
        "people": None if each.noisy else each.people,
        "categories": each.categories,
        "held_back": {
            "columns": list(each.held_back.columns),
            "refused": {} if each.noisy else dict(each.held_back.refused),
            "small_groups": each.held_back.small_groups,
            "near_groups": each.held_back.near_groups,
        },
        "noise": {"epsilon": each.epsilon, "delta": each.delta} if each.noisy else None,
        "size": each.size,
        "sha256": each.sha256,
        "entries": [entry for entry in (each.leaf, each.outcome) if entry is not None],
    }


def say(each: Disclosure) -> str:
    """One batch in one line, and what was held back in a second."""
    if each.noisy:
        return _say_noisy(each)
    back = each.held_back
    held = [
        *([f"columns {', '.join(back.columns)}"] if back.columns else []),
        *(f"{count} row{'' if count == 1 else 's'}: {why.replace('-', ' ')}" for why, count in back.refused.items()),
        *([f"{back.small_groups} rows in groups too small"] if back.small_groups else []),
        *([f"{back.near_groups} rows in groups too near an earlier batch"] if back.near_groups else []),
    ]
    kinds = ", ".join(each.kinds)
    return (
        f"{each.state}  {each.recipient}, {each.at:%Y-%m-%d %H:%M} UTC: {each.rows} rows of {each.people} people "
        f"({kinds}), {each.safeguard or 'as they are'}; disclosure {each.id}, entry {each.leaf}"
        + (f"\n  held back: {'; '.join(held)}" if held else "")
    )


def of_spending(noise: Noise, spent: Decimal) -> dict[str, Any]:
    """What a recipient may be told with noise, and how much of it was."""
    return {"epsilon": noise.epsilon, "budget": noise.budget, "groups": noise.groups, "spent": float(spent)}


def say_spending(noise: Noise, spent: Decimal) -> str:
    """How much of its budget a recipient was told, in words."""
    from troth.policy.noise import exactly

    return f"told {spent.normalize():f} of {exactly(noise.budget).normalize():f} in all, {noise.epsilon:g} a batch"


def _say_noisy(each: Disclosure) -> str:
    columns, groups = each.held_back.columns, "group" if each.rows == 1 else "groups"
    return (
        f"{each.state}  {each.recipient}, {each.at:%Y-%m-%d %H:%M} UTC: {each.rows} {groups} with noise "
        f"(epsilon {each.epsilon:g}, delta {each.delta:g}; {', '.join(each.kinds)}), {each.safeguard}; disclosure "
        f"{each.id}, entry {each.leaf}" + (f"\n  held back: columns {', '.join(columns)}" if columns else "")
    )
