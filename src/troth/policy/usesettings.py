"""The settings of section 2: how consent is taken, which messages there are, and on which views analysis works."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from troth.policy.declared import Declared
from troth.policy.model import Period
from troth.policy.periods import Duration


class ConsentSettings(Declared):
    """How consent is taken.

    `ask_age`: before a consent, people are asked whether they are old enough to give it alone; who is not names a
    guardian, who confirms by mail. Apps that bring a consent say that they asked. The age is the highest that the laws
    of the policy name; `age` sets another, where a country has lowered it (GDPR Art. 8(1)).
    """

    ask_age: bool = False
    age: int | None = Field(None, ge=12, le=21)


class MarketingSettings(Declared):
    """How it is looked at whether people can stop mail.

    `sample` is a file with the newest letter as it was sent (RFC 5322), put there by the mailer; `sample_within` how
    old it may be. `dkim_key` is the public key of its signature, base64, for a sender whose DNS cannot be asked.
    """

    sample: str | None = None
    sample_within: Period = Duration(40, "day")
    dkim_key: str | None = None


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
