"""What speaks of somebody else waits for people to decide, and a copy says what was replaced."""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights import desks
from tests.rights.desks import ADA, Office, found_office
from tests.rights.site import browser, sign_in_staff, site_of, submit
from troth.errors import RequestError, RequestUnknown
from troth.foundation.people import identifier
from troth.foundation.roles import Role
from troth.rights import fulfilment, identity, packages, releases
from troth.rights.requests import By, Request
from troth.rights.words import Actor, Channel, Proof, Release

SHARED = """
      letters:
        whose:
          sender: {by: sender_id, on_erasure: {change: {sender_id: null, body: redact}}}
          recipient: {by: recipient_id, on_erasure: {change: {recipient_id: null}}}
        delete: with-last
        columns:
          body: {data: communication.message, others: RULE}
"""
LETTERS = """
create table letters (id integer primary key, sender_id integer references users(id),
                      recipient_id integer references users(id), body text);
create index ix_letters_sender on letters (sender_id);
create index ix_letters_recipient on letters (recipient_id);
insert into letters values (1, 7, 8, 'from ada to bob'), (2, 8, 7, 'from bob, bobs secret'), (3, 9, 7, 'from cid'),
                           (4, 8, 9, 'not hers at all'), (5, 8, 7, null);
"""


@pytest.fixture(params=["ask"])
def office(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(desks, "MAP", desks.MAP + SHARED.replace("RULE", request.param))
    monkeypatch.setattr(desks, "SHOP", desks.SHOP + LETTERS)
    with found_office(tmp_path) as found:
        yield found


def confirmed(office: Office) -> Request:
    return identity.settle(office.desk, office.file(known_by=ADA, channel=Channel.TERMINAL, proof=Proof.OPERATOR).id)


def letters(office: Office, request: Request) -> dict[str, list[dict[str, object]]]:
    """The letters in the copy of a request, by role."""
    with zipfile.ZipFile(io.BytesIO(whole(office, request))) as archive:
        return {
            name.split(".")[2]: json.loads(archive.read(name))["rows"]
            for name in archive.namelist()
            if name.startswith("data/shop.letters") and name.endswith(".json")
        }


def whole(office: Office, request: Request) -> bytes:
    assert packages.provide(office.desk, request.id).package
    download = packages.open_stream(office.desk, request.id, request.person or 0)
    assert download is not None
    return b"".join(download.chunks)


def decide_all(office: Office, request: Request, release: Release) -> None:
    for question in packages.questions(office.desk, request.id):
        releases.decide(office.desk, request.number, question.id, release, by=By(Actor.STAFF))


def test_no_copy_is_made_while_a_value_is_undecided(office: Office) -> None:
    request = confirmed(office)

    assert packages.provide(office.desk, request.id) == packages.Provided(None, 2)
    assert packages.open_stream(office.desk, request.id, request.person or 0) is None
    assert not (office.company.folder / "packages").exists()


def test_staff_see_the_value_and_what_stands_beside_it_but_nothing_of_other_rows(office: Office) -> None:
    found = packages.questions(office.desk, confirmed(office).id)

    assert {question.value for question in found} == {"from bob, bobs secret", "from cid"}
    assert {(question.table, question.column, question.release) for question in found} == {("letters", "body", None)}
    assert "secret" not in repr(found)
    assert all(dict(question.beside)["Recipient number"] == "7" for question in found)


def test_what_is_kept_is_shown_and_what_is_redacted_is_not(office: Office) -> None:
    request = confirmed(office)
    by = By(Actor.STAFF, office.caller("agent", Role.AGENT).id)
    for question in packages.questions(office.desk, request.id):
        release = Release.REDACT if "secret" in question.value else Release.KEEP
        releases.decide(office.desk, request.number, question.id, release, by=by)

    data = whole(office, request)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
        facts = json.loads(archive.read("facts.json"))
        page = archive.read("index.html").decode()
    assert b"secret" not in text
    assert b"from cid" in text
    assert b"from ada to bob" in text
    assert b"not hers" not in text
    read = "Letters, as recipient, Body: replaced after one of our people had read it"
    assert facts["redactions"][read] == 1
    assert read in page
    kinds = [leaf.kind for leaf in office.company.leaves() if leaf.kind.startswith("package.")]
    assert kinds == ["package.decided", "package.decided", "package.made", "package.downloaded"]


def test_a_value_that_changes_after_it_was_decided_is_asked_about_again(office: Office) -> None:
    request = confirmed(office)
    decide_all(office, request, Release.KEEP)
    with sqlite3.connect(office.shop) as connection:
        connection.execute("update letters set body = 'from bob, another secret' where id = 2")

    assert packages.provide(office.desk, request.id).undecided == 1
    open_ = [question for question in packages.questions(office.desk, request.id) if question.release is None]
    assert [question.value for question in open_] == ["from bob, another secret"]


def test_a_value_that_comes_between_the_last_look_and_the_copy_stops_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from troth.errors import ReleaseNeeded

    request = confirmed(office)
    decide_all(office, request, Release.KEEP)
    with sqlite3.connect(office.shop) as connection:
        connection.execute("insert into letters values (9, 8, 7, 'late secret')")
    monkeypatch.setattr(packages, "undecided", lambda *_: 0)

    with pytest.raises(ReleaseNeeded):
        packages.provide(office.desk, request.id)
    assert list((office.company.folder / "packages").iterdir()) == []


def test_a_later_decision_replaces_an_earlier_one_until_the_copy_is_made(office: Office) -> None:
    request = confirmed(office)
    decide_all(office, request, Release.KEEP)
    decide_all(office, request, Release.REDACT)

    received = letters(office, request)["recipient"]

    assert {row["body"] for row in received} == {"[of another person]", None}
    with pytest.raises(RequestError, match="made already"):
        decide_all(office, request, Release.KEEP)


def test_a_decision_for_one_request_counts_for_no_other(office: Office) -> None:
    first, second = confirmed(office), confirmed(office)
    decide_all(office, first, Release.KEEP)

    assert packages.provide(office.desk, second.id).undecided == 2


@pytest.mark.parametrize("question", ["", "zz", "00", "A" * 43])
def test_what_is_no_question_is_not_decided(office: Office, question: str) -> None:
    request = confirmed(office)
    with pytest.raises(RequestError):
        releases.decide(office.desk, request.id, question, Release.KEEP, by=By(Actor.STAFF))
    with pytest.raises(RequestUnknown):
        releases.decide(office.desk, "2026-999999", "00" * 16, Release.KEEP, by=By(Actor.STAFF))


@pytest.mark.parametrize("office", ["redact"], indirect=True)
def test_what_the_map_redacts_is_counted_with_its_rule_and_others_have_labels(office: Office) -> None:
    request = confirmed(office)

    found = letters(office, request)

    assert [row["body"] for row in found["sender"]] == ["from ada to bob"]
    assert {row["body"] for row in found["recipient"]} == {"[of another person]", None}
    assert [row["sender_id"] for row in found["recipient"]] == ["person 1", "person 2", "person 1"]
    assert found["sender"][0]["recipient_id"] == "person 1"
    download = packages.open_stream(office.desk, request.id, request.person or 0)
    assert download is not None
    with zipfile.ZipFile(io.BytesIO(b"".join(download.chunks))) as archive:
        redactions = json.loads(archive.read("facts.json"))["redactions"]
    assert redactions == {
        "Letters, as recipient, Body: what is another person's was taken out": 2,
        "Letters, as recipient, Sender number: another person is named by a label": 3,
        "Letters, as sender, Recipient number: another person is named by a label": 1,
    }


@pytest.mark.parametrize("office", ["keep"], indirect=True)
def test_what_the_map_keeps_is_shown_without_a_question(office: Office) -> None:
    found = letters(office, confirmed(office))

    assert "from bob, bobs secret" in {row["body"] for row in found["recipient"]}


@pytest.mark.parametrize("office", ["redact"], indirect=True)
def test_a_thousand_letters_between_many_leak_nothing_and_lose_nothing(office: Office) -> None:
    chance, people = random.Random(5), range(100, 112)
    letters_ = [(1000 + n, *chance.sample(people, 2), f"needle-{n:04d}-end") for n in range(1000)]
    letters_ += [(3000 + n, n, n, f"needle-self-{n}-end") for n in people]
    with sqlite3.connect(office.shop) as connection:
        connection.executemany(
            "insert into users values (?, ?, null, ?)",
            [(n, f"needle-mail-{n}@customer.example.org", f"needle-name-{n}-end") for n in people],
        )
        connection.executemany("insert into letters values (?, ?, ?, ?)", letters_)
    for person in (100, 104, 111):
        own = {body for _, sender, _, body in letters_ if sender == person} | {f"needle-name-{person}-end"}
        known_by = identifier("id", str(person))
        filed = office.file(known_by=known_by, channel=Channel.TERMINAL, proof=Proof.OPERATOR)
        request = identity.settle(office.desk, filed.id)

        with zipfile.ZipFile(io.BytesIO(whole(office, request))) as archive:
            text = b"\n".join(archive.read(name) for name in archive.namelist()).decode("utf-8", "replace")

        found = set(re.findall(r"needle-[a-z0-9-]+?-end", text))
        assert found == own
        assert set(re.findall(r"needle-mail-\d+", text)) == {f"needle-mail-{person}"}


def test_staff_decide_about_many_values_with_one_form_and_what_is_left_open_stays_so(office: Office) -> None:
    request = confirmed(office)
    packages.provide(office.desk, request.id)
    fulfilment.go_on(office.desk, request.id)
    place = f"/console/requests/{request.number}"
    first, second = packages.questions(office.desk, request.id)

    with site_of(office) as site:
        page = browser(site)
        sign_in_staff(office, page, Role.AGENT)
        shown = page.get(place).text
        refused = submit(page, place, f"{place}/decide")
        one = submit(page, place, f"{place}/decide", **{f"q-{first.id}": "redact"})
        both = submit(page, place, f"{place}/decide", **{f"q-{first.id}": "keep", f"q-{second.id}": "redact"})

    decided = {each.id: each.release for each in packages.questions(office.desk, request.id)}
    assert (shown.count('type="radio"'), shown.count(" checked")) == (4, 0)
    assert (refused.status_code, "nothing was chosen" in refused.text) == (422, True)
    assert (one.text.count(" checked"), both.text.count(" checked")) == (1, 2)
    assert decided == {first.id: Release.KEEP, second.id: Release.REDACT}
