"""The words of `words.yaml`, read once, for whoever makes people up; and the pictures an account may choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

AVATARS: Final = ("leaf", "cup", "pot", "moon", "hill", "wave", "sun", "bird")
"""Drawn by the shop, so that no photograph, and no place it was taken at, is ever kept."""

Words = tuple[str, ...]
Sets = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The lists of the file, by their names there."""

    first: Words
    last: Words
    whole_names: Words
    adjectives: Words
    nouns: Words
    domains: Words
    streets: Words
    towns: Sets
    devices: Sets
    bios: Words
    praise: Words
    blame: Words
    praise_for_ware: Words
    blame_for_ware: Words
    talks: Sets
    asked: Sets
    searches: Words
    pages: Words
    campaigns: Words


@cache
def vocabulary() -> Vocabulary:
    """The file as frozen lists."""
    lists: dict[str, Any] = yaml.safe_load(files("troth.example.shop").joinpath("words.yaml").read_bytes())
    frozen: dict[str, Any] = {
        name: tuple(tuple(entry) if isinstance(entry, list) else entry for entry in entries)
        for name, entries in lists.items()
    }
    return Vocabulary(**frozen)
