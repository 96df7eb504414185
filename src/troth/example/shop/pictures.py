"""Pictures of wares and accounts, drawn by the shop: small SVG files without scripts, styles or fonts."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from troth.example.shop.wares import WARES
from troth.example.shop.words import AVATARS

PAPER: Final = "#fbf9f3"


@cache
def ware_picture(slug: str) -> str | None:
    """The picture of a ware as an SVG file; None when there is no such ware."""
    for ware in WARES:
        if ware.slug == slug:
            thing, ground = ware.colours
            drawing = _drawing(ware.drawing)
            return drawing.replace("THING", thing).replace("GROUND", ground).replace("PAPER", PAPER)
    return None


@cache
def avatar_picture(name: str) -> str | None:
    """One of the pictures an account may choose; None for another name."""
    return _drawing(f"face-{name}") if name in AVATARS else None


@cache
def mark() -> str:
    """The shop's own sign, for the browser's tab."""
    return _drawing("mark")


def _drawing(name: str) -> str:
    return files("troth.example.shop").joinpath(f"drawings/{name}.svg").read_text(encoding="utf-8")
