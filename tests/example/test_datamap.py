"""The data map beside the shop: whole, and with nothing in it that the policy does not declare."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Engine, inspect

from troth.example.shop.seed import Seeded
from troth.policy import mapreading, reading
from troth.policy.datamap import KeepRow
from troth.policy.vocabulary import expand

EXAMPLE = files("troth.example")
POLICY = reading.parse(EXAMPLE.joinpath("policy.yaml").read_bytes(), "policy.yaml")
DATAMAP = mapreading.parse(EXAMPLE.joinpath("datamap.yaml").read_bytes(), "datamap.yaml")
SHOP = DATAMAP.stores["shop"]


def test_the_map_and_the_database_have_the_same_tables_and_columns(town: tuple[Engine, Seeded]) -> None:
    eyes = inspect(town[0])
    assert set(SHOP.tables) == set(eyes.get_table_names())
    for name, table in SHOP.tables.items():
        if not table.personal:
            continue
        live = {column["name"] for column in eyes.get_columns(name)}
        roles = {column for path in table.paths() for column in getattr(path, "columns", ()) if table.roles}
        assert set(table.columns) | roles == live, name


def test_every_category_that_is_stored_is_declared_in_section_1_and_the_other_way_round() -> None:
    declared = set()
    for sentence in POLICY.sentences:
        if sentence.number.startswith("1."):
            declared.update(expand(sentence.meaning.data))
    stored = {column.category for _, column in DATAMAP.columns() if column.category}
    assert stored == declared


def test_every_use_is_of_a_declared_purpose_and_every_start_counts_a_declared_period() -> None:
    purposes = {use.purpose for use in POLICY.uses}
    triggers = {period.after for period in POLICY.periods.values()}
    for table in DATAMAP.tables():
        assert {use.purpose for use in table.uses} <= purposes, table.name
        assert {use.at for use in table.uses} <= set(table.columns)
        assert set(table.starts) <= triggers, table.name
        assert set(table.starts.values()) <= set(table.columns)


def test_what_is_kept_after_an_erasure_stands_on_a_statute_of_the_policy() -> None:
    grounds = {table.on_erasure.ground for table in DATAMAP.tables() if isinstance(table.on_erasure, KeepRow)}
    assert grounds == set(POLICY.statutes) == {"tax-law"}


def test_nothing_waits_for_an_answer() -> None:
    assert DATAMAP.questions == ()


def test_the_connection_is_named_and_not_written_down() -> None:
    assert SHOP.connect == "${SHOP_DATABASE_URL}"
