"""Which laws the table has, by the names of its files. Reading a policy asks this and needs no law's facts."""

from __future__ import annotations

from functools import cache
from importlib import resources

DATA = resources.files("troth.policy.law") / "data"


@cache
def known_laws() -> tuple[str, ...]:
    """The ids of all laws of the table, in the order of the alphabet."""
    return tuple(sorted(entry.name[: -len(".yaml")] for entry in DATA.iterdir() if entry.name.endswith(".yaml")))
