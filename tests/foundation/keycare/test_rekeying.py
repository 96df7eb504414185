"""A key that was lost: nothing opens until two people replaced it; what is gone is said, and the chain still verifies."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.foundation.keycare.test_keycare import NOW, PEOPLE, now_loaded, sealed_bodies, troth
from tests.killing import every_commit, mortal
from tests.use.company import Company, prepare
from troth import application
from troth.errors import AccessDenied, KeyUnavailable, TrothError
from troth.foundation import keys, staff
from troth.foundation.keycare import looking, rekeying
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves, lineage, shredding, verification
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.ledger.tables import ledger_bodies, person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.roles import Role
from troth.foundation.store import Store
from troth.testing import FixedClock

STAFF = ("dora", "otto", "anna")


def enter_staff(store: Store) -> None:
    for name, role in zip(STAFF, (Role.DPO, Role.ADMINISTRATOR, Role.AGENT), strict=True):
        staff.add(store, name, role, now=FixedClock(NOW).now())


def lose(company: Company) -> Keyring:
    """Seven people with sealed bodies, three of staff, and then the key is gone."""
    store, old = company.office.store, now_loaded(company)
    sealed_bodies(store, old)
    with store.writing() as tx:
        shredding.shred(tx, old, 3, KeyUse.CONTENT, company.clock.now())
    sequence_all(store, old)
    enter_staff(store)
    (company.folder / keys.FILE).unlink()
    return old


def rekey(company: Company, by: str) -> rekeying.Replacement:
    return rekeying.rekey(company.office.store, company.folder, {}, by, company.clock, batch=2)


def test_two_people_replace_a_lost_key_and_the_chain_still_verifies(company_on_each: Company) -> None:
    company, store = company_on_each, company_on_each.office.store
    old = lose(company)
    with pytest.raises(KeyUnavailable):
        application.open(company.folder, company.environ, company.clock)

    asked = rekey(company, "dora")
    assert (asked.lost, asked.id, asked.done_at) == (old.id, None, None)
    with pytest.raises(AccessDenied, match="yourself"):
        rekey(company, "dora")
    with pytest.raises(AccessDenied, match="may not"):
        rekey(company, "anna")
    with pytest.raises(KeyUnavailable):  # asked for is not done
        application.open(company.folder, company.environ, company.clock)
    done = rekey(company, "otto")

    new = now_loaded(company)
    assert (done.lost, done.id, done.people_keys) == (old.id, new.id, PEOPLE - 1)
    assert dict(done.gone)["sealed bodies of the ledger"] == PEOPLE - 1
    with pytest.raises(KeyUnavailable, match="sealed with key"):
        keys.confirm(store, old)
    outcome = verification.verify(store, keyring=new)
    assert outcome.findings == []
    assert "another key signs, and the key before does not say so" in outcome.notes[0]
    with store.reading() as tx:
        assert [each.vouched for each in lineage.load(tx).handovers] == [False]
        assert tx.execute(select(func.count()).select_from(ledger_bodies)).scalar_one() == 0
    kinds = [leaf.kind for leaf in company.leaves()]
    assert [kind for kind in kinds if kind.startswith("key.")] == [
        "key.destroyed", "key.replacement-asked", "key.replacement-approved", "key.lost", "key.replaced", "key.rekeyed",
    ]  # fmt: skip
    # people's new bodies are sealed under new keys
    with application.open(company.folder, company.environ, company.clock) as opened:
        with opened.office.store.writing() as tx:
            leaf = leaves.append(tx, new, "request.made", 3, {}, company.clock.now(), sealed={"said": "anew"})
        with opened.office.store.reading() as tx:
            assert shredding.find_body(tx, new, leaf) == {"said": "anew"}
    sequence_all(store, new)
    assert verification.verify(store, keyring=new).findings == []
    with pytest.raises(KeyUnavailable, match="not lost"):
        rekey(company, "dora")


def test_a_key_taken_away_after_the_loss_is_found_all_the_same(company: Company) -> None:
    lose(company)
    rekey(company, "dora")
    company.clock.advance(timedelta(minutes=1))
    rekey(company, "otto")
    new, store = now_loaded(company), company.office.store
    company.clock.advance(timedelta(minutes=1))
    with store.writing() as tx:
        leaves.append(tx, new, "request.made", 1, {}, company.clock.now(), sealed={"said": "anew"})
    assert verification.verify(store, keyring=new).findings == []
    with store.writing() as tx:
        made = person_keys.c.wrapped.is_not(None)
        tx.execute(person_keys.update().where(made).values(wrapped=None))
        tx.execute(ledger_bodies.delete())
    told = [each.message for each in verification.verify(store, keyring=new).findings]
    assert "its sealed body is gone, and no entry records that the key was destroyed" in told
    assert "is gone, and no entry records it" in told


def test_a_key_that_fits_or_another_in_its_place_is_not_replaced(company: Company, tmp_path: Path) -> None:
    enter_staff(company.office.store)
    with pytest.raises(KeyUnavailable, match="not lost"):
        rekey(company, "dora")
    (company.folder / keys.FILE).unlink()
    Keyring.create(company.folder)
    with pytest.raises(KeyUnavailable, match=r"holds another key.*move the file away"):
        rekey(company, "dora")
    (company.folder / keys.FILE).unlink()
    with pytest.raises(TrothError, match="no account of that name"):
        rekey(company, "nobody")
    with pytest.raises(KeyUnavailable, match="stands in no file of ours"):
        rekeying.rekey(company.office.store, company.folder, {"TROTH_KEY": "x"}, "dora", company.clock)


def live(arguments: dict[str, Any]) -> str | None:
    """The second person's part, two keys at a time."""
    with Store.open(arguments["environ"]["STORE_URL"]) as store:
        return rekeying.rekey(store, Path(arguments["folder"]), {}, "otto", FixedClock(NOW), batch=2).id


def test_killed_at_every_commit_it_is_done_once_and_never_half(tmp_path: Path) -> None:
    with mortal(live) as process:

        def fresh(name: str) -> dict[str, Any]:
            folder = tmp_path / name
            folder.mkdir()
            environ = prepare(folder)
            with Store.open(environ["STORE_URL"]) as store:
                keyring = Keyring.load(folder, {})
                keys.confirm(store, keyring)
                sealed_bodies(store, keyring)
                sequence_all(store, keyring)
                enter_staff(store)
                (folder / keys.FILE).unlink()
                rekeying.rekey(store, folder, {}, "dora", FixedClock(NOW))
            return {"folder": str(folder), "environ": environ}

        whole = process.live(fresh("whole"))
        assert whole.done, whole.error
        for number, death in enumerate(every_commit(whole)):
            told = fresh(f"life{number}")
            folder, environ = Path(told["folder"]), told["environ"]
            assert process.live(told, die=death).killed
            with Store.open(environ["STORE_URL"]) as store:
                with store.reading() as tx:
                    waits = rekeying.pending(tx)
                if waits is not None:  # until it is done nothing opens
                    with pytest.raises(KeyUnavailable):
                        application.open(folder, environ, FixedClock(NOW))
                    assert process.live(told).done
                keyring = Keyring.load(folder, {})
                outcome = verification.verify(store, keyring=keyring)
                assert outcome.findings == []
                with store.reading() as tx:
                    assert rekeying.pending(tx) is None
                    assert len(lineage.load(tx).handovers) == 1
            with application.open(folder, environ, FixedClock(NOW)) as opened:
                kinds = [json.loads(each)["kind"] for each in _contents(opened.office.store)]
            for kind in ("key.replacement-approved", "key.lost", "key.replaced", "key.rekeyed"):
                assert kinds.count(kind) == 1, (kind, death)


def _contents(store: Store) -> list[bytes]:
    from tests.foundation.ledger.worlds import contents

    return contents(store)


def test_the_command(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(company.folder)
    monkeypatch.setenv("STORE_URL", company.environ["STORE_URL"])
    lose(company)
    asked = troth("key", "rekey", "--as", "dora")
    assert asked.exit_code == 1
    assert "Another account approves" in asked.stdout
    done = troth("key", "rekey", "--as", "otto", "--format", "json")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["key"] == now_loaded(company).id
    assert {"what": "keys of people", "n": PEOPLE - 1} in said["gone"]
    assert looking.look(company.office.store, company.folder, {}).id == said["key"]
