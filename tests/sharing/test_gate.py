"""What leaves through the gate, what stays, and the record of both."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.sharing.gateworld import DESK, METRICS, PAY, PEOPLE, PRIVATE, GateWorld
from troth import GateClosed, KeyUnavailable, RowsUnreadable, StoreError, UnknownName, WritingPaused, application
from troth.foundation import age
from troth.foundation.guards import pausing
from troth.foundation.ledger import leaves
from troth.sharing import disclosures, printed
from troth.sharing.spool import Spool
from troth.sharing.tables import disclosures as disclosures_table
from troth.sharing.words import State

CARD = "4242 4242 4242 4242"


def payments(*people: int, **more: object) -> list[dict[str, object]]:
    return [{"user": str(n), "token": f"tok_{n}", "amount": str(n * 100), "ip": "192.0.2.7", **more} for n in people]


def visits(people: int, page: str, each: int = 2) -> list[dict[str, object]]:
    return [
        {"user": str(n), "page": page, "at": f"2026-11-20 1{k}:30:00"}
        for n in range(1, people + 1)
        for k in range(each)
    ]


# --- a batch with a card number, somebody who objected, and a column that nobody declared -----------------------------


def test_a_card_number_stops_the_whole_batch_and_nothing_of_it_is_left_anywhere(world: GateWorld) -> None:
    world.troth.object_to("id=2", "fraud")
    rows = [*payments(1, 2, 3), *payments(4, note=f"paid with {CARD}, thanks")]

    with pytest.raises(GateClosed) as stopped:
        world.share("Example Pay", "fraud", rows, PAY)

    assert "row 4, column note" in str(stopped.value)
    assert "4242" not in str(stopped.value)
    assert world.files == set()
    assert world.records() == ()
    assert world.entries("data.disclosing") == []


def test_without_the_card_the_rest_leaves_and_the_record_says_what_was_held_back(world_on_each: GateWorld) -> None:
    world = world_on_each
    world.troth.object_to("id=2", "fraud")
    world.troth.restrict("id=3")

    made = world.share("Example Pay", "fraud", payments(1, 2, 3, 4, 999), PAY)

    assert [(row["token"], row["amount"]) for row in world.left()] == [("tok_1", "100"), ("tok_4", "400")]
    assert all(set(row) == {"person", "token", "amount"} for row in world.left())
    assert (made.state, made.rows, made.people) == (State.DONE, 2, 2)
    assert made.held_back.columns == ("ip",)
    assert made.held_back.refused == {"objection-stands": 1, "restricted": 1, "person-unknown": 1}
    [begun] = world.entries("data.disclosing")
    assert begun["held_back"] == {
        "columns": 1,
        "refused": dict(made.held_back.refused),
        "small_groups": 0,
        "near_groups": 0,
    }
    assert begun["sha256"] == made.sha256
    assert world.entries("data.disclosed") == [{"disclosure": made.id}]


def test_with_strict_an_undeclared_column_refuses_the_batch(world: GateWorld) -> None:
    with pytest.raises(GateClosed, match="not declared for it: ip"):
        world.share("Example Pay", "fraud", payments(1), PAY, strict=True)

    assert world.files == set()
    assert world.records() == ()


def test_a_column_declared_for_another_recipient_does_not_leave(world: GateWorld) -> None:
    made = world.share("Example Pay", "fraud", payments(1), PAY | {"ip": "device.ip"})

    assert set(world.left()[0]) == {"person", "token", "amount"}
    assert made.held_back.columns == ("ip",)


# --- who may get what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "purpose", "columns", "told"),
    [
        ("Example Pya", "fraud", PAY, 'Did you mean "Example Pay"'),
        ("Example Pay", "support", PAY, "receives nothing for"),
        ("Example Pay", "fraud", {"token": "payment.tokn"}, 'Did you mean "payment.token"'),
    ],
)
def test_what_is_not_declared_is_refused_with_the_nearest_name(
    world: GateWorld, recipient: str, purpose: str, columns: dict[str, str], told: str
) -> None:
    with pytest.raises(UnknownName, match=told):
        world.share(recipient, purpose, payments(1), columns)
    assert world.files == set()


@pytest.mark.parametrize("more", [{"form": "xml"}, {"kind": "passport"}])
def test_a_form_or_a_kind_of_name_that_nobody_knows_is_refused(world: GateWorld, more: dict[str, str]) -> None:
    with pytest.raises(UnknownName, match="is not known"):
        world.share("Example Pay", "fraud", payments(1), PAY, **more)


@pytest.mark.parametrize(
    ("recipient", "told"), [("Example Lapsed", "ended on 2026-11-21"), ("Example Unsigned", "no contract")]
)
def test_without_a_standing_contract_nothing_leaves(world: GateWorld, recipient: str, told: str) -> None:
    with pytest.raises(GateClosed, match=told):
        world.share(recipient, "support", [{"user": "1", "email": "a"}], {"email": "contact.email"})
    assert world.files == set()


def test_while_sharing_is_paused_nothing_leaves(world: GateWorld) -> None:
    office = world.troth.office
    with office.deed() as tx:
        pausing.pause(tx, office.keyring, office.clock.now())

    with pytest.raises(WritingPaused):
        world.share("Example Pay", "fraud", payments(1), PAY)

    assert world.files == set()
    assert world.records() == ()


def test_a_pause_that_comes_while_the_batch_is_read_stops_it(world: GateWorld) -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield from payments(1)
        with world.troth.office.deed() as tx:
            pausing.pause(tx, world.troth.office.keyring, world.clock.now())

    with pytest.raises(GateClosed, match="paused"):
        world.share("Example Pay", "fraud", rows(), PAY)
    assert world.files == set()


def test_an_objection_that_comes_while_the_batch_is_read_stops_it(world_on_each: GateWorld) -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield from payments(*range(1, 4)) * 500
        world_on_each.troth.object_to("id=2", "fraud")
        yield from payments(5)

    with pytest.raises(GateClosed, match="said no while it was read"):
        world_on_each.share("Example Pay", "fraud", rows(), PAY)

    assert world_on_each.files == set()
    assert world_on_each.records() == ()


def test_a_word_of_somebody_who_is_not_in_the_batch_stops_nothing(world: GateWorld) -> None:
    def rows() -> Iterator[dict[str, object]]:
        yield from payments(1, 2)
        world.troth.object_to("id=30", "fraud")

    assert world.share("Example Pay", "fraud", rows(), PAY).rows == 2


def test_a_store_that_cannot_be_reached_lets_nothing_out(world: GateWorld) -> None:
    store = world.folder / "troth.sqlite3"
    world.troth.office.store.settle()
    world.troth.office.store.close()
    store.rename(world.folder / "troth.away")

    with pytest.raises(StoreError):
        world.share("Example Pay", "fraud", payments(1), PAY)

    assert world.files == set()


def test_when_the_ledger_cannot_be_written_nothing_leaves(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(leaves, "append", broken)
    with pytest.raises(StoreError):
        world.share("Example Pay", "fraud", payments(1), PAY)

    assert world.files == set()
    assert world.records() == ()


def test_people_can_be_named_by_mail_address_and_rows_of_nobody_stay(world: GateWorld) -> None:
    rows = [
        {"user": "P1@Customer.example.org ", "token": "a", "amount": 1},
        {"user": None, "token": "b", "amount": 2},
        {"user": "not an address", "token": "c", "amount": 3},
    ]

    made = world.share("Example Pay", "fraud", rows, PAY, kind="email")

    assert [row["token"] for row in world.left()] == ["a"]
    assert made.held_back.refused == {"person-unknown": 2}


def test_two_recipients_get_two_names_of_one_person_and_neither_is_the_company_s(world: GateWorld) -> None:
    world.share("Example Pay", "fraud", payments(1, 1), PAY, to="pay.jsonl")
    world.share("Example Desk", "support", [{"user": "1", "name": "Ann"}], {"name": "profile.name"}, to="desk.jsonl")

    first, second = world.left("pay.jsonl")
    assert first["person"] == second["person"] != world.left("desk.jsonl")[0]["person"]
    assert len(first["person"]) == 32


# --- safeguards -------------------------------------------------------------------------------------------------------


def test_masked_fields_reach_support_as_hints_only(world: GateWorld) -> None:
    body = f"I am Ann, ann@mail.example.org or +49 170 1234567; my card was {CARD}. Order 12 is late."
    row = {
        "user": "1",
        "email": "ann@mail.example.org",
        "phone": "+49 170 1234567",
        "name": "Ann Example",
        "body": body,
    }

    world.share("Example Desk", "support", [row], DESK)

    [left] = world.left()
    assert left == {
        "person": left["person"],
        "email": "a***",
        "phone": "***67",
        "name": "A. E.",
        "body": "I am Ann, [address] or [number]; my card was [number]. Order 12 is late.",
    }


def test_analytics_get_groups_of_people_and_no_row_of_anybody(world: GateWorld) -> None:
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    world.troth.withdraw_consent("id=1", "analytics")
    rows = [*visits(8, "/tea"), *visits(5, "/rare"), {"user": "9", "page": "/only-me", "at": "2026-11-20 09:00:00"}]

    made = world.share("Example Metrics", "analytics", rows, METRICS)

    # seven who agree saw /tea; of the five who saw /rare four still agree, which is fewer than five
    assert world.left() == [{"page": "/tea", "at": "2026-11-20", "people": 7, "rows": 14}]
    assert made.held_back.refused == {"consent-withdrawn": 4}
    assert made.held_back.small_groups == 9
    assert (made.rows, made.people) == (1, 7)


def groups(world: GateWorld, *people: int, columns: dict[str, str] = METRICS, name: str = "page") -> tuple[Any, int]:
    """The groups of people that leave where these were on one page, and how many rows stayed for being too near."""
    rows = [{"user": str(n), name: "/tea", "at": "2026-11-20 09:00:00"} for n in people]
    made = world.share("Example Metrics", "analytics", rows, columns)
    return [each["people"] for each in world.left()], made.held_back.near_groups


def test_two_batches_cannot_be_subtracted_from_each_other(world_on_each: GateWorld) -> None:
    world = world_on_each
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    ten = range(1, 11)

    assert groups(world, *ten) == ([10], 0)
    assert groups(world, *ten) == ([10], 0), "the same people again tell of nobody"
    assert groups(world, *ten, 11) == ([], 11), "one more would tell of that one"
    assert groups(world, *range(2, 11)) == ([], 9), "and one fewer of that one"
    assert groups(world, *range(3, 13)) == ([], 10), "two went and two came: of as many, and of four"
    renamed = {"p": METRICS["page"], "at": METRICS["at"]}
    assert groups(world, *ten, 11, columns=renamed, name="p") == ([], 11), "under whatever name of a column"
    assert groups(world, *range(1, 16)) == ([15], 0), "five more are a group themselves"
    assert groups(world, *range(1, 14)) == ([], 13), "two fewer than the last, three more than the first"

    entry = world.entries("data.disclosing")[-1]
    assert entry["held_back"] == {"columns": 0, "refused": {}, "small_groups": 0, "near_groups": 13}
    assert "13 rows in groups too near an earlier batch" in printed.say(world.records()[0])


def test_what_never_left_can_be_subtracted_from_nothing(world: GateWorld) -> None:
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    assert groups(world, *range(1, 11)) == ([10], 0)
    with world.troth.office.store.writing() as tx:
        tx.execute(update(disclosures_table).values(state=State.STOPPED))

    assert groups(world, *range(1, 12)) == ([11], 0)


def test_a_batch_that_another_overtakes_is_counted_again(world: GateWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(1, PEOPLE + 1):
        world.troth.give_consent(f"id={n}", "analytics")
    settle, overtaking = Spool.settle, [range(1, 11)]

    def overtaken(spool: Spool) -> None:
        settle(spool)
        if overtaking:
            groups(world, *overtaking.pop())

    monkeypatch.setattr(Spool, "settle", overtaken)

    with pytest.raises(GateClosed, match="another batch went to it"):
        groups(world, *range(1, 12))
    assert [each.people for each in world.records()] == [10]


def test_one_busy_person_is_no_group(world: GateWorld) -> None:
    world.troth.give_consent("id=1", "analytics")

    made = world.share("Example Metrics", "analytics", visits(1, "/tea", each=9), METRICS)

    assert world.left() == []
    assert made.people == 0


def test_what_names_somebody_by_itself_is_never_called_anonymous(world: GateWorld) -> None:
    with pytest.raises(GateClosed, match="names somebody by itself"):
        world.share("Example Letters", "analytics", [{"user": "1", "email": "x"}], {"email": "contact.email"})


def test_for_storage_the_whole_stream_is_sealed_for_the_recipient_s_key(world: GateWorld) -> None:
    rows = [{"user": str(n), "bio": "likes green tea " * 40} for n in range(1, PEOPLE + 1)] * 10

    made = world.share("Example Storage", "storage", rows, {"bio": "profile.bio"}, to="backup.jsonl.age")

    sealed = (world.folder / "backup.jsonl.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert b"green tea" not in sealed
    assert len(age.unsealed(sealed, PRIVATE).splitlines()) == made.rows == PEOPLE * 10
    with pytest.raises(KeyUnavailable):
        age.unsealed(sealed, age.new_key()[0])
    with pytest.raises(KeyUnavailable):
        age.unsealed(sealed[:-1] + bytes([sealed[-1] ^ 1]), PRIVATE)
    with pytest.raises(KeyUnavailable):
        age.unsealed(sealed[: 200 + 65552], PRIVATE)


def test_without_the_recipient_s_key_nothing_is_stored_with_it(world: GateWorld) -> None:
    (world.folder / "troth.toml").write_text("[policy]\n")
    with (
        application.open(world.folder, {}, world.clock) as keyless,
        pytest.raises(KeyUnavailable, match="no key of theirs"),
    ):
        keyless.share(
            "Example Storage",
            "storage",
            [{"user": "1", "bio": "b"}],
            person="user",
            columns={"bio": "profile.bio"},
            to="b",
        )
    assert world.files == set()


# --- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_what_is_written_in_each_form_reads_back(world: GateWorld, form: str) -> None:
    from troth.sharing import streams
    from troth.sharing.words import Form

    hard = 'two lines,\r\nan "apostrophe", 茶 and %s'
    rows = [{"user": str(n % PEOPLE + 1), "token": hard, "amount": str(n)} for n in range(2500)]

    made = world.share("Example Pay", "fraud", rows, PAY, to="out", form=form)

    with (world.folder / "out").open("rb") as file:
        read = [
            row
            for batch in streams.read(file, Form(form))
            for row in zip(*(batch.columns[name] for name in ("token", "amount")), strict=True)
        ]
    assert read == [(hard, str(n)) for n in range(2500)]
    assert made.rows == 2500


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"user,token\n1,a\n2\n", "row 2: the row has 1 fields"),
        (b"user,user\n1,a\n", "two columns have the same name"),
        (b'user,token\n1,"a\n', "not CSV"),
        (b"user,token\n1,\xff\n", "not UTF-8"),
    ],
)
def test_rows_that_cannot_be_read_are_told_by_their_place(world: GateWorld, text: bytes, told: str) -> None:
    from troth.sharing import streams
    from troth.sharing.words import Form

    with pytest.raises(RowsUnreadable, match=told):
        world.share("Example Pay", "fraud", streams.read(io.BytesIO(text), Form.CSV), {"token": "payment.token"})
    assert world.files == set()


def test_rows_without_the_person_s_column_are_refused(world: GateWorld) -> None:
    with pytest.raises(GateClosed, match="no column user"):
        world.share("Example Pay", "fraud", [{"token": "a", "amount": "1"}], PAY)


def test_it_goes_into_an_open_stream(world: GateWorld) -> None:
    out = io.BytesIO()

    made = world.share("Example Pay", "fraud", payments(1, 2), PAY, to=out)

    assert out.getvalue().count(b"\n") == 2
    assert made.destination == "stream"


# --- the record by person ---------------------------------------------------------------------------------------------


def test_whom_a_person_s_data_went_to_is_one_question(world: GateWorld) -> None:
    world.share("Example Pay", "fraud", payments(1, 2), PAY)
    world.share("Example Desk", "support", [{"user": "2", "name": "Bo"}], {"name": "profile.name"})

    with world.troth.office.store.reading() as tx:
        told = {n: [each.recipient for each in disclosures.of_person(tx, world.number(f"id={n}"))] for n in (1, 2, 3)}

    assert told == {1: ["Example Pay"], 2: ["Example Desk", "Example Pay"], 3: []}


def test_the_record_holds_no_value_that_left(world: GateWorld) -> None:
    world.share("Example Desk", "support", [{"user": "1", "name": "Zebedee"}], {"name": "profile.name"})

    with closing(world.troth):
        kept = b"".join(path.read_bytes() for path in Path(world.folder).glob("troth.sqlite3*"))
    assert b"Zebedee" not in kept
