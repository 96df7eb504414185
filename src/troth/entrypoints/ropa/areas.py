"""Which countries are third countries for the record: outside the area of the first law that the policy names.

The European Economic Area is the Union's 27 members, Iceland, Liechtenstein and Norway, where the GDPR holds too since
20 July 2018 (EEA Joint Committee Decision 154/2018).
"""

from __future__ import annotations

from dataclasses import dataclass

_UNION = ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
          "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK")  # fmt: skip
EEA = frozenset({*_UNION, "IS", "LI", "NO"})


@dataclass(frozen=True, slots=True)
class Area:
    """Where data may go without a ground of transfer. `representative`: the article by which who is outside needs
    somebody inside.
    """

    name: str
    countries: frozenset[str]
    representative: str | None = None

    def is_third(self, country: str) -> bool:
        """Whether that country is outside; what is no country's code is."""
        return country not in self.countries


def area_of(laws: tuple[str, ...], home: str) -> Area:
    """The Union with its neighbours under the GDPR, the United Kingdom under its own, else the company's country."""
    if "gdpr" in laws:
        return Area("the European Economic Area", EEA, "GDPR Art. 27")
    if "uk-gdpr" in laws:
        return Area("the United Kingdom", frozenset({"GB"}), "UK GDPR Art. 27")
    return Area("the company's country", frozenset({home}))
