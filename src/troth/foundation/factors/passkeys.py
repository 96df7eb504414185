"""Passkeys (WebAuthn): a key in a device or a token, which signs a challenge for this site and no other.

Each is made discoverable and with the person verified by the device (by finger, face or number), so that one alone is
two factors: it signs in without a name and without a password. What must hold of an answer (W3C Web Authentication,
section 7): the challenge is ours, was given for this purpose, minutes ago, and is answered once; origin and site are
ours; the person was verified; the signature fits the key that was registered; and a counter that counts has grown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, delete, select, update

from troth.errors import StoreConflict, TrothError
from troth.foundation import staff
from troth.foundation.factors import awaited
from troth.foundation.keys import Keyring
from troth.foundation.store import Store
from troth.foundation.tables import staff_passkeys

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

_REGISTER, _SHOW = "passkey made", "passkey shown"
LONGEST_LABEL = 60
_LONGEST = 32 * 1024
"""Letters of what an authenticator says; attestations with their certificates stay well below it."""


@dataclass(frozen=True, slots=True)
class Place:
    """For whom passkeys are: the site's host, its origin, and the company's name."""

    host: str
    origin: str
    company: str

    @classmethod
    def of(cls, url: str, company: str) -> Place:
        """The place of a site's address."""
        parts = urlsplit(url)
        return cls(parts.hostname or "localhost", f"{parts.scheme}://{parts.netloc}".lower(), company)


@dataclass(frozen=True, slots=True)
class Offer:
    """A challenge: what the browser's script is given, and what the browser keeps meanwhile."""

    options: str
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser sends back: what it kept, and what the authenticator said, as JSON."""

    kept: str = field(repr=False)
    credential: str = field(repr=False)


def is_installed() -> bool:
    """Whether this installation can do passkeys (the extra `staff`)."""
    from importlib.util import find_spec

    return find_spec("webauthn") is not None


def offer_new(tx: Connection, keyring: Keyring, place: Place, account: int, name: str, *, now: datetime) -> Offer:
    """A challenge to make a passkey for the account. Raises: TrothError where passkeys are not installed."""
    _require_installed()
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name=place.company,
        user_name=name,
        user_id=_handle(keyring, account),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_known(tx, account),
    )
    kept = awaited.begin(keyring, _REGISTER, {"challenge": options.challenge.hex(), "staff": account}, now=now)
    return Offer(webauthn.options_to_json(options), kept)


def add(
    store: Store,
    keyring: Keyring,
    place: Place,
    account: int,
    answer: Answer,
    *,
    label: str,
    now: datetime,
) -> bool:
    """Register the passkey that answered the challenge; False when the answer does not hold."""
    _require_installed()
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException
    from webauthn.helpers.structs import CredentialDeviceType

    begun = awaited.look(keyring, _REGISTER, answer.kept, now=now)
    if begun is None or begun["staff"] != account or len(answer.credential) > _LONGEST:
        return False
    try:
        made = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=bytes.fromhex(begun["challenge"]),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError):
        return False
    facts = {
        "credential": made.credential_id,
        "public_key": made.credential_public_key,
        "sign_count": made.sign_count,
        "backed_up": made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
    }
    try:
        with store.writing() as tx:
            if not awaited.answered(tx, answer.kept, now=now):
                return False
            words = " ".join(label.split())[:LONGEST_LABEL] or "passkey"
            tx.execute(staff_passkeys.insert().values(staff=account, label=words, added_at=now, **facts))
            staff.record(tx, "staff.factor-added", account, now, factor="passkey", by=account)
    except StoreConflict:
        return False
    return True


def remove(store: Store, account: int, which: int, *, now: datetime) -> bool:
    """Take a passkey from its account; whether there was one."""
    with store.writing() as tx:
        its = (staff_passkeys.c.id == which, staff_passkeys.c.staff == account)
        if tx.execute(delete(staff_passkeys).where(*its)).rowcount != 1:
            return False
        staff.record(tx, "staff.factor-removed", account, now, factor="passkey", by=account)
        return True


def offer_show(tx: Connection, keyring: Keyring, place: Place, account: int | None, *, now: datetime) -> Offer:
    """A challenge to show a passkey: of the account, or of whoever comes (None). Raises: TrothError as `offer_new`."""
    _require_installed()
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=place.host,
        allow_credentials=None if account is None else _known(tx, account),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    kept = awaited.begin(keyring, _SHOW, {"challenge": options.challenge.hex(), "staff": account}, now=now)
    return Offer(webauthn.options_to_json(options), kept)


def shown(
    tx: Connection, keyring: Keyring, place: Place, account: int | None, answer: Answer, *, now: datetime
) -> int | None:
    """The account whose passkey answered the challenge given for `account`; None when the answer does not hold.

    It is written down in the caller's transaction; begin or renew the session in the same.
    """
    begun = awaited.look(keyring, _SHOW, answer.kept, now=now)
    row = _row(tx, answer.credential)
    if begun is None or begun["staff"] != account or row is None or account not in {None, row.staff}:
        return None
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        seen = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=bytes.fromhex(begun["challenge"]),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    if not _is_handle(answer.credential, _handle(keyring, row.staff)) or not awaited.answered(tx, answer.kept, now=now):
        return None
    values: dict[str, Any] = {"sign_count": seen.new_sign_count, "used_at": now}
    tx.execute(update(staff_passkeys).where(staff_passkeys.c.id == row.id).values(**values))
    return int(row.staff)


def _row(tx: Connection, credential: str) -> Row | None:  # type: ignore[type-arg]
    """The passkey that the answer says it is; None for one that nobody registered, and what is no answer at all."""
    from webauthn.helpers import base64url_to_bytes

    if len(credential) > _LONGEST:
        return None
    try:
        name = base64url_to_bytes(json.loads(credential)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return tx.execute(select(staff_passkeys).where(staff_passkeys.c.credential == name)).one_or_none()


def _is_handle(credential: str, handle: bytes) -> bool:
    """Whether the answer names the account that the key belongs to, where it names any."""
    from webauthn.helpers import base64url_to_bytes

    told = json.loads(credential)["response"].get("userHandle")
    return told is None or base64url_to_bytes(told) == handle


def _known(tx: Connection, account: int) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    names = tx.execute(select(staff_passkeys.c.credential).where(staff_passkeys.c.staff == account)).scalars()
    return [PublicKeyCredentialDescriptor(id=name) for name in names]


def _handle(keyring: Keyring, account: int) -> bytes:
    """What the authenticator calls the account by: nothing that names anybody."""
    return keyring.pseudonym("staff passkey", str(account).encode())


def _require_installed() -> None:
    if not is_installed():
        raise TrothError("passkeys need more than is installed", repair="pip install 'troth[staff]'")
