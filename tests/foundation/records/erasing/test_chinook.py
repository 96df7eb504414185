"""Chinook on three engines: a customer, and an employee who reports to another and supports customers, are erased."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chinook import ENGINES, _without_database, chinook_folder, run_script
from tests.foundation.records.erasing.company import Company, Row
from tests.servers import fresh_database
from troth.foundation.records import erasing
from troth.policy.datamap import StoreKind

NAMES = {
    "postgresql": ("customer", "employee", "invoice", "invoice_line"),
    "sqlite": ("Customer", "Employee", "Invoice", "InvoiceLine"),
    "mariadb": ("Customer", "Employee", "Invoice", "InvoiceLine"),
}


def _map(engine: str) -> str:
    customer, employee, invoice, line = NAMES[engine]

    def c(name: str) -> str:
        if engine != "postgresql":
            return name
        return "".join(f"_{sign.lower()}" if sign.isupper() and at else sign.lower() for at, sign in enumerate(name))

    person = ["FirstName", "LastName", "Address", "City", "State", "Country", "PostalCode", "Phone", "Fax", "Email"]
    columns = ", ".join(f"{c(name)}: profile.name" for name in person)
    billing = ["BillingAddress", "BillingCity", "BillingState", "BillingCountry", "BillingPostalCode"]
    kept = ", ".join(map(c, ["InvoiceId", "InvoiceDate", *billing, "Total"]))
    return f"""    person:
      customer: {{table: {customer}, key: {c("CustomerId")}, identifiers: {{email: {c("Email")}}}}}
      employee: {{table: {employee}, key: {c("EmployeeId")}, identifiers: {{email: {c("Email")}}}}}
    tables:
      {customer}:
        whose: {{person: customer}}
        columns: {{{columns}, {c("Company")}: profile.name, {c("SupportRepId")}: {{link: employee}}}}
      {employee}:
        whose: {{person: employee}}
        columns: {{{columns}, {c("ReportsTo")}: {{link: employee}}, {c("BirthDate")}: identity.birth_date}}
      {invoice}:
        whose: {{by: {c("CustomerId")}, person: customer}}
        on_erasure:
          keep: [{kept}]
          ground: tax-law
          until: {c("InvoiceDate")} + 10 years
          change: {{{c("CustomerId")}: stand-in}}
      {line}: {{whose: {c("InvoiceId")} > {invoice}, on_erasure: {{keep: all, ground: tax-law, until: {c("InvoiceLineId")} + 10 years}}}}
"""


@pytest.fixture(params=ENGINES)
def chinook(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Company]:
    engine: str = request.param
    folder = chinook_folder()
    if engine == "sqlite":
        copied = shutil.copy(folder / "chinook.sqlite", tmp_path / "chinook.db")
        copied.chmod(0o600)
        company = Company(f"sqlite:///{copied}", _map(engine))
        yield company
        company.records.close()
        return
    name = {"postgresql": "chinook.postgresql.sql", "mariadb": "chinook.mysql.sql"}[engine]
    with fresh_database(request.getfixturevalue(f"{engine}_url")) as url:
        run_script(url, _without_database((folder / name).read_text(encoding="utf-8-sig")))
        company = Company(url, _map(engine))
        yield company
        company.records.close()


def _names(company: Company) -> tuple[str, str, str, str]:
    return NAMES[{StoreKind.POSTGRESQL: "postgresql", StoreKind.SQLITE: "sqlite", StoreKind.MARIADB: "mariadb"}[company.kind]]  # fmt: skip


def _cells(company: Company, id_: str, table: str) -> list[str]:
    """The texts that stand in that person's own row and in no other row of any table."""
    everything = company.everything()
    (own,) = [row for row in everything[table] if row[0] == id_]
    others = {cell for name, rows in everything.items() for row in rows if row is not own for cell in row}
    return [cell for cell in own[1:] if cell.startswith("'") and len(cell) > 4 and cell not in others]


def test_a_customer_goes_and_the_invoices_stay_with_billing_fields_only(chinook: Company) -> None:
    customer, _, invoice, line = _names(chinook)
    before = chinook.everything()
    needles = _cells(chinook, "5", customer)
    assert len(needles) > 3
    person = chinook.find("shop.customer:5")

    done = chinook.erase(person)

    after = chinook.everything()
    assert done.changed[invoice] == done.kept[invoice] == 7
    billed = {cell for row in after[invoice] for cell in row}
    assert [cell for cell in needles if cell not in billed and any(cell in row for rows in after.values() for row in rows)] == []  # fmt: skip
    assert chinook.recount(person) == {}
    assert chinook.dangling() == {}
    assert after[line] == before[line]
    stand_in = [row for row in after[customer] if "stand-in-customer@example.invalid" in "".join(row)]
    assert len(stand_in) == 1
    assert {*before[customer]} - {*after[customer]} == {row for row in before[customer] if row[0] == "5"}
    assert {*after[customer]} - {*before[customer]} == {*stand_in}
    mine = {row[0] for row in before[invoice] if row[1] == "5"}
    for old, new in zip(sorted(before[invoice]), sorted(after[invoice]), strict=True):
        assert old == new or (old[0] in mine and old[0] == new[0] and old[2:] == new[2:] and new[1] == stand_in[0][0])


def test_an_employee_goes_and_nobody_points_at_them(chinook: Company) -> None:
    customer, employee, invoice, _ = _names(chinook)
    before = chinook.everything()
    needles = _cells(chinook, "2", employee)
    person = chinook.find("shop.employee:2")  # reports to 1; 3, 4 and 5 report to 2
    supporter = chinook.find("shop.employee:3")  # reports to 2, and supports customers

    chinook.erase(person)
    done = chinook.erase(supporter, "r2")

    after = chinook.everything()
    assert done.cut[customer] == 21
    assert [cell for cell in needles if any(cell in row for rows in after.values() for row in rows)] == []
    assert {row[0] for row in before[employee]} - {row[0] for row in after[employee]} == {"2", "3"}
    assert chinook.recount(person) == {} == chinook.recount(supporter)
    assert chinook.dangling() == {}
    assert after[invoice] == before[invoice]
    for old, new in zip(_by_id(before[customer]), _by_id(after[customer]), strict=True):
        assert old == new or (old[:-1] == new[:-1] and (old[-1], new[-1]) == ("3", "None"))


def _by_id(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: int(row[0]))


def test_every_lookup_of_chinook_has_its_index_or_a_small_table(chinook: Company) -> None:
    erasure = erasing.compile(chinook.reach, chinook.kind)

    assert erasing.missing_indexes(erasure, erasing.asker(chinook.records, "shop")) == ()
