"""The nine sections in the order of print: what each checks, and where its tables stand.

One screen, no discovery by magic: a check or a table module that is not named here does not exist.
"""

from __future__ import annotations

from importlib import import_module

from troth.collection import checks as collection
from troth.contact import checks as contact
from troth.cookies import checks as cookies
from troth.foundation.proof import Check
from troth.links import checks as links
from troth.protection import checks as protection
from troth.rights import checks as rights
from troth.sharing import checks as sharing
from troth.updates import checks as updates
from troth.use import checks as use

CHECKS: tuple[Check, ...] = (
    *collection.CHECKS,
    *use.CHECKS,
    *protection.CHECKS,
    *sharing.CHECKS,
    *rights.CHECKS,
    *cookies.CHECKS,
    *links.CHECKS,
    *updates.CHECKS,
    *contact.CHECKS,
)

TABLES = (
    "troth.foundation.tables",
    "troth.foundation.store.tables",
    "troth.foundation.ledger.tables",
    "troth.foundation.guards.tables",
    "troth.foundation.attestations.tables",
    "troth.use.tables",
    "troth.sharing.tables",
    "troth.protection.tables",
    "troth.protection.audits.tables",
    "troth.protection.breaches.tables",
    "troth.protection.impacts.tables",
    "troth.protection.training.tables",
    "troth.rights.tables",
    "troth.updates.tables",
)
"""Every module that puts tables on the store's schema."""


def load_tables() -> None:
    """Put every table of every section on the schema, so that the whole of it can be made or compared."""
    for name in TABLES:
        import_module(name)
