"""Codes from a telephone (TOTP, RFC 6238): six digits that change every 30 seconds; and codes for when it is lost.

A code is taken for the step it belongs to, the one before and the one after, and never twice: the newest step that was
taken is kept, and no code of that step or an older one is taken again. The secret is sealed under the store's key. It
counts once a first code of it was shown. With it come ten recovery codes, each good once, kept as keyed hashes. Tries
are counted before they are made (ASVS 5.0: 6.5.1, 6.5.5, 6.6.3).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import Connection, delete, func, or_, select, update

from troth.errors import TrothError
from troth.foundation import staff, throttling
from troth.foundation.keys import Keyring
from troth.foundation.store import Store
from troth.foundation.tables import staff_codes, staff_recovery

STEP_S = 30
DIGITS = 6
WINDOW = 1
SECRET_BYTES = 20
RECOVERY_CODES = 10
LIMIT = throttling.Limit(free=5)

_LONGEST_LABEL = 20
"""So that the longest address, in any script, still fits into a picture that telephones read well."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 3, 4


def enrol(store: Store, keyring: Keyring, account: int, *, now: datetime) -> str:
    """Make a secret for the account's telephone, and give it, in base32; it counts once `confirm` took a code of it.

    A secret that was never confirmed is replaced. Raises: TrothError where one counts already.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    sealed = keyring.seal(secret, context=_context(account))
    with store.writing() as tx:
        if tx.execute(select(staff_codes.c.confirmed_at).where(staff_codes.c.staff == account)).scalar() is not None:
            raise TrothError("codes from a telephone are set up already", repair="Take them away first.")
        tx.execute(delete(staff_codes).where(staff_codes.c.staff == account))
        tx.execute(staff_codes.insert().values(staff=account, sealed=sealed, made_at=now))
    return base64.b32encode(secret).decode("ascii")


def begun(tx: Connection, keyring: Keyring, account: int) -> str | None:
    """The secret that waits for its first code, in base32; None where there is none, or it counts already."""
    row = tx.execute(select(staff_codes).where(staff_codes.c.staff == account)).one_or_none()
    if row is None or row.confirmed_at is not None:
        return None
    return base64.b32encode(keyring.unseal(row.sealed, context=_context(account))).decode("ascii")


def confirm(store: Store, keyring: Keyring, account: int, typed: str, *, now: datetime) -> tuple[str, ...] | None:
    """Take the first code of a new secret; it counts from now on. Gives the recovery codes, to be shown this once.

    None for a wrong code, or too many tries.
    """
    if not may_try(store, keyring, account, now):
        return None
    with store.writing() as tx:
        row = tx.execute(select(staff_codes).where(staff_codes.c.staff == account).with_for_update()).one_or_none()
        if row is None or row.confirmed_at is not None:
            return None
        step = _step_of(keyring.unseal(row.sealed, context=_context(account)), typed, now)
        if step is None:
            return None
        values = {"confirmed_at": now, "last_step": step}
        tx.execute(update(staff_codes).where(staff_codes.c.staff == account).values(**values))
        throttling.forgive(tx, keyring, "factor", str(account))
        staff.record(tx, "staff.factor-added", account, now, factor="code", by=account)
        return _new_recovery(tx, keyring, account)


def may_try(store: Store, keyring: Keyring, account: int, now: datetime) -> bool:
    """Count one try to show a factor of the account, before it is made, and say whether it may be."""
    with store.writing() as tx:
        allowed = throttling.take(tx, keyring, "factor", str(account), limit=LIMIT, now=now)
        tries = throttling.tried(tx, keyring, "factor", str(account))
        if allowed and tries >= LIMIT.free:
            staff.record(tx, "staff.factor-refused", account, now, tries=tries)
        return allowed


def take(tx: Connection, keyring: Keyring, account: int, typed: str, now: datetime) -> str | None:
    """Which factor was shown: `code`, `recovery`; None for neither. What was taken once is not taken again.

    Ask `may_try` first, in a transaction of its own.
    """
    if _take_code(tx, keyring, account, typed, now):
        factor = "code"
    elif _take_recovery(tx, keyring, account, typed, now):
        factor = "recovery"
    else:
        return None
    throttling.forgive(tx, keyring, "factor", str(account))
    return factor


def renew_recovery(store: Store, keyring: Keyring, account: int, *, now: datetime) -> tuple[str, ...]:
    """Ten new recovery codes, to be shown this once; the old ones end."""
    with store.writing() as tx:
        staff.record(tx, "staff.factor-added", account, now, factor="recovery", by=account)
        return _new_recovery(tx, keyring, account)


def recovery_left(tx: Connection, account: int) -> int:
    """How many recovery codes are unused."""
    unused = (staff_recovery.c.staff == account, staff_recovery.c.used_at.is_(None))
    return tx.execute(select(func.count()).select_from(staff_recovery).where(*unused)).scalar_one()


def forget(tx: Connection, account: int) -> bool:
    """Take the telephone and its recovery codes from the account; whether there was anything that counted."""
    tx.execute(delete(staff_recovery).where(staff_recovery.c.staff == account))
    confirmed = tx.execute(select(staff_codes.c.confirmed_at).where(staff_codes.c.staff == account)).scalar()
    tx.execute(delete(staff_codes).where(staff_codes.c.staff == account))
    return confirmed is not None


def address_of(secret: str, *, issuer: str, name: str) -> str:
    """The `otpauth` address of a base32 secret, as authenticators read it from a picture."""
    issuer, name = (text.replace(":", " ")[:_LONGEST_LABEL] for text in (issuer, name))
    label = f"{quote(issuer)}:{quote(name)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step (RFC 4226 section 5.3, over the step of RFC 6238)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_at(now: datetime) -> int:
    """The number of the step of 30 seconds that `now` lies in."""
    return int(now.timestamp()) // STEP_S


def secret_of(text: str) -> bytes:
    """The bytes of a secret in base32, blanks and small letters allowed. Raises: ValueError."""
    plain = "".join(text.split()).upper()
    try:
        return base64.b32decode(plain + "=" * (-len(plain) % 8))
    except binascii.Error:
        raise ValueError("not base32") from None


def _step_of(secret: bytes, typed: str, now: datetime) -> int | None:
    """The newest step within the window that the typed code belongs to."""
    digits = "".join(typed.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    here = step_at(now)
    found = None
    for step in range(here - WINDOW, here + WINDOW + 1):  # all of them, whichever fits
        if hmac.compare_digest(code_at(secret, step), digits):
            found = step
    return found


def _take_code(tx: Connection, keyring: Keyring, account: int, typed: str, now: datetime) -> bool:
    row = tx.execute(
        select(staff_codes).where(staff_codes.c.staff == account, staff_codes.c.confirmed_at.is_not(None))
    ).one_or_none()
    if row is None:
        return False
    step = _step_of(keyring.unseal(row.sealed, context=_context(account)), typed, now)
    if step is None:
        return False
    newer = or_(staff_codes.c.last_step.is_(None), staff_codes.c.last_step < step)
    # INVARIANT: of two at once with the same code, one row is changed once.
    return (
        tx.execute(update(staff_codes).where(staff_codes.c.staff == account, newer).values(last_step=step)).rowcount
        == 1
    )


def _take_recovery(tx: Connection, keyring: Keyring, account: int, typed: str, now: datetime) -> bool:
    unused = (
        staff_recovery.c.hash == _recovery_hash(keyring, account, typed),
        staff_recovery.c.staff == account,
        staff_recovery.c.used_at.is_(None),
    )
    return tx.execute(update(staff_recovery).where(*unused).values(used_at=now)).rowcount == 1


def _new_recovery(tx: Connection, keyring: Keyring, account: int) -> tuple[str, ...]:
    tx.execute(delete(staff_recovery).where(staff_recovery.c.staff == account))
    codes = tuple(_random_code() for _ in range(RECOVERY_CODES))
    tx.execute(
        staff_recovery.insert(), [{"hash": _recovery_hash(keyring, account, code), "staff": account} for code in codes]
    )
    return codes


def _random_code() -> str:
    """Twelve letters and digits that cannot be mistaken for each other, in three groups; 59 random bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _recovery_hash(keyring: Keyring, account: int, typed: str) -> bytes:
    plain = "".join(letter for letter in typed.lower() if letter in _LETTERS)
    return keyring.pseudonym("staff recovery", f"{account} {plain}".encode())


def _context(account: int) -> bytes:
    return f"staff code|{account}".encode()
