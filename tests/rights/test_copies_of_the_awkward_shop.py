"""Whole copies out of a shop with every trap, on three engines: all that is theirs, nothing of anybody else."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.awkward.fixtures import Awkward, awkward
from tests.awkward.seeding import PEOPLE
from tests.policies import EXAMPLE
from tests.use.company import found_company
from troth.policy import settings
from troth.policy.vocabulary import Right
from troth.rights import identity, packages, requests
from troth.rights.desk import Desk
from troth.rights.packaging import manifest
from troth.rights.requests import Intake
from troth.rights.words import Channel, Proof

__all__ = ["awkward"]

LEFT_OUT = ("user", "password_hash")


@contextmanager
def desk_of(awkward: Awkward, folder: Path) -> Iterator[Desk]:
    with found_company(folder, policy=EXAMPLE.read_text()) as company:
        (folder / "datamap.yaml").write_text(awkward.text)
        desk = Desk.of(company.office, settings.read(folder, {**company.environ, **awkward.environ}))
        try:
            yield desk
        finally:
            desk.close()


def copy_of(desk: Desk, awkward: Awkward, person: str) -> bytes:
    intake = Intake(Right.ACCESS, Channel.TERMINAL, awkward.known_by(person), proof=Proof.OPERATOR)
    request = identity.settle(desk, requests.file(desk, intake).request.id)
    assert request.person is not None, person
    assert packages.provide(desk, request.id).package
    download = packages.open_stream(desk, request.id, request.person)
    assert download is not None
    return b"".join(download.chunks)


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def said(value: Any) -> str:
    """Everything in a JSON value as one text, bytes opened."""
    if isinstance(value, dict):
        if value.keys() == {"base64"}:
            return base64.b64decode(value["base64"]).decode("latin-1")
        return " ".join(map(said, value.values()))
    if isinstance(value, list):
        return " ".join(map(said, value))
    return str(value)


def test_every_copy_holds_all_of_its_person_and_no_needle_of_another(awkward: Awkward, tmp_path: Path) -> None:
    of = {person: {n.casefold() for each in awkward.needles_of(person).values() for n in each} for person in PEOPLE}
    with desk_of(awkward, tmp_path) as desk:
        for person in PEOPLE:
            data = copy_of(desk, awkward, person)
            found = parts(data)
            assert manifest.verify(io.BytesIO(data)), person
            tables = {
                name: json.loads(content)
                for name, content in found.items()
                if name.startswith("data/") and name.endswith(".json")
            }
            text = said([table["rows"] for table in tables.values()]).casefold()
            raw = b"".join(found.values()).decode("utf-8", "replace").casefold()

            left_out = {needle.casefold() for needle in awkward.needles_of(person).get(LEFT_OUT, ())}
            shared = {needle.casefold() for each in awkward.shared_of(person).values() for needle in each}
            assert {needle for needle in (of[person] | shared) - left_out if needle not in text} == set(), person
            assert {n for other in PEOPLE if other != person for n in of[other] if n in text or n in raw} == set(), (
                person
            )
            assert not any(needle in raw for needle in left_out), person

            counts: dict[str, int] = {}
            for table in tables.values():
                counts[table["table"]] = counts.get(table["table"], 0) + len(table["rows"])
            assert counts == awkward.expected_rows(person), person
            for name, table in tables.items():
                jsonschema.validate(table, json.loads(found[name.replace("data/", "schemas/")]))
                text_csv = found[name.replace(".json", ".csv")].decode("utf-8-sig")
                assert len(list(csv.reader(io.StringIO(text_csv, newline="")))) == len(table["rows"]) + 1


def test_hostile_names_of_tables_and_columns_lead_nowhere(awkward: Awkward, tmp_path: Path) -> None:
    with desk_of(awkward, tmp_path) as desk:
        found = parts(copy_of(desk, awkward, "customer:1"))

    assert all(name.isascii() and name.count("/") <= 1 and '"' not in name for name in found)
    tables = {
        json.loads(content)["table"]
        for name, content in found.items()
        if name.startswith("data/") and name.endswith(".json")
    }
    assert {'sel"ect.from`x', "名前", "order items"} <= tables


@pytest.mark.parametrize("value", ['=HYPERLINK("http://example.org")', "<script>alert(1)</script>", "a\r\nb\x1bc"])
def test_what_a_person_typed_runs_nowhere(awkward: Awkward, tmp_path: Path, value: str) -> None:
    import sqlalchemy

    with awkward.engine.begin() as connection:
        table = sqlalchemy.table("profiles", sqlalchemy.column("bio"), sqlalchemy.column("user_id"))
        connection.execute(table.update().where(table.c.user_id == "1").values(bio=value))
    with desk_of(awkward, tmp_path) as desk:
        found = parts(copy_of(desk, awkward, "customer:1"))

    [row] = json.loads(found["data/awkward.profiles.json"])["rows"]
    assert row["bio"] == value
    assert b"<script" not in found["index.html"]
    assert b"\x1b" not in found["index.html"]
    cells = [
        cell
        for line in csv.reader(io.StringIO(found["data/awkward.profiles.csv"].decode("utf-8-sig"), newline=""))
        for cell in line
    ]
    assert not any(cell.startswith("=") for cell in cells)
