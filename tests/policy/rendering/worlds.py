"""Policies for the tests of rendering: the shipped one, and small ones written in place."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from troth.policy import reading
from troth.policy.model import Policy

SOURCE = Path(__file__).parents[1] / "example-company.txt"
HEAD = "troth: 1\ncontroller: {name: Example Company, country: DE}\n"


@cache
def example() -> Policy:
    return reading.parse((resources.files("troth.example") / "policy.yaml").read_bytes(), "policy.yaml")


def policy(body: str, head: str = HEAD) -> Policy:
    return reading.parse((head + body).encode())


def quoted(text: str) -> str:
    """Any text as YAML: every character by its number."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"'


def one_paragraph(text: str) -> Policy:
    return policy(f"use: {{title: Why, text: {quoted(text)}}}\n")


def one_item(text: str) -> Policy:
    return policy(f"use: {{title: Why, it: {{text: {quoted(text)}}}}}\n")
