"""Who watches over a law where: the supervisory authorities, read once from `data/authorities.csv`.

Codes are ISO 3166: a country ("FR"), or a part of one ("US-CA", "DE-BY-private"). Rows that wait for a second source
are kept in the table and never given out unless asked for by name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from troth.policy.law.provisions import Confidence

_NOT_FOR_COMPLAINTS = frozenset({"EU", "EU-EDPB"})


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority: where, what it calls itself, and its site. `country` is the place in English."""

    code: str
    country: str
    name: str
    website: str
    confidence: Confidence


@cache
def all_authorities() -> tuple[Authority, ...]:
    """Every row of the table in its order, those still to be confirmed too."""
    from troth.policy.law.provisions import Confidence

    data = (resources.files("troth.policy.law") / "data" / "authorities.csv").read_text(encoding="utf-8")
    return tuple(
        Authority(
            row["code"],
            row["country"],
            row["name"],
            row["website"],
            Confidence.FIRM if row["state"] == "ok" else Confidence.CHECK,
        )
        for row in csv.DictReader(io.StringIO(data))
    )


def authorities_for(
    countries: Iterable[str] = (), laws: Iterable[str] = (), *, unconfirmed: bool = False
) -> tuple[Authority, ...]:
    """The authorities of these countries and of these laws, each once, in the order asked for.

    A code of the table gives its row; a country or part of one that has no row of its own gives the rows beneath it
    ("DE-BY": the two of Bavaria; "US": the federal one and the states). A place that the table lacks gives nothing,
    and so do rows still to be confirmed, unless `unconfirmed`. Laws of many countries give one authority a country.

    Raises: UnknownName for an unknown law.
    """
    from troth.policy.law.laws import laws_of
    from troth.policy.law.provisions import Confidence

    wanted = [*countries, *(code for law in laws_of(laws) for code in law.authorities)]
    found = {authority.code: authority for code in wanted for authority in _of(code)}
    return tuple(a for a in found.values() if unconfirmed or a.confidence is Confidence.FIRM)


def _of(code: str) -> tuple[Authority, ...]:
    rows = [row for row in all_authorities() if row.code not in _NOT_FOR_COMPLAINTS]
    own = tuple(row for row in rows if row.code == code)
    return own or tuple(row for row in rows if row.code.startswith(f"{code}-"))
