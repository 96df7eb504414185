"""Who stands at the door: anyone, a person who showed who they are, a member of staff, or one of the company's apps."""

from __future__ import annotations

from dataclasses import dataclass, field

from troth.errors import AccessDenied
from troth.foundation.roles import Role


@dataclass(frozen=True, slots=True)
class Anyone:
    """A visitor of whom nothing is known, and nothing need be."""


@dataclass(frozen=True, slots=True)
class VerifiedPerson:
    """A data subject who confirmed their identity for this session; `number` is theirs in the store."""

    number: int


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff with a live session."""

    id: int
    name: str = field(repr=False)
    role: Role


@dataclass(frozen=True, slots=True)
class App:
    """One of the company's own programs, known by its token."""

    name: str


Caller = Anyone | VerifiedPerson | Staff | App


def require_person(caller: Caller) -> VerifiedPerson:
    """The verified person, or AccessDenied."""
    if isinstance(caller, VerifiedPerson):
        return caller
    raise AccessDenied(
        "this is for the person concerned", repair="Sign in by the link that we send to an address on file."
    )


def require_staff(caller: Caller, *roles: Role) -> Staff:
    """The member of staff when their role is one of `roles` (any role when none is named), or AccessDenied."""
    if not isinstance(caller, Staff):
        raise AccessDenied("this is for staff", repair="Sign in.")
    if roles and caller.role not in roles:
        raise AccessDenied(f"the role {caller.role} may not do this", expected=" or ".join(roles))
    return caller


def require_app(caller: Caller) -> App:
    """The app, or AccessDenied."""
    if isinstance(caller, App):
        return caller
    raise AccessDenied("this is for the company's own programs", repair="Send a token: Authorization: Bearer ...")
