"""Which messages were sent, for a company that keeps no log of its own: template, class and order of each.

1. The templates and their classes stand in troth.toml (`[messages.templates]`); an unknown one is refused.
2. A transactional message belongs to an order; one that names none is refused.
3. Each is one row and one ledger leaf. The order is kept as a keyed hash.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from troth.errors import TrothError, UnknownName
from troth.foundation.ledger import leaves
from troth.policy.documents import nearest
from troth.use import standing
from troth.use.office import Office, said_at
from troth.use.standing import Person
from troth.use.tables import messages_sent
from troth.use.words import MessageClass

if TYPE_CHECKING:
    from troth.policy.usesettings import MessageSettings


def class_of(settings: MessageSettings, template: str) -> MessageClass:
    """The class that the settings give a template. Raises: UnknownName for one that they do not name."""
    word = settings.templates.get(template)
    if word is None:
        raise UnknownName(
            "this is no template of a message.",
            where="[messages.templates] in troth.toml",
            expected=f"one of: {', '.join(settings.templates)}",
            nearest=nearest(template[:60], tuple(settings.templates)),
        )
    return MessageClass(word)


def note(
    office: Office,
    settings: MessageSettings,
    person: Person,
    template: str,
    *,
    order: str | None = None,
    at: datetime | None = None,
) -> MessageClass:
    """Record that a message of `template` went to `person`; gives its class.

    Raises: UnknownName for a template that no setting names; TrothError for a transactional one without order, or one
    of another class with an order; PersonUnknown, PersonAmbiguous, PersonError; StoreError.
    """
    kind = class_of(settings, template)
    if (kind is MessageClass.TRANSACTIONAL) != (order is not None):
        needs = "belongs to an order, and none is named" if order is None else "belongs to no order"
        raise TrothError(f"{template}: a {kind} message {needs}", where="[messages.templates] in troth.toml")
    with office.deed() as tx:
        number = standing.load_person(tx, office.keyring, person)
        moment = said_at(office, at, None)
        body = {"template": template, "class": kind.value}
        leaf = leaves.append(tx, office.keyring, "message.sent", number, body, office.clock.now())
        tx.execute(
            messages_sent.insert().values(
                person=number,
                template=template,
                kind=kind,
                order_hash=None if order is None else office.keyring.pseudonym("order", order.encode()),
                at=moment,
                leaf=leaf,
            )
        )
    return kind
