"""What the record of processing says beyond policy and data map: the part `[record]` of troth.toml (GDPR Art. 30).

Only what neither file can tell stands here. What is left out is a gap of the record, and the record says so; an empty
list or table says that there is none.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from troth.policy.declared import Declared


class Representative(Declared):
    """Who stands for the company in the Union or the United Kingdom, where it is established in neither (Art. 27)."""

    name: str
    contact: str


class JointController(Declared):
    """Who decides together with the company (Art. 26), for these purposes or, without any, for all."""

    name: str
    contact: str
    arrangement: str | None = None
    purposes: tuple[str, ...] = ()


class OnwardTransfer(Declared):
    """A country that data of another controller go to, and what that rests on."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    ground: str


class ProcessedFor(Declared):
    """A controller for whom the company processes data (Art. 30(2)); `categories` are the kinds of processing."""

    name: str
    contact: str
    categories: tuple[str, ...] = Field(min_length=1)
    representative: str | None = None
    officer: str | None = None
    transfers: tuple[OnwardTransfer, ...] = ()


class RecordSettings(Declared):
    """What the record of processing says beyond policy and data map.

    `keeper` is who keeps it. `automated_decisions` says for each purpose that has them what is decided without a person
    (Art. 22), `special_conditions` the condition of Art. 9(2) for each special category. `no_representative` is the
    reason why none is needed (Art. 27(2)).
    """

    keeper: str | None = None
    representative: Representative | None = None
    no_representative: str | None = None
    joint_controllers: tuple[JointController, ...] | None = None
    automated_decisions: dict[str, str] | None = None
    special_conditions: dict[str, str] = Field(default_factory=dict)
    processing_for: tuple[ProcessedFor, ...] | None = None
