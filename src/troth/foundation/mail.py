"""Mail that troth sends: queued in the transaction of the deed, sent outside of it, never lost and never shown.

`queue` writes a letter into the outbox, sealed; `deliver` sends what waits, by SMTP over TLS with a verified
certificate. A letter that the server takes or refuses for good loses its content at once; one that it cannot take now
is tried again, at growing distances, for five days. A crash between sending and noting may send a letter twice,
under the same Message-ID. Logs name the letter's `reference` (a request number), never an address.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from troth.errors import KeyUnavailable, TrothError
from troth.foundation import ids
from troth.foundation.clock import Clock
from troth.foundation.keys import Keyring
from troth.foundation.store import Store, hold
from troth.foundation.store.guard import refuse_inside_writing
from troth.foundation.tables import outbox

if TYPE_CHECKING:
    from troth.policy.settings import MailSettings

log = logging.getLogger("troth.mail")

MOST_A_DAY = 20
"""Letters to one address within 24 hours, whoever caused them; more would make us a tool to annoy somebody. Those that
are owed go besides.
"""

GIVE_UP_AFTER = timedelta(days=5)
_CLAIM = timedelta(minutes=10)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
_TIMEOUT_S = 10.0


class MailState(StrEnum):
    """What became of a letter. WITHHELD: the address had its share of the day. FAILED: not taken within five days."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    BOUNCED = "bounced"
    FAILED = "failed"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one address. `reference` names it in logs and holds no personal data (a request number).

    `once`: a name under which it is queued at most once, whatever is repeated; `person`: whom it is to, so that what
    still waits can be found when they are erased. `owed`: it goes however many went today, since no stranger can cause
    it, and whoever wants it unread would only have to cause others before.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    reference: str
    once: str | None = None
    person: int | None = None
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one run of `deliver` did, in letters. `waiting` will be tried again."""

    sent: int = 0
    bounced: int = 0
    failed: int = 0
    waiting: int = 0


def queue(tx: Connection, keyring: Keyring, letter: Letter, now: datetime) -> MailState:
    """Put a letter into the outbox; it goes when the caller's transaction has been committed and `deliver` runs.

    Gives WAITING, WITHHELD when the address had `MOST_A_DAY` today and it is not owed, or the state of the one queued
    under `once` before. Raises: TrothError for what cannot be an address or a subject; a line break in either is
    refused, never sent.
    """
    to = _address(letter)
    if not letter.subject.isprintable() or not letter.subject.strip():
        raise TrothError("the subject of a letter is one line of text", where=letter.reference)
    hashed = keyring.pseudonym("mail address", to.lower().encode("utf-8"))
    hold(tx, f"mail {hashed.hex()}")
    if letter.once is not None:
        known = tx.execute(select(outbox.c.state).where(outbox.c.once == letter.once)).scalar_one_or_none()
        if known is not None:
            return MailState(known)
    today = and_(outbox.c.address_hash == hashed, outbox.c.queued_at > now - timedelta(days=1))
    count = tx.execute(select(func.count()).where(today, outbox.c.state != MailState.WITHHELD)).scalar_one()
    state = MailState.WITHHELD if count >= MOST_A_DAY and not letter.owed else MailState.WAITING
    message_id = ids.random_token()
    content = json.dumps([to, letter.subject, letter.text]).encode("utf-8")
    tx.execute(
        outbox.insert().values(
            reference=letter.reference,
            once=letter.once,
            person=letter.person,
            address_hash=hashed,
            message_id=message_id,
            sealed=keyring.seal(content, context=message_id.encode()) if state is MailState.WAITING else None,
            state=state,
            queued_at=now,
            next_at=now if state is MailState.WAITING else None,
            attempts=0,
        )
    )
    if state is MailState.WITHHELD:
        log.warning("%s: mail withheld; its address had %d letters within a day", letter.reference, MOST_A_DAY)
    return state


def deliver(
    store: Store, keyring: Keyring, settings: MailSettings, *, clock: Clock, trust: Path | None = None, most: int = 100
) -> Delivery:
    """Send what waits, at most `most` letters, over one connection. `trust`: authorities beside the others.

    Two processes at once send different letters. Without a server in the settings nothing is sent and all waits.
    Raises: TrothError when the settings would send over the network without TLS; StoreError inside a write transaction.
    """
    refuse_inside_writing("mail")
    if settings.server is None:
        return Delivery()
    _refuse_in_clear(settings)
    began = clock.now()
    claimed = _claim(store, began, most)
    outcomes: list[MailState] = []
    if claimed:
        try:
            with _connected(settings, trust) as server:
                for row in claimed:
                    now = clock.now()
                    if now - began > _CLAIM / 2:
                        # A slow server: soon another process might take the rest to be left by a dead one.
                        outcomes += [_try_later(store, left, now, None) for left in claimed[len(outcomes) :]]
                        break
                    outcomes.append(_send(store, keyring, server, row, sender=settings.sender, now=now))
        except (OSError, smtplib.SMTPException) as error:
            # No connection, or it broke: what was not sent yet waits.
            log.warning("mail: the server cannot be used now (%s)", _kind(error))
            left = claimed[len(outcomes) :]
            outcomes += [_try_later(store, row, clock.now(), _code(error)) for row in left]
    return Delivery(
        sent=outcomes.count(MailState.SENT),
        bounced=outcomes.count(MailState.BOUNCED),
        failed=outcomes.count(MailState.FAILED),
        waiting=outcomes.count(MailState.WAITING),
    )


def states_of(tx: Connection, reference: str) -> tuple[tuple[MailState, int | None], ...]:
    """State and last SMTP reply code of each letter under a reference, oldest first."""
    rows = tx.execute(
        select(outbox.c.state, outbox.c.reply).where(outbox.c.reference == reference).order_by(outbox.c.id)
    )
    return tuple((MailState(row.state), row.reply) for row in rows)


def _claim(store: Store, now: datetime, most: int) -> list[Row[Any]]:
    """Take letters that are due, for ten minutes; those of a process that died while sending come back by that."""
    open_ = or_(outbox.c.state == MailState.WAITING, outbox.c.state == MailState.SENDING)
    with store.writing() as tx:
        due = select(outbox).where(open_, outbox.c.next_at <= now).order_by(outbox.c.next_at, outbox.c.id).limit(most)
        rows = list(tx.execute(due.with_for_update(skip_locked=True)))
        tx.execute(
            update(outbox)
            .where(outbox.c.id.in_([row.id for row in rows]))
            .values(state=MailState.SENDING, attempts=outbox.c.attempts + 1, next_at=now + _CLAIM)
        )
    return rows


def _send(
    store: Store, keyring: Keyring, server: smtplib.SMTP, row: Row[Any], *, sender: str, now: datetime
) -> MailState:
    try:
        to, subject, text = json.loads(keyring.unseal(row.sealed, context=row.message_id.encode()))
    except KeyUnavailable:
        log.warning("%s: mail cannot be opened with the key at hand", row.reference)
        return _try_later(store, row, now, None)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = row.queued_at
    message["Message-ID"] = f"<{row.message_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(text)
    try:
        server.send_message(message)
    except smtplib.SMTPServerDisconnected:
        raise
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
        code = _code(error)
        refused_for_good = code is not None and code >= 500 and not isinstance(error, smtplib.SMTPSenderRefused)
        if refused_for_good or isinstance(error, smtplib.SMTPNotSupportedError):
            log.warning("%s: mail bounced (%s)", row.reference, code)
            return _end(store, row, MailState.BOUNCED, code)
        log.info("%s: mail not taken yet (%s)", row.reference, code)
        return _try_later(store, row, now, code)
    return _end(store, row, MailState.SENT, 250)


def _try_later(store: Store, row: Row[Any], now: datetime, code: int | None) -> MailState:
    if now - row.queued_at >= GIVE_UP_AFTER:
        log.warning("%s: mail given up after %d tries (%s)", row.reference, row.attempts + 1, code)
        return _end(store, row, MailState.FAILED, code)
    wait = min(_FIRST_WAIT * 2 ** min(row.attempts, 10), _LONGEST_WAIT)
    values = {"state": MailState.WAITING, "next_at": now + wait, "reply": code}
    with store.writing() as tx:
        tx.execute(update(outbox).where(outbox.c.id == row.id).values(values))
    return MailState.WAITING


def _end(store: Store, row: Row[Any], state: MailState, code: int | None) -> MailState:
    with store.writing() as tx:
        tx.execute(
            update(outbox).where(outbox.c.id == row.id).values(state=state, sealed=None, next_at=None, reply=code)
        )
    return state


@contextmanager
def _connected(settings: MailSettings, trust: Path | None) -> Iterator[smtplib.SMTP]:
    assert settings.server is not None
    context = ssl.create_default_context()
    for authorities in (trust, settings.trust):
        if authorities is not None:
            context.load_verify_locations(cafile=authorities)
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(settings.server, settings.port, timeout=_TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(settings.server, settings.port, timeout=_TIMEOUT_S)
    with server:
        if settings.security == "starttls":
            server.starttls(context=context)  # raises where it is not offered: never on in clear
        if settings.user is not None:
            server.login(settings.user, settings.password or "")
        yield server


def _refuse_in_clear(settings: MailSettings) -> None:
    if settings.security == "none" and not _is_loopback(settings.server or ""):
        raise TrothError(
            "mail would leave this machine without TLS",
            where="troth.toml [mail] security",
            expected='"starttls" or "tls"',
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address(letter: Letter) -> str:
    """The address as SMTP takes it: one, bare, the domain in ASCII. Raises: TrothError, which does not repeat it."""
    local, _, domain = letter.to.strip().rpartition("@")
    try:
        address = Address(addr_spec=f"{local}@{domain.encode('idna').decode('ascii')}").addr_spec
    except (HeaderParseError, ValueError, IndexError):
        address = ""
    if not address or not address.isprintable() or " " in address or len(address) > 254:
        raise TrothError("this is not an address that a letter can go to", where=letter.reference)
    return address


def _code(error: Exception) -> int | None:
    """The server's reply code. Its words are left out: they repeat the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=None)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _kind(error: Exception) -> str:
    code = _code(error)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
