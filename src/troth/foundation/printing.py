"""How every command prints its results: for people, or as JSON for other programs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


Printed = Annotated[Format, typer.Option("--format", help="How to print it.")]
