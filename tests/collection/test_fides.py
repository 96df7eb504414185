from __future__ import annotations

import pytest

from troth.collection.fides import import_datasets
from troth.errors import DeclarationFaults, UnreadableFile
from troth.policy import mapreading
from troth.policy.datamap import AnyPath, ByIdentifier, ByKey, ByRow, DataMap, OwnRow

SHOP = """
dataset:
  - fides_key: shop
    name: The shop
    collections:
      - name: customer
        fields:
          - {name: id, fides_meta: {primary_key: true, data_type: integer}}
          - {name: mail, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name.first]}
          - {name: password, data_categories: [user.authorization.password]}
          - name: address_id
            data_categories: [system.operations]
            META: {references: [{dataset: shop, field: address.id, direction: to}]}
      - name: address
        fields:
          - {name: id, META: {primary_key: true}}
          - {name: street, data_categories: [user.contact.address.street]}
      - name: orders
        fields:
          - {name: id, META: {primary_key: true}}
          - {name: customer_id, META: {references: [{dataset: shop, field: customer.id, direction: from}]}}
          - {name: amount, data_categories: [user.behavior.purchase_history]}
      - name: order_item
        fields:
          - {name: order_id, META: {references: [{dataset: shop, field: orders.id, direction: from}]}}
      - name: login
        fields:
          - {name: customer_id, META: {references: [{dataset: shop, field: customer.id}]}}
          - {name: time, data_categories: [user.behavior]}
      - name: subscription
        fields:
          - {name: mail, data_categories: [user.contact.email], META: {identity: email}}
      - name: report
        fields:
          - {name: author, data_categories: [user.name]}
      - name: product
        fields:
          - {name: title, data_categories: [system.operations]}
"""


def _imported(text: str) -> DataMap:
    return mapreading.parse(import_datasets(text.encode(), "dataset.yml").encode())


@pytest.mark.parametrize("meta", ["fides_meta", "fidesops_meta"])
def test_a_dataset_becomes_a_map_that_reads_without_faults(meta: str) -> None:
    datamap = _imported(SHOP.replace("META", meta))
    tables = datamap.stores["shop"].tables

    kind = datamap.people()["shop.customer"]
    assert (kind.table, kind.key, kind.identifiers["email"].column) == ("customer", ("id",), "mail")
    assert tables["customer"].whose == OwnRow("shop.customer")
    assert tables["orders"].whose == ByKey(("customer_id",), "shop.customer")
    assert tables["login"].whose == ByKey(("customer_id",), "shop.customer")
    assert tables["order_item"].whose == ByRow(("order_id",), "orders", None)
    assert tables["address"].whose == ByRow(("id",), "customer", ("address_id",))
    assert isinstance(tables["subscription"].whose, ByIdentifier)
    assert not tables["product"].personal


def test_an_address_that_rows_point_at_may_be_several_peoples() -> None:
    """An erasure there must not take the home of somebody else."""
    assert _imported(SHOP.replace("META", "fides_meta")).stores["shop"].tables["address"].shared


def test_categories_are_taken_over_by_their_nearest_name() -> None:
    columns = {
        (place.table, place.column): column for place, column in _imported(SHOP.replace("META", "fides_meta")).columns()
    }

    assert columns["customer", "mail"].category == "contact.email"
    assert columns["customer", "name"].category == "profile.name"
    assert columns["address", "street"].category == "contact.address"
    assert columns["orders", "amount"].category == "transaction.purchase"
    assert columns["customer", "password"].copy == "no"
    assert ("product", "title") not in columns


def test_what_leads_to_nobody_is_asked_about() -> None:
    datamap = _imported(SHOP.replace("META", "fides_meta"))

    assert datamap.stores["shop"].tables["report"].whose is None
    assert any("report" in question.about for question in datamap.open_questions("shop"))


def test_missing_types_are_counted_and_read_from_the_store() -> None:
    text = import_datasets(SHOP.replace("META", "fides_meta").encode(), "dataset.yml")

    assert "the live store's own type counts" in text


def test_what_the_format_says_and_a_map_cannot_becomes_a_question() -> None:
    text = """
dataset:
  - fides_key: shop
    collections:
      - name: users
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: mail, data_categories: [user.contact.email], fides_meta: {identity: email}}
          - {name: extra, fields: [{name: phone, data_categories: [user.contact.phone_number]}]}
          - {name: crm_id, fides_meta: {references: [{dataset: crm, field: people.id, direction: to}]}}
      - name: audit
        fides_meta: {skip_processing: true}
        fields: [{name: user_id, fides_meta: {references: [{dataset: shop, field: users.id, direction: from}]}}]
  - fides_key: crm
    collections: [{name: people, fields: [{name: id, fides_meta: {primary_key: true}}, {name: n, data_categories: [user.name]}]}]
"""
    asked = [(question.store, question.about) for question in _imported(text).questions]

    assert ("shop", "users.extra") in asked
    assert ("shop", "users.crm_id -> crm.people.id") in asked
    assert ("shop", "audit") in asked
    assert ("crm", "people") in asked


def test_several_kinds_of_people_are_told_apart() -> None:
    text = """
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields: [{name: id, fides_meta: {primary_key: true}}, {name: mail, fides_meta: {identity: email}}]
      - name: staff
        fields: [{name: id, fides_meta: {primary_key: true}}, {name: mail, fides_meta: {identity: email}}]
      - name: visits
        fields: [{name: customer_id, fides_meta: {references: [{dataset: shop, field: customer.id, direction: from}]}}]
      - name: shifts
        fields: [{name: staff_id, fides_meta: {references: [{dataset: shop, field: staff.id, direction: from}]}}]
"""
    tables = _imported(text).stores["shop"].tables

    assert tables["visits"].whose == ByKey(("customer_id",), "shop.customer")
    assert tables["shifts"].whose == ByKey(("staff_id",), "shop.staff")
    assert not any(isinstance(table.whose, AnyPath) for table in tables.values())


@pytest.mark.parametrize(
    "text",
    ["system: [{fides_key: web}]", "dataset: []", "[]", "dataset: [{collections: []}]", "dataset: [7]",
     "dataset: [{fides_key: a, collections: [{fields: []}]}]", "dataset: [{fides_key: a, collections: {x: 1}}]"],
)  # fmt: skip
def test_what_is_no_dataset_is_told_with_its_place(text: str) -> None:
    with pytest.raises(DeclarationFaults, match=r"dataset\.yml:1"):
        import_datasets(text.encode(), "dataset.yml")


def test_an_empty_file_is_told_in_one_line() -> None:
    with pytest.raises(UnreadableFile):
        import_datasets(b"", "dataset.yml")
