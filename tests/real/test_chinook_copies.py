"""A copy for people of a public sample database: all that is theirs, nothing that tells another of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy

from troth.foundation.people import identifier
from troth.foundation.records.copying import rows_of
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects
from troth.policy import mapreading

MAP = """
troth: 1
stores:
  music:
    connect: ${{MUSIC}}
    person:
      customer: {{table: {Customer}, key: {CustomerId}, identifiers: {{email: {Email}, phone: {Phone}}}}}
      employee: {{table: {Employee}, key: {EmployeeId}, identifiers: {{email: {Email}}}}}
    tables:
      {Customer}:
        whose: {{person: customer}}
        columns: {{{SupportRepId}: {{link: employee}}}}
      {Invoice}: {{whose: {{by: {CustomerId}, person: customer}}}}
      {InvoiceLine}: {{whose: {InvoiceId} > {Invoice}}}
      {Employee}:
        whose: {{person: employee}}
        columns: {{{ReportsTo}: {{link: employee}}}}
"""
NAMES = ("Customer", "CustomerId", "Email", "Phone", "Fax", "Address", "Employee", "EmployeeId", "SupportRepId", "Invoice",
         "InvoiceId", "InvoiceLine", "InvoiceLineId", "ReportsTo", "BillingAddress")  # fmt: skip
Copied = dict[str, list[dict[str, Any]]]


class Music:
    """The database under a map in its own spelling: PostgreSQL's has small letters."""

    def __init__(self, url: str) -> None:
        small = url.startswith("postgresql")
        self.names = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() if small else name for name in NAMES}
        self.datamap = mapreading.parse(MAP.format(**self.names).encode())
        self.records = Records.open(self.datamap, {"MUSIC": url}, timeout_s=30)

    def copied(self, who: str) -> Copied:
        subjects = find_subjects(self.records, self.datamap, [identifier("id", f"music.{who}")])
        reach = Reach.compile(self.datamap, self.records.catalogue("music"))
        spelt = {name: plain for plain, name in self.names.items()}
        return {
            spelt[table.name]: [dict(zip(columns, row, strict=True)) for row in rows]
            for table, _, columns, rows in rows_of(self.records, reach, subjects)
        }

    def rows(self, table: str, by: str, value: int) -> list[dict[str, Any]]:
        """The same rows, asked for by hand."""
        made = self.records.table("music", self.names[table])
        statement = sqlalchemy.select(made).where(made.c[self.names[by]] == value)
        return [dict(zip(made.c.keys(), row, strict=True)) for row in self.records.execute("music", statement)]

    def telling(self, table: str, key: str, but: int) -> set[str]:
        """What tells people of `table` apart: mail, phone, fax, street, of everybody but one."""
        made = self.records.table("music", self.names[table])
        columns = [made.c[self.names[name]] for name in ("Email", "Phone", "Fax", "Address")]
        rows = self.records.execute("music", sqlalchemy.select(*columns).where(made.c[self.names[key]] != but))
        own = {str(value) for row in self.rows(table, key, but) for value in row.values()}
        return {str(value) for row in rows for value in row if value} - own


@pytest.fixture
def music(chinook_url: str) -> Iterator[Music]:
    made = Music(chinook_url)
    yield made
    made.records.close()


def same(found: list[dict[str, Any]], by_hand: list[dict[str, Any]], *, but: str = "") -> bool:
    def plain(rows: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
        return sorted(sorted((k, str(v).replace("T", " ")) for k, v in row.items() if k != but) for row in rows)

    return plain(found) == plain(by_hand)


@pytest.mark.parametrize("number", [1, 23, 59])
def test_a_customers_copy_holds_all_of_theirs_and_nothing_of_another(music: Music, number: int) -> None:
    copied = music.copied(f"customer:{number}")

    invoices = music.rows("Invoice", "CustomerId", number)
    lines = [line for one in invoices for line in music.rows("InvoiceLine", "InvoiceId", one[music.names["InvoiceId"]])]
    assert set(copied) == {"Customer", "Invoice", "InvoiceLine"}
    assert same(copied["Customer"], music.rows("Customer", "CustomerId", number), but=music.names["SupportRepId"])
    assert same(copied["Invoice"], invoices)
    assert same(copied["InvoiceLine"], lines)
    assert len(lines) > 30
    text = str(copied)
    assert {one for one in music.telling("Customer", "CustomerId", number) if one in text} == set()
    assert {one for one in music.telling("Employee", "EmployeeId", 0) if one in text} == set()
    assert copied["Customer"][0][music.names["SupportRepId"]] == "person 1"


@pytest.mark.parametrize("number", [3, 1])
def test_an_employees_copy_holds_their_row_and_neither_superiors_nor_customers(music: Music, number: int) -> None:
    copied = music.copied(f"employee:{number}")

    assert set(copied) == {"Employee"}
    assert same(copied["Employee"], music.rows("Employee", "EmployeeId", number), but=music.names["ReportsTo"])
    assert copied["Employee"][0][music.names["ReportsTo"]] == (None if number == 1 else "person 1")
    text = str(copied)
    assert {one for one in music.telling("Employee", "EmployeeId", number) if one in text} == set()
    assert {one for one in music.telling("Customer", "CustomerId", 0) if one in text} == set()


def test_a_path_over_the_wrong_column_gives_another_copy(music: Music, chinook_url: str) -> None:
    """That the test above can fail: the invoices' own numbers taken for the customers'."""
    wrong = Music(chinook_url)
    text = MAP.replace("{{by: {CustomerId}, person", "{{by: {InvoiceId}, person").format(**wrong.names)
    wrong.datamap = mapreading.parse(text.encode())
    with wrong.records:
        assert not same(wrong.copied("customer:1")["Invoice"], music.rows("Invoice", "CustomerId", 1))
