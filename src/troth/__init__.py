"""troth: a privacy policy that keeps its word.

    import troth

    with troth.open("company") as t:
        if t.may("id=17", "marketing", "contact.email"):
            ...

This is the front door, for software that uses troth. What stands here is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from troth.application import Troth, open  # noqa: A004 - `troth.open(folder)` reads as it should
    from troth.errors import (
        AccessDenied,
        DeclarationError,
        DeclarationFaults,
        DeliveryFailed,
        DemandRefused,
        ErasureRefused,
        ErasureUnsettled,
        GateClosed,
        GuardClosed,
        HeldBack,
        HoldRefused,
        IndexMissing,
        KeyReused,
        KeyUnavailable,
        LimitPassed,
        MapUnapproved,
        MoveRefused,
        NaiveTimeError,
        NetworkUnreachable,
        PersonAmbiguous,
        PersonError,
        PersonUnknown,
        PlaceMissing,
        PlanChanged,
        ProofInvalid,
        RecordsError,
        Refused,
        ReleaseNeeded,
        RequestError,
        RequestUnknown,
        RowsUnreadable,
        RuleBroken,
        StoreAhead,
        StoreBehind,
        StoreConflict,
        StoreError,
        StoreUnreachable,
        TransferRefused,
        TrothError,
        UnknownName,
        UnreadableFile,
        WritingPaused,
    )
    from troth.policy.vocabulary import LegalBasis, Right
    from troth.use.decision import Decision, Reason

_HOMES = {
    "open": "troth.application",
    "Troth": "troth.application",
    "Decision": "troth.use.decision",
    "Reason": "troth.use.decision",
    "LegalBasis": "troth.policy.vocabulary",
    "Right": "troth.policy.vocabulary",
}

__all__ = [
    "AccessDenied",
    "Decision",
    "DeclarationError",
    "DeclarationFaults",
    "DeliveryFailed",
    "DemandRefused",
    "ErasureRefused",
    "ErasureUnsettled",
    "GateClosed",
    "GuardClosed",
    "HeldBack",
    "HoldRefused",
    "IndexMissing",
    "KeyReused",
    "KeyUnavailable",
    "LegalBasis",
    "LimitPassed",
    "MapUnapproved",
    "MoveRefused",
    "NaiveTimeError",
    "NetworkUnreachable",
    "PersonAmbiguous",
    "PersonError",
    "PersonUnknown",
    "PlaceMissing",
    "PlanChanged",
    "ProofInvalid",
    "Reason",
    "RecordsError",
    "Refused",
    "ReleaseNeeded",
    "RequestError",
    "RequestUnknown",
    "Right",
    "RowsUnreadable",
    "RuleBroken",
    "StoreAhead",
    "StoreBehind",
    "StoreConflict",
    "StoreError",
    "StoreUnreachable",
    "TransferRefused",
    "Troth",
    "TrothError",
    "UnknownName",
    "UnreadableFile",
    "WritingPaused",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES.get(name, "troth.errors")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
