"""Which rows are whose, held against a schema that has every trap."""

from __future__ import annotations

import sqlalchemy

from tests.awkward.fixtures import Awkward
from tests.awkward.seeding import PEOPLE
from troth.foundation.records.keys import BoundKeys
from troth.foundation.records.keytables import KeyTable
from troth.foundation.records.reach import Reach
from troth.foundation.records.subjects import find_subjects


def test_each_person_reaches_their_own_rows_and_no_others_on_every_path(awkward_read: Awkward) -> None:
    with awkward_read.records() as records:
        reach = Reach.compile(awkward_read.datamap, records.catalogue("awkward"))
        for person in PEOPLE:
            keys = BoundKeys(find_subjects(records, reach.datamap, awkward_read.known_by(person)))
            found = {}
            for table in reach.tables:
                count = (
                    sqlalchemy.select(sqlalchemy.func.count()).select_from(table.core).where(reach.whose(table, keys))
                )
                found[table.name] = next(iter(records.execute("awkward", count)))[0]
            assert {name: count for name, count in found.items() if count} == awkward_read.expected_rows(person), person


def test_a_batch_in_a_table_reaches_the_same_rows_and_tells_whose_each_is(awkward_read: Awkward) -> None:
    with awkward_read.records() as records, awkward_read.engine.connect() as connection:
        reach = Reach.compile(awkward_read.datamap, records.catalogue("awkward"))
        chosen = [person for person in PEOPLE if person not in ("customer:3", "member:1,11")]
        people = [find_subjects(records, reach.datamap, awkward_read.known_by(person)) for person in chosen]
        keys = KeyTable.create(connection, reach, people)
        for table in reach.tables:
            owners = awkward_read.told.owners[table.name]
            statement = (
                sqlalchemy.select(reach.owner(table, keys)).select_from(table.core).where(reach.whose(table, keys))
            )
            numbers = list(connection.execute(statement).scalars())
            assert len(numbers) == sum(bool(set(each) & set(chosen)) for each in owners), table.name
            for at, person in enumerate(chosen):
                rows = awkward_read.expected_rows(person).get(table.name, 0)
                if table.name != "folders":  # what hangs on rows of its own table has no number
                    assert numbers.count(at) <= rows, (table.name, person)
        keys.drop()
