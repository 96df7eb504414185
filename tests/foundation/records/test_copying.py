"""A copy holds everything of one person and nothing of another's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.awkward.fixtures import Awkward
from tests.awkward.seeding import PEOPLE
from troth.foundation.records import copying, copystatements
from troth.foundation.records.copying import REDACTED, Asked, rows_of
from troth.foundation.records.reach import Reach
from troth.foundation.records.reading import Records
from troth.foundation.records.subjects import find_subjects

LEFT_OUT = ("user", "password_hash")


def copied(shop: Awkward, records: Records, person: str) -> dict[tuple[str, str | None], list[dict[str, Any]]]:
    reach = Reach.compile(shop.datamap, records.catalogue("awkward"))
    subjects = find_subjects(records, reach.datamap, shop.known_by(person))
    return {
        (table.name, role): [dict(zip(columns, row, strict=True)) for row in rows]
        for table, role, columns, rows in rows_of(records, reach, subjects)
    }


def words(found: object) -> str:
    """Everything in a copy as one text."""
    if isinstance(found, dict):
        return " ".join(map(words, found.values()))
    if isinstance(found, (list, tuple)):
        return " ".join(map(words, found))
    return found.decode("latin-1") if isinstance(found, bytes) else str(found)


def test_a_copy_holds_every_needle_of_the_person_and_none_of_anybody_elses(awkward_read: Awkward) -> None:
    with awkward_read.records() as records:
        for person in PEOPLE:
            text = words(list(copied(awkward_read, records, person).values())).casefold()
            own = {
                n.casefold()
                for place, each in awkward_read.needles_of(person).items()
                if place != LEFT_OUT
                for n in each
            }
            shared = {needle.casefold() for each in awkward_read.shared_of(person).values() for needle in each}
            assert {needle for needle in own | shared if needle not in text} == set(), person
            of_others = {
                n.casefold()
                for other in PEOPLE
                if other != person
                for each in awkward_read.needles_of(other).values()
                for n in each
            }
            assert {needle for needle in of_others if needle in text} == set(), person
            assert not any(needle in text for needle in awkward_read.needles_of(person).get(LEFT_OUT, ()))


def test_every_row_is_told_with_the_role_and_other_people_with_a_label(awkward_read: Awkward) -> None:
    with awkward_read.records() as records:
        found = copied(awkward_read, records, "customer:1")

    sent, received = found["messages", "sender"], found["messages", "recipient"]
    assert [(row["sender_id"], row["recipient_id"], row["body"] == REDACTED) for row in sent] == [
        (1, "person 2", False)
    ]
    assert {(row["sender_id"], row["recipient_id"], row["body"]) for row in received} == {
        ("person 2", 1, REDACTED),
        ("person 3", 1, REDACTED),
    }
    assert found["user", None][0]["referrer_id"] == "person 1"
    assert found["staff_notes", "about"][0]["staff_code"] == "person 4"
    assert found["staff_notes", "about"][0]["text"] in awkward_read.shared_of("customer:1")["staff_notes", "text"]


def test_a_message_to_oneself_has_both_roles_and_stays_whole(awkward_read: Awkward) -> None:
    with awkward_read.records() as records:
        found = copied(awkward_read, records, "customer:3")

    assert [row["body"] for row in found["messages", "sender and recipient"]] == awkward_read.needles_of("customer:3")[
        "messages", "body"
    ]


@pytest.mark.parametrize(
    ("rule", "is_right"), [("keep", lambda body: "customer2" in body), ("ask", lambda body: isinstance(body, Asked))]
)
def test_the_rule_for_others_decides_what_becomes_of_their_words(
    awkward_read: Awkward, rule: str, is_right: Any
) -> None:
    said = f"body: {{data: communication.message, others: {rule}}}"
    shop = awkward_read.mapped(awkward_read.text.replace("body: {data: communication.message, others: redact}", said))
    with shop.records() as records:
        found = copied(shop, records, "customer:1")

    assert any(is_right(row["body"]) for row in found["messages", "recipient"])
    assert not any(isinstance(row["body"], Asked) for row in found["messages", "sender"])


def test_a_role_that_is_not_copied_is_left_out(awkward_read: Awkward) -> None:
    said = "about: {by: user_id, person: customer, "
    shop = awkward_read.mapped(awkward_read.text.replace(said, said + "copy: no, "))
    with shop.records() as records:
        found = copied(shop, records, "customer:1")

    assert not any(table == "staff_notes" for table, _ in found)


@pytest.mark.parametrize("at_ease", [1, 1000])
def test_more_rows_than_are_taken_at_once_are_asked_for_again_and_all_there(
    awkward_read: Awkward, at_ease: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (copying, copystatements):
        monkeypatch.setattr(module, "AT_EASE", at_ease)
    monkeypatch.setattr(copystatements, "FEW", 1)
    with awkward_read.records() as records:
        found = copied(awkward_read, records, "customer:1")
        expected = awkward_read.expected_rows("customer:1")
        got: dict[str, int] = {}
        for (table, _), rows in found.items():
            got[table] = got.get(table, 0) + len(rows)
        assert got == expected
