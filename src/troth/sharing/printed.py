"""The record of a disclosure as commands print it: JSON for programs, two lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from troth.sharing.disclosures import Disclosure


def of_disclosure(each: Disclosure) -> dict[str, Any]:
    """The record of one batch as programs read it."""
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
        "people": each.people,
        "categories": each.categories,
        "held_back": {
            "columns": list(each.held_back.columns),
            "refused": dict(each.held_back.refused),
            "small_groups": each.held_back.small_groups,
            "near_groups": each.held_back.near_groups,
        },
        "size": each.size,
        "sha256": each.sha256,
        "entries": [entry for entry in (each.leaf, each.outcome) if entry is not None],
    }


def say(each: Disclosure) -> str:
    """One batch in one line, and what was held back in a second."""
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
