"""A surname in a catalogue keeps nobody from being gone; both names together, anywhere, do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights.desks import ADA, MAP, Office, approve_map, found_office
from troth.policy.vocabulary import Right
from troth.rights import erasure, requests
from troth.rights.requests import Intake
from troth.rights.words import Channel, ErasureState, Proof, State

TABLES = """
create table users (id integer primary key, email text, phone text, first text, last text);
create table songs (id integer primary key, title text, composer text);
create table notes (id integer primary key, text text);
insert into users values (7, 'ada@customer.example.org', '+353 1 496 0000', 'Kara', 'Nielsen'),
  (8, 'bob@customer.example.org', '+353 1 496 0001', 'Bob', 'Ericsson');
insert into songs values (1, 'Symphony No. 4', 'Carl Nielsen'), (2, 'Nielsen', null);
"""
ORDERS = MAP.index("      orders:")
NAMED = MAP[:ORDERS].replace("name: profile.name", "first: profile.name\n          last: profile.name")
DATAMAP = NAMED + "      songs: {personal: no, why: names of composers and songs}\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with found_office(tmp_path, tables=TABLES, datamap=DATAMAP) as made:
        approve_map(made)
        yield made


def erased(office: Office) -> erasure.Erasure:
    intake = Intake(Right.ERASURE, Channel.TERMINAL, (ADA,), proof=Proof.OPERATOR)
    request = requests.file(office.desk, intake).request
    with office.desk.office.store.writing() as tx:
        requests.move(tx, office.desk.office, requests.load(tx, request.id), State.WORKING)
    erasure.execute(office.desk, request.id)
    return erasure.prove(office.desk, request.id)


def test_a_surname_in_a_catalogue_or_amid_a_note_is_listed_and_stops_nothing(office: Office) -> None:
    with sqlite3.connect(office.shop) as shop:
        shop.execute("insert into notes values (1, 'the Nielsen records have come')")

    proven = erased(office)

    assert (proven.state, proven.residue) == (ErasureState.PROVEN, [])
    assert [each["where"] for each in proven.weak] == [
        f"{at} in shop" for at in ("notes.text", "songs.composer", "songs.title")
    ]


@pytest.mark.parametrize("text", ["Kara Nielsen called", "nielsen, kara: wants tea", '{"last": "Nielsen"}', "Nielsen"])
def test_both_names_and_a_name_that_stands_alone_are_residue(office: Office, text: str) -> None:
    with sqlite3.connect(office.shop) as shop:
        shop.execute("insert into notes values (1, ?)", (text,))

    left = erased(office)

    assert (left.state, left.residue) == (ErasureState.ERASED, [{"where": "notes.text in shop", "n": 1}])
