from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text, union_all, update
from sqlalchemy.exc import CompileError, IntegrityError, StatementError
from sqlalchemy.orm import Session, aliased, joinedload

from tests.protection.sealed import KEYS, Message, User, shop
from tests.use.company import Company, found_company
from troth.errors import KeyUnavailable, PersonUnknown, TrothError
from troth.foundation import sealed_values
from troth.foundation.ledger import shredding, verification
from troth.foundation.ledger.tables import ledger_leaves, person_keys
from troth.protection.sealed_fields import FieldKeys, SealedText, of

SECRET = "a word of Ann's"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with found_company(tmp_path) as made:
        made.troth.seal_fields(KEYS)
        yield made


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, company: Company, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        url = request.getfixturevalue(f"{request.param}_scratch")
    with shop(url.replace("postgresql://", "postgresql+psycopg://")) as made:
        yield made


@pytest.fixture
def small(company: Company, tmp_path: Path) -> Iterator[Engine]:
    with shop(f"sqlite:///{tmp_path / 'shop.db'}") as made:
        yield made


def _raw(engine: Engine, column: str = "body", table: str = "messages") -> list[str]:
    with engine.connect() as tx:
        return [row[0] for row in tx.execute(text(f"SELECT {column} FROM {table} ORDER BY id"))]


def _ann_and_ben(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([User(id=17), User(id=18)])
        session.flush()
        session.add(Message(body=SECRET, facts={"born": "1990-01-02", "n": [1, None]}, scan=b"\0\xff|", user_id=17))
        session.add(Message(body="Ben's", user_id=18, facts=None))
        session.commit()


def test_what_is_written_is_read_again_and_stands_nowhere_in_clear(engine: Engine) -> None:
    _ann_and_ben(engine)
    with Session(engine) as session:
        first, second = session.scalars(select(Message).order_by(Message.id))
        assert (first.body, first.facts, first.scan) == (SECRET, {"born": "1990-01-02", "n": [1, None]}, b"\0\xff|")
        assert (second.body, second.facts, second.scan) == ("Ben's", None, None)
    for column in ("body", "facts", "scan"):
        stored = _raw(engine, column)[0]
        assert stored.startswith("trt1")
        assert SECRET[:9] not in stored
        assert "1990" not in stored


def test_a_value_in_the_row_of_somebody_else_does_not_open(engine: Engine) -> None:
    _ann_and_ben(engine)
    with engine.begin() as tx:
        tx.execute(text("UPDATE messages SET user_id = 18 WHERE user_id = 17"))
    with Session(engine) as session, pytest.raises(KeyUnavailable, match=r"shop\.messages\.body.*another row"):
        session.scalars(select(Message.body)).all()


def test_a_value_in_another_column_does_not_open(small: Engine) -> None:
    _ann_and_ben(small)
    with small.begin() as tx:
        tx.execute(text("UPDATE messages SET facts = body WHERE user_id = 17"))
    with Session(small) as session, pytest.raises(KeyUnavailable, match=r"shop\.messages\.facts"):
        session.scalars(select(Message.facts)).all()


@pytest.mark.parametrize(
    "broken", ["", "words", "trt1", "trt1AAAA", "trt1!!", "trt1" + "A" * 200, "trt2" + "A" * 200, "trt1Ä"]
)
def test_what_was_altered_or_never_sealed_is_an_error_that_shows_nothing(small: Engine, broken: str) -> None:
    _ann_and_ben(small)
    whole = _raw(small)[0]
    for value in (broken, whole[:-8] + "AAAAAAA=", whole[:30]):
        with small.begin() as tx:
            tx.execute(text("UPDATE messages SET body = :v WHERE user_id = 17"), {"v": value})
        with Session(small) as session, pytest.raises(KeyUnavailable) as caught:
            session.scalars(select(Message.body)).all()
        assert "Ann" not in str(caught.value)
        assert whole[10:30] not in str(caught.value)


def test_a_destroyed_key_leaves_nothing_to_read_and_others_alone(engine: Engine, company: Company) -> None:
    _ann_and_ben(engine)
    assert company.troth.shred_fields("id=17", KEYS)
    assert not company.troth.shred_fields("id=17", KEYS)
    with Session(engine) as session:
        first, second = session.scalars(select(Message).order_by(Message.id))
        assert (first.body, first.facts, first.scan) == (None, None, None)
        assert second.body == "Ben's"
        first.body = "one more"
        with pytest.raises(StatementError, match="was destroyed"):
            session.commit()
    assert _raw(engine)[0].startswith("trt1")


def test_destroying_is_on_record_and_the_ledger_still_holds(small: Engine, company: Company) -> None:
    _ann_and_ben(small)
    company.troth.shred_fields("id=17", KEYS)
    with company.office.store.reading() as tx:
        last = tx.execute(select(ledger_leaves).order_by(ledger_leaves.c.id.desc())).first()
        assert (last.kind, json.loads(last.content)["body"]["use"]) == ("key.destroyed", "fields")
    assert verification.verify(company.office.store, keyring=company.office.keyring).findings == []
    with pytest.raises(PersonUnknown):
        company.troth.shred_fields("id=99", KEYS)


def test_a_key_that_is_destroyed_by_its_id_is_on_record_too(small: Engine, company: Company) -> None:
    """As after a restore, when nobody knows any more whose it was."""
    _ann_and_ben(small)
    office = company.office
    with office.deed() as tx:
        rows = tx.execute(select(person_keys.c.key_id, person_keys.c.person)).all()
        shredding.shred_fields(tx, office.keyring, rows[0].key_id, office.clock.now())
    assert verification.verify(office.store, keyring=office.keyring).findings == []
    with office.store.writing() as tx:  # as somebody would who takes another away in silence
        tx.execute(update(person_keys).where(person_keys.c.person == rows[1].person).values(wrapped=None))
    assert "is gone, and no entry records it" in str(
        verification.verify(office.store, keyring=office.keyring).findings[0]
    )


def test_selects_of_every_form_bring_the_person_along(engine: Engine) -> None:
    _ann_and_ben(engine)
    other = aliased(Message)
    inner = select(Message.user_id, Message.body).subquery()
    with Session(engine) as session:
        assert session.scalars(select(other.body).order_by(other.id)).all() == [SECRET, "Ben's"]
        assert session.scalars(select(inner.c.body).order_by(inner.c.user_id)).all() == [SECRET, "Ben's"]
        both = union_all(
            select(Message.user_id, Message.body).where(Message.user_id == 17),
            select(Message.user_id, Message.body).where(Message.user_id == 18),
        )
        assert sorted(session.execute(both).all()) == [(17, SECRET), (18, "Ben's")]
        message = session.scalars(select(Message).options(joinedload(Message.user)).where(Message.user_id == 17)).one()
        session.refresh(message)
        assert message.body == SECRET
        without = select(Message.body).subquery()
        with pytest.raises(TrothError, match="user_id"):
            session.scalars(select(without.c.body)).all()


def test_core_says_whose_a_value_is(small: Engine) -> None:
    table = Message.__table__
    with small.begin() as tx:
        tx.execute(insert(User.__table__), [{"id": 17}])
        tx.execute(insert(table), [{"user_id": 17, "body": of(17, "one")}, {"user_id": 17, "body": of(17, None)}])
        tx.execute(update(table).where(table.c.body.is_(None)).values(facts=of(17, [2])))
        assert tx.execute(select(table.c.body, table.c.facts).order_by(table.c.id)).all() == [
            ("one", None),
            (None, [2]),
        ]
        for value in ("plain", of(None, "x"), of("", "x"), of(True, "x")):  # type: ignore[arg-type]
            with pytest.raises(StatementError, match=r"whose|a number or a text"):
                tx.execute(insert(table), [{"user_id": 17, "body": value}])
        with pytest.raises(StatementError, match="BlindIndex"):
            tx.execute(select(table.c.id).where(table.c.body == "one"))
        tx.execute(insert(table), [{"user_id": 17, "body": of(18, "of another")}])
        with pytest.raises(KeyUnavailable):
            tx.execute(select(table.c.body)).all()


def test_a_blind_index_finds_by_equality(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([User(id=n, email=f"u{n}@example.org", email_index=f"u{n}@example.org") for n in (1, 2)])
        session.commit()
        found = session.scalars(select(User).where(User.email_index == "u2@example.org")).one()
        assert (found.id, found.email) == (2, "u2@example.org")
        assert session.scalars(select(User).where(User.email_index == "u3@example.org")).all() == []
    assert all(len(value) == 32 and "@" not in value for value in _raw(engine, "email_index", "users"))


def test_an_object_stays_plain_after_a_flush_a_failed_one_and_a_rollback(small: Engine) -> None:
    _ann_and_ben(small)
    with Session(small) as session:
        message = Message(body="mine", user_id=17)
        twice = Message(id=1, body="twice", user_id=17)
        session.add(message)
        session.flush()
        assert message.body == "mine"
        session.add(twice)
        with pytest.raises(IntegrityError):
            session.flush()
        assert twice.body == "twice"
        session.rollback()
        lost = Message(body="no person")
        session.add(lost)
        with pytest.raises(TrothError, match="user_id"):
            session.flush()
        assert lost.body == "no person"


def test_a_person_found_through_a_relationship_is_known_in_time(small: Engine) -> None:
    with Session(small) as session:
        session.add(Message(body="mine", user=User(id=5)))
        session.commit()
        assert session.scalars(select(Message.body)).all() == ["mine"]


def test_a_row_that_goes_to_somebody_else_is_sealed_anew(small: Engine, company: Company) -> None:
    _ann_and_ben(small)
    with Session(small) as session:
        message = session.scalars(select(Message).where(Message.user_id == 17)).one()
        session.expire(message, ["facts"])
        message.user_id = 18
        session.commit()
    company.troth.shred_fields("id=17", KEYS)
    with Session(small) as session:
        message = session.get_one(Message, 1)
        assert (message.body, message.facts) == (SECRET, {"born": "1990-01-02", "n": [1, None]})


def test_a_change_is_written_and_nothing_else_is_sealed_again(small: Engine) -> None:
    _ann_and_ben(small)
    before = _raw(small, "facts")[0]
    with Session(small) as session:
        message = session.get_one(Message, 1)
        message.body = "changed"
        session.commit()
        assert message.body == "changed"
    assert _raw(small, "facts")[0] == before


def test_the_same_words_never_look_the_same_not_even_after_a_fork(company: Company) -> None:
    KEYS.make(["1"])
    seal = KEYS.sealer("id", sealed_values.place_of("shop.a.b"))
    seen = {seal("1", b"x") for _ in range(1100)}
    assert len(seen) == 1100
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, (KEYS._nonces or [KEYS._another_nonce()]).pop())
        os._exit(0)
    mine = KEYS._nonces.pop()
    os.waitpid(child, 0)
    assert os.read(reading, 100) != mine
    os.close(reading)
    os.close(writing)


def test_the_keys_of_many_people_are_made_at_once_and_stay_the_same(small: Engine, company: Company) -> None:
    assert KEYS.make(["1", "2", "1"]) == 3
    place = sealed_values.place_of("shop.a.b")
    sealed = KEYS.sealer("id", place)("2", b"x")
    KEYS.forget()
    assert KEYS.opener(place)("2", sealed) == b"x"
    assert KEYS.sealer("id", place)("2", b"x")[:14] == sealed[:14]


def test_another_instance_and_none_say_so(small: Engine, tmp_path: Path) -> None:
    _ann_and_ben(small)
    (tmp_path / "other").mkdir()
    with found_company(tmp_path / "other") as other:
        other.troth.seal_fields(KEYS)
        with Session(small) as session, pytest.raises(KeyUnavailable, match="never made"):
            session.scalars(select(Message.body)).all()
    with pytest.raises(TrothError, match="seal_fields"):
        FieldKeys().sealer("id", b"")("1", b"")


@pytest.mark.parametrize("place", ["", "a", "a.b", "a.b.c.d", "a..c", "a|b.c.d"])
def test_a_place_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(TrothError, match=r"store\.table\.column|has a place"):
        SealedText(place, person="id")
    with pytest.raises(TrothError, match="no such way"):
        SealedText("a.b.c", person="id", kind="name")


def test_nothing_is_written_into_a_statement_and_nothing_shows(small: Engine) -> None:
    value = of(17, SECRET)
    assert SECRET not in repr(value)
    table = Message.__table__
    statement = select(table.c.id).where(table.c.body == value)
    with pytest.raises(CompileError, match="Could not render literal") as caught:
        statement.compile(small, compile_kwargs={"literal_binds": True})
    assert SECRET not in str(caught.value)
