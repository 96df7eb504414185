"""The shapes that bodies of the API share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=400)]
Person = Text | Annotated[dict[str, Text], Field(min_length=1, max_length=4)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
Data = Text | Annotated[list[Text], Field(min_length=1, max_length=100)]


class Body(BaseModel):
    """What an app sends; a field that is not known is a fault, not ignored."""

    model_config = ConfigDict(extra="forbid")
