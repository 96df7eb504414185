from __future__ import annotations

import pytest

from troth.foundation.records.otherwise import Otherwise
from troth.policy import mapreading
from troth.policy.datamap import Place

DATAMAP = mapreading.parse(
    b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id, identifiers: {email: email, username: nick}}}
    tables:
      users: {whose: {person: customer}, columns: {id: no, email: contact.email, nick: account.username}}
      log: {whose: {match: to, identifier: email}, columns: {to: contact.email, note: communication.message}}
      hooks: {whose: {json: body.user.mail, identifier: email}, columns: {body: contact.email}}
      lists: {whose: {json: "body.all[]", identifier: email}, columns: {body: contact.email}}
      cache: {whose: {text: pickled, pattern: '<{email}>', identifier: email}, columns: {pickled: contact.email}}
      keyed: {whose: {json: body.id}, columns: {body: contact.email}}
""",
    "datamap.yaml",
)
NEEDLE = "ann@example.org"
CASES = [
    ("log", "to", "ANN@example.org", True),
    ("log", "to", "ann@example.org, bob@example.org", False),
    ("log", "note", "ann@example.org", False),
    ("hooks", "body", '{"user": {"mail": "Ann@Example.org"}}', True),
    ("hooks", "body", {"user": {"mail": "Ann@Example.org"}}, True),
    ("hooks", "body", '{"user": {"mail": "bob@example.org"}, "cc": "ann@example.org"}', False),
    ("hooks", "body", "no document", False),
    ("lists", "body", '{"all": ["bob@example.org", "ANN@EXAMPLE.ORG"]}', True),
    ("cache", "pickled", b"x<Ann@example.org>y", True),
    ("cache", "pickled", "x<bob@example.org> about ann@example.org", False),
    ("keyed", "body", '{"id": "ann@example.org"}', False),
    ("users", "email", "ANN@example.org", False),
]


@pytest.mark.parametrize(("table", "column", "value", "theirs"), CASES)
def test_a_row_leads_to_whoever_its_own_path_ends_at(table: str, column: str, value: object, theirs: bool) -> None:
    assert Otherwise(DATAMAP).leads(Place("shop", table, column), value, NEEDLE) is theirs
