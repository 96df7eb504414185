"""Accounts and the profiles that belong to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from troth.example.shop import sessions
from troth.example.shop.database import Found
from troth.example.shop.passwords import LONGEST, SHORTEST, hash_password
from troth.example.shop.tables import profiles, users
from troth.example.shop.words import AVATARS

_USERNAME: Final = re.compile(r"[a-z0-9_]{3,40}\Z")
_EMAIL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}\Z")
_PHONE: Final = re.compile(r"\+[0-9]{8,15}\Z")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody typed to open an account, tidied; its repr shows none of it."""

    username: str
    email: str
    phone: str
    password: str

    def __repr__(self) -> str:
        return "Wanted(…)"

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Wanted:
        """Lower case for what identifies; a phone number without its spaces and brackets."""
        return cls(
            username=form.get("username", "").lower(),
            email=form.get("email", "").lower(),
            phone=re.sub(r"[\s()./-]", "", form.get("phone", "")),
            password=form.get("password", ""),
        )

    def faults(self) -> dict[str, str]:
        """What has to be mended, by field."""
        found: dict[str, str] = {}
        if not _USERNAME.match(self.username):
            found["username"] = "Three to forty small letters, digits or underscores, please."
        if len(self.email) > 254 or not _EMAIL.match(self.email):
            found["email"] = "This does not look like an e-mail address."
        if self.phone and not _PHONE.match(self.phone):
            found["phone"] = "With the country in front, please: +44 7700 900123."
        if fault := password_fault(self.password):
            found["password"] = fault
        return found


def password_fault(password: str) -> str | None:
    """What is wrong with a new password; length is all that counts."""
    if len(password) < SHORTEST:
        return f"At least {SHORTEST} signs, please. Several words are easy to keep in mind."
    if len(password) > LONGEST:
        return f"At most {LONGEST} signs, please."
    return None


def open_account(engine: Engine, wanted: Wanted, now: datetime) -> int | None:
    """Open an account with an empty profile; its number, or None when the name or the address is in use.

    The password is hashed in both cases, so that the time does not tell.
    """
    password_hash = hash_password(wanted.password)
    try:
        with engine.begin() as tx:
            number = tx.execute(
                insert(users)
                .values(
                    username=wanted.username,
                    email=wanted.email,
                    phone=wanted.phone or None,
                    password_hash=password_hash,
                    created_at=now,
                )
                .returning(users.c.id)
            ).scalar_one()
            tx.execute(
                insert(profiles).values(
                    user_id=number, name=wanted.username, avatar=AVATARS[number % len(AVATARS)], bio=""
                )
            )
    except IntegrityError:
        return None
    return int(number)


def find_by_login(tx: Connection, login: str) -> Found | None:
    """(id, password_hash, email, phone) of the open account with that user name or e-mail address."""
    login = login.lower()
    return tx.execute(
        select(users.c.id, users.c.password_hash, users.c.email, users.c.phone).where(
            or_(users.c.username == login, users.c.email == login), users.c.closed_at.is_(None)
        )
    ).one_or_none()


def account_of(tx: Connection, number: int) -> Found:
    """(username, email, phone, password_hash, created_at) of that account."""
    return tx.execute(
        select(users.c.username, users.c.email, users.c.phone, users.c.password_hash, users.c.created_at).where(
            users.c.id == number
        )
    ).one()


def profile_of(tx: Connection, number: int) -> Found | None:
    """(number, username, name, avatar, bio, created_at) of an open account; None for anybody else."""
    return tx.execute(
        select(
            users.c.id.label("number"),
            users.c.username,
            profiles.c.name,
            profiles.c.avatar,
            profiles.c.bio,
            users.c.created_at,
        )
        .join(profiles, profiles.c.user_id == users.c.id)
        .where(users.c.id == number, users.c.closed_at.is_(None))
    ).one_or_none()


def change_profile(tx: Connection, number: int, *, name: str, avatar: str, bio: str) -> dict[str, str]:
    """Write the profile, or say by field what has to be mended and change nothing."""
    faults = {}
    if not 1 <= len(name) <= 120 or "\n" in name:
        faults["name"] = "A name of up to 120 letters, please."
    if avatar not in AVATARS:
        faults["avatar"] = "Choose one of the pictures."
    if len(bio) > 1000:
        faults["bio"] = "Up to 1,000 letters, please."
    if not faults:
        tx.execute(update(profiles).where(profiles.c.user_id == number).values(name=name, avatar=avatar, bio=bio))
    return faults


def change_password(tx: Connection, number: int, password: str, *, kept: sessions.Session) -> None:
    """Set a new password; every other session of the account ends."""
    tx.execute(update(users).where(users.c.id == number).values(password_hash=hash_password(password)))
    sessions.end_all(tx, number, but=kept)


def close_account(tx: Connection, number: int, now: datetime) -> None:
    """Close the account: nobody can log in to it, its page is gone, and its data goes when its period ends."""
    tx.execute(update(users).where(users.c.id == number).values(closed_at=now))
    tx.execute(update(profiles).where(profiles.c.user_id == number).values(closed_at=now))
    sessions.end_all(tx, number)


def open_accounts(tx: Connection) -> list[int]:
    """The numbers of all open accounts."""
    return [
        int(number) for number in tx.scalars(select(users.c.id).where(users.c.closed_at.is_(None)).order_by(users.c.id))
    ]


def count(tx: Connection) -> int:
    """How many accounts there are, closed ones included."""
    return int(tx.scalar(select(func.count()).select_from(users)) or 0)
