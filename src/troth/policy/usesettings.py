"""The settings of section 2: which messages there are, and on which views analysis works."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from troth.policy.model import Declared, Period
from troth.policy.periods import Duration


class MessageSettings(Declared):
    """Which messages there are, of which class, and where it is on record that one was sent.

    `templates` gives each template its class: `transactional` (belongs to an order), `service` or `marketing`. `table`
    is the company's own log, as `store.table`, with its columns for template, order and time, and for the class where
    it has one (`kind`); left out, it is troth's own, which `Troth.message_sent` writes. `samples` are files with the
    newest message of a template as it was sent (RFC 5322), put there by the mailer.
    """

    table: str | None = Field(None, pattern=r"^[^.]+\..+$")
    template: str = "template"
    order: str = "order_id"
    at: str = "sent_at"
    kind: str | None = None
    templates: dict[str, Annotated[str, Field(pattern="^(transactional|service|marketing)$")]] = Field(
        default_factory=dict
    )
    samples: dict[str, str] = Field(default_factory=dict)


class ViewSettings(Declared):
    """The pseudonymised views on which these `purposes` work, and nothing else.

    `store` is the company's store they show. `roles` names the role of the store that works for a purpose. In SQLite,
    which has no roles, each purpose has a file of its own in `folder`. They are brought up to date every `refresh`:
    so long a word that somebody said may need to reach them.
    """

    store: str | None = None
    purposes: tuple[str, ...] = ()
    roles: dict[str, str] = Field(default_factory=dict)
    folder: str = "views"
    refresh: Period = Duration(1, "hour")
