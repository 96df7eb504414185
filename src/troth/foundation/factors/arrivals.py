"""What is done for somebody who came back from the company's provider: in, an account, another role, a link, a renewal.

1. Known by issuer and subject: their session begins. With a claim for roles, the role is what the claim gives now; who
   has none any more is not let in.
2. Not known, and the claim gives a role: an account is made for them. A name that somebody has already is refused:
   names and addresses prove nothing, so its holder has to link it themselves.
3. Not known, no claim: refused, with how to link an account.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from troth.errors import AccessDenied, StoreConflict, TrothError
from troth.foundation import staff
from troth.foundation.factors import awaited, sessions
from troth.foundation.factors.provider import Came, Provider
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.foundation.tables import staff_providers

BY = "provider"


def sign_in(store: Store, provider: Provider, came: Came, *, now: datetime) -> str:
    """A session's token for who came back. Raises: AccessDenied; TrothError for a role that the settings misname."""
    with store.writing() as tx:
        _answer(tx, came, now)
        known = _account_of(tx, came.subject)
    role = _role(provider, came)
    if known is None:
        if role is None:
            raise AccessDenied(
                "The provider knows you; no account here is linked to you yet.",
                repair="Sign in another way once, and link it under `Your account`.",
            )
        known = _made(store, came, role, now)
    elif provider.settings.role_claim is not None:
        _follow_role(store, known, role, now)
    with store.writing() as tx:
        # A password at the provider alone is one factor: the second is owed here, where the account has one.
        token = (
            staff.begin_by_factor(tx, known, BY, now) if came.strong else staff.begin(tx, known, BY, now, known=True)
        )
    if token is None:
        raise AccessDenied("This account is closed.", repair="Ask an administrator.")
    return token


def link(store: Store, came: Came, account: int, *, now: datetime) -> None:
    """Let the account be entered by who came back. Raises: AccessDenied when another account is theirs already."""
    if came.account != account:
        raise AccessDenied("This way was begun by somebody else.", repair="Begin again under `Your account`.")
    try:
        with store.writing() as tx:
            _answer(tx, came, now)
            tx.execute(delete(staff_providers).where(staff_providers.c.staff == account))
            tx.execute(staff_providers.insert().values(staff=account, subject=came.subject, linked_at=now))
            staff.record(tx, "staff.factor-added", account, now, factor=BY, by=account)
    except StoreConflict:
        raise AccessDenied("Another account is linked to you at the provider already.") from None


def unlink(store: Store, account: int, *, now: datetime) -> None:
    """The account is not entered by the provider any more; nothing happens where it was not."""
    with store.writing() as tx:
        if tx.execute(delete(staff_providers).where(staff_providers.c.staff == account)).rowcount:
            staff.record(tx, "staff.factor-removed", account, now, factor=BY, by=account)


def show_again(store: Store, came: Came, token: str, *, now: datetime) -> str | None:
    """The session's new token, its holder having shown themselves to the provider just now; None when it has ended.

    Raises: AccessDenied when somebody else came back, or the provider asked them nothing.
    """
    with store.writing() as tx:
        _answer(tx, came, now)
        account = sessions.account_of(tx, token, now=now)
        if account is None:
            return None
        if came.account != account or _account_of(tx, came.subject) != account or not came.recent:
            raise AccessDenied("The provider did not confirm that it is you.", repair="Sign out, and begin again.")
        return sessions.renewed(tx, token, BY, now)


def _answer(tx: Connection, came: Came, now: datetime) -> None:
    if not awaited.answered(tx, came.kept, now=now):
        raise AccessDenied("This answer was used already.", repair="Begin again from the sign-in.")


def _account_of(tx: Connection, subject: bytes) -> int | None:
    found: int | None = tx.execute(
        select(staff_providers.c.staff).where(staff_providers.c.subject == subject)
    ).scalar_one_or_none()
    return found


def _role(provider: Provider, came: Came) -> Role | None:
    word = provider.role_of(came.claims)
    if word is None:
        return None
    if word not in {*Role}:
        raise TrothError("there is no such role", where="[staff.oidc] roles", expected=", ".join(Role))
    return Role(word)


def _made(store: Store, came: Came, role: Role, now: datetime) -> int:
    """An account for somebody new, linked to them in the same transaction."""
    name = str(came.claims.get("preferred_username") or "")
    try:
        return staff.add(store, name, role, now=now, by=BY, subject=came.subject).id
    except TrothError:
        raise AccessDenied(
            "No account could be made under your name at the provider; somebody may have it here.",
            repair="If it is you: sign in another way once, and link it under `Your account`.",
        ) from None


def _follow_role(store: Store, account: int, role: Role | None, now: datetime) -> None:
    with store.reading() as tx:
        found = staff.find(tx, account)
    if role is None or found is None:
        raise AccessDenied("The provider gives you no role here any more.", repair="Ask who runs the provider.")
    if found.role is not role:
        staff.set_role(store, found.name, role, now=now, by=BY)
