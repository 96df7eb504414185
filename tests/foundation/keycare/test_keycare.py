from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from tests.killing import every_commit, mortal
from tests.use.company import Company, prepare
from troth import application
from troth.errors import KeyUnavailable, StoreError, TrothError
from troth.foundation import age, keys, keysource
from troth.foundation.keycare import escrow, looking, turning
from troth.foundation.keys import Keyring
from troth.foundation.ledger import leaves, lineage, shredding, verification
from troth.foundation.ledger.sequencer import sequence_all
from troth.foundation.ledger.tables import person_keys
from troth.foundation.ledger.words import KeyUse
from troth.foundation.store import Store
from troth.testing import FixedClock

NOW = "2026-11-22T06:00:00+00:00"
PASSPHRASE = "correct horse battery staple"
PEOPLE = 7


def sealed_bodies(store: Store, keyring: Keyring) -> list[int]:
    """Entries with a sealed body about `PEOPLE` people, who then have keys."""
    now = FixedClock(NOW).now()
    with store.writing() as tx:
        return [
            leaves.append(tx, keyring, "request.made", n, {}, now, sealed={"said": f"words {n}"})
            for n in range(1, PEOPLE + 1)
        ]


def require_all_open(store: Store, keyring: Keyring, numbers: list[int]) -> None:
    with store.reading() as tx:
        found = [shredding.find_body(tx, keyring, number) for number in numbers]
    assert found == [{"said": f"words {n}"} for n in range(1, PEOPLE + 1)]


def turn(company: Company, batch: int = 1000) -> turning.Turned:
    return turning.turn(company.office.store, company.folder, company.environ, company.clock, batch=batch)


def now_loaded(company: Company) -> Keyring:
    return Keyring.load(company.folder, company.environ)


def of_root(company: Company) -> str:
    return (company.folder / keys.FILE).read_text()


def test_a_turned_key_opens_what_was_sealed_and_closes_peoples_keys_anew(company_on_each: Company) -> None:
    company, store = company_on_each, company_on_each.office.store
    old = now_loaded(company)
    mail = old.seal(b"a letter that waits", context=b"mail")
    numbers = sealed_bodies(store, old)
    done = turn(company, batch=3)
    new = now_loaded(company)
    assert (done.before, done.id, done.people_keys, done.resumed) == (old.id, new.id, PEOPLE, False)
    assert new.id != old.id
    require_all_open(store, new, numbers)
    assert new.unseal(mail, context=b"mail") == b"a letter that waits"
    with pytest.raises(KeyUnavailable):
        old.unseal(new.seal(b"x", context=b""), context=b"")
    with store.reading() as tx:
        for row in tx.execute(select(person_keys)):
            with pytest.raises(KeyUnavailable):  # who has the old key alone opens nobody's any more
                old.unseal(row.wrapped, context=b"person key|content|" + row.person)
    assert new.pseudonym("a", b"x") == old.pseudonym("a", b"x")
    assert new.public_key != old.public_key
    assert new.former_public_key is None
    assert leaves.pseudonym(new, 1) == leaves.pseudonym(old, 1)
    with pytest.raises(KeyUnavailable, match=f"sealed with key {new.id}, and the key at hand is {old.id}"):
        keys.confirm(store, old)
    assert company.leaves()[-1].kind == "key.turned"
    assert (company.folder / keys.FILE).stat().st_mode & 0o777 == 0o600


def test_a_key_turns_again_and_again_until_it_carries_enough(company: Company) -> None:
    numbers = sealed_bodies(company.office.store, now_loaded(company))
    for turns in range(1, keys.MOST_RETIRED + 1):
        assert turn(company).people_keys == PEOPLE
        assert now_loaded(company).turns == turns
    require_all_open(company.office.store, now_loaded(company), numbers)
    before = of_root(company)
    with pytest.raises(KeyUnavailable, match="at most 8"):
        turn(company)
    assert of_root(company) == before


def test_a_destroyed_key_stays_destroyed(company: Company) -> None:
    numbers = sealed_bodies(company.office.store, now_loaded(company))
    with company.office.store.writing() as tx:
        shredding.shred(tx, now_loaded(company), 3, KeyUse.CONTENT, company.clock.now())
    assert turn(company).people_keys == PEOPLE - 1
    with company.office.store.reading() as tx:
        assert shredding.find_body(tx, now_loaded(company), numbers[2]) is None


def test_a_person_key_that_was_changed_stops_the_turn_and_it_goes_on_later(company: Company) -> None:
    numbers = sealed_bodies(company.office.store, now_loaded(company))
    with company.office.store.writing() as tx:
        one = tx.execute(select(person_keys).limit(1)).one()
        tx.execute(person_keys.update().where(person_keys.c.person == one.person).values(wrapped=b"x" * 60))
    with pytest.raises(KeyUnavailable):
        turn(company)
    with company.office.store.writing() as tx:
        tx.execute(person_keys.update().where(person_keys.c.person == one.person).values(wrapped=one.wrapped))
    assert (
        "not finished"
        in looking.look(company.office.store, company.folder, company.environ, company.clock.now()).findings[-1]
    )
    done = turn(company)
    assert (done.resumed, done.people_keys) == (True, PEOPLE)
    require_all_open(company.office.store, now_loaded(company), numbers)


def test_a_key_in_a_variable_is_not_turned_in_its_place(company: Company) -> None:
    with pytest.raises(KeyUnavailable, match="unset TROTH_KEY"):
        turning.turn(company.office.store, company.folder, {"TROTH_KEY": of_root(company)}, company.clock)


@pytest.mark.parametrize(
    ("kind", "blocks"), [*((2, n) for n in (1, 2, 3, 4, 6, 3 + 2 * 9)), *((3, n) for n in (1, 4, 5, 7, 4 + 2 * 9))]
)
def test_a_turned_key_of_the_wrong_length_is_none(kind: int, blocks: int) -> None:
    from base64 import urlsafe_b64encode

    with pytest.raises(KeyUnavailable, match="not a key of troth"):
        Keyring.from_text(f"troth-key-{kind}:" + urlsafe_b64encode(bytes(32 * blocks)).decode(), where="here")


def test_the_signing_key_of_before_signs_one_head_more_and_is_gone(company_on_each: Company) -> None:
    store, old = company_on_each.office.store, now_loaded(company_on_each)
    sealed_bodies(store, old)
    sequence_all(store, old)
    raw = base64.urlsafe_b64decode(of_root(company_on_each)[len("troth-key-1:") :])
    assert keys._derive(raw, "signing") == old._signing

    done = turn(company_on_each)

    text = base64.urlsafe_b64decode(of_root(company_on_each)[len("troth-key-2:") :])
    assert old._signing not in text
    assert done.signs_from == PEOPLE + 1
    sequence_all(store, now_loaded(company_on_each))
    assert verification.verify(store, keyring=now_loaded(company_on_each)).findings == []
    with store.writing() as tx:
        leaves.append(tx, None, "test.said", None, {}, company_on_each.clock.now())
    with pytest.raises(StoreError, match="has handed over"):
        sequence_all(store, old)


def live(arguments: dict[str, Any]) -> str:
    """One life of a turn, two keys at a time."""
    folder = Path(arguments["folder"])
    with Store.open(arguments["environ"]["STORE_URL"]) as store:
        return turning.turn(store, folder, {}, FixedClock(NOW), batch=2).id


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_at_every_commit_nothing_is_lost(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with mortal(live) as process:

        def fresh(name: str) -> tuple[dict[str, Any], list[int]]:
            folder = tmp_path / name
            folder.mkdir()
            url = request.getfixturevalue("postgresql_scratch") if engine == "postgresql" else None
            if url is not None:
                from tests.servers import emptied

                emptied(url)
            environ = prepare(folder, url=url)
            with Store.open(environ["STORE_URL"]) as store:
                keyring = Keyring.load(folder, {})
                keys.confirm(store, keyring)
                numbers = sealed_bodies(store, keyring)
                sequence_all(store, keyring)
                return {"folder": str(folder), "environ": environ}, numbers

        whole = process.live(fresh("whole")[0])
        assert whole.done, whole.error
        for number, death in enumerate(every_commit(whole)):
            told, numbers = fresh(f"life{number}")
            folder, environ = Path(told["folder"]), told["environ"]
            first = Keyring.load(folder, {}).id
            assert process.live(told, die=death).killed
            with application.open(folder, environ, FixedClock(NOW)) as troth:  # it works between the two
                require_all_open(troth.office.store, troth.office.keyring, numbers)
                between = troth.office.keyring.id
            assert process.live(told).done
            with application.open(folder, environ, FixedClock(NOW)) as troth:
                require_all_open(troth.office.store, troth.office.keyring, numbers)
                assert troth.office.keyring.id != first
                assert troth.office.keyring.former_public_key is None
                sequence_all(troth.office.store, troth.office.keyring)
                assert verification.verify(troth.office.store, keyring=troth.office.keyring).findings == []
                with troth.office.store.reading() as tx:
                    assert keys.now_sealed_with(tx) == troth.office.keyring.id
                    assert len(lineage.load(tx).handovers) == 1
            assert between


def test_a_copy_in_escrow_gives_the_key_back_to_its_store_alone(company: Company, tmp_path: Path) -> None:
    store, file = company.office.store, tmp_path / "copy.json"
    assert looking.look(store, company.folder, company.environ, company.clock.now()).findings
    put = escrow.put(store, company.folder, company.environ, file, PASSPHRASE, company.clock)
    assert put == company.office.keyring.id
    assert file.stat().st_mode & 0o777 == 0o600
    text = of_root(company)
    assert text.strip()[20:40] not in file.read_text()
    standing = looking.look(store, company.folder, company.environ, company.clock.now())
    assert (standing.findings, standing.escrowed_at) == ((), company.clock.now())
    with pytest.raises(KeyUnavailable, match="not overwritten"):
        escrow.restore(store, company.folder, file, escrow.opened(file, PASSPHRASE), company.clock)
    (company.folder / keys.FILE).unlink()
    with pytest.raises(KeyUnavailable, match="another passphrase, or altered"):
        escrow.restore(store, company.folder, file, escrow.opened(file, PASSPHRASE + "s"), company.clock)
    (tmp_path / "other").mkdir()
    with Store.open(prepare(tmp_path / "other")["STORE_URL"]) as other:
        keys.confirm(other, Keyring.load(tmp_path / "other", {}))
        (tmp_path / "other" / keys.FILE).unlink()
        with pytest.raises(KeyUnavailable, match="sealed with key"):
            escrow.restore(other, tmp_path / "other", file, escrow.opened(file, PASSPHRASE), company.clock)
        assert not (tmp_path / "other" / keys.FILE).exists()
    escrow.restore(store, company.folder, file, escrow.opened(file, PASSPHRASE), company.clock)
    assert of_root(company) == text
    assert [leaf.kind for leaf in company.leaves()][-2:] == ["key.escrowed", "key.restored"]


def test_a_copy_from_before_a_turn_is_told_and_not_put_back(company: Company, tmp_path: Path) -> None:
    store, file = company.office.store, tmp_path / "copy.json"
    escrow.put(store, company.folder, company.environ, file, PASSPHRASE, company.clock)
    turn(company)
    assert "No copy" in looking.look(store, company.folder, company.environ, company.clock.now()).findings[0]
    (company.folder / keys.FILE).unlink()
    with pytest.raises(KeyUnavailable, match="sealed with key"):
        escrow.restore(store, company.folder, file, escrow.opened(file, PASSPHRASE), company.clock)


def test_a_copy_that_is_altered_or_none_opens_nothing(company: Company, tmp_path: Path) -> None:
    file, other = tmp_path / "copy.json", tmp_path / "other.json"
    escrow.put(company.office.store, company.folder, company.environ, file, PASSPHRASE, company.clock)
    said = json.loads(file.read_text())
    for changed in ({**said, "key": "k-000000000000"}, {**said, "sealed": said["sealed"][:-8] + "AAAAAAA="}):
        other.write_text(json.dumps(changed))
        with pytest.raises(KeyUnavailable, match="does not open"):
            escrow.opened(other, PASSPHRASE)
    for text in ("", "[]", "{}", "null", "[" * 5000, '{"troth_key_escrow": 2}', json.dumps({**said, "salt": "AAAA"})):
        other.write_text(text)
        with pytest.raises(KeyUnavailable, match="no copy of a key"):
            escrow.opened(other, PASSPHRASE)
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        escrow.opened(tmp_path / "nowhere", PASSPHRASE)
    with pytest.raises(TrothError, match="already"):
        escrow.put(company.office.store, company.folder, company.environ, file, PASSPHRASE, company.clock)
    with pytest.raises(TrothError, match="too short"):
        escrow.put(company.office.store, company.folder, company.environ, tmp_path / "x", "short", company.clock)
    assert not (tmp_path / "x").exists()


def test_a_copy_for_public_keys_opens_with_the_private_key_of_any_of_them(company: Company, tmp_path: Path) -> None:
    store, file = company.office.store, tmp_path / "copy.age"
    (private, public), (other, others), (stranger, _) = age.new_key(), age.new_key(), age.new_key()
    (tmp_path / "officer.pub").write_text(f"# of the officer\n{public}\n\n")
    to = escrow.public_keys([str(tmp_path / "officer.pub"), others, others])
    assert to == (public, others)

    escrow.put_for(store, company.folder, company.environ, file, to, company.clock)

    assert file.stat().st_mode & 0o777 == 0o600
    assert looking.look(store, company.folder, company.environ, company.clock.now()).findings == ()
    text = of_root(company)
    for one in (private, other):
        (tmp_path / "private").write_text(f"# created: today\n{one}\n")
        assert escrow.opened_by(file, tmp_path / "private") == text
    (tmp_path / "private").write_text(f"{stranger}\n")
    with pytest.raises(KeyUnavailable, match="does not open"):
        escrow.opened_by(file, tmp_path / "private")
    with pytest.raises(KeyUnavailable, match="no such public key"):
        escrow.public_keys(["officer.pib"])
    with pytest.raises(KeyUnavailable, match="not a public key"):
        escrow.public_keys([public[:-1] + ("q" if public[-1] != "q" else "p")])
    with pytest.raises(TrothError, match="not overwritten"):
        escrow.put_for(store, company.folder, company.environ, file, to, company.clock)


# --- a key that a command prints --------------------------------------------------------------------------------------


def vault(folder: Path, program: str, *, settings: str = "") -> None:
    """Let the key of the instance come from a program instead of its file."""
    (folder / "vault.py").write_text(program)
    with (folder / "troth.toml").open("a") as file:
        file.write(settings or f"[key]\ncommand = {json.dumps([sys.executable, 'vault.py'])}\n")


def test_the_key_can_come_from_a_command_and_stand_in_no_file(company: Company) -> None:
    text, known = of_root(company), now_loaded(company)
    environ = {**company.environ, "VAULT_TOKEN": text}
    assert keysource.source_of(company.folder, {}) == "troth.key"
    assert keysource.source_of(company.folder, {"TROTH_KEY": text}) == "TROTH_KEY"
    vault(company.folder, "import os, sys; print(os.environ['VAULT_TOKEN']); print(len(sys.argv), file=sys.stderr)")
    (company.folder / keys.FILE).unlink()

    assert keysource.source_of(company.folder, environ) == "[key] command in troth.toml", "so that init makes none"
    assert Keyring.load(company.folder, environ) == known
    assert (
        looking.look(company.office.store, company.folder, environ, company.clock.now()).where
        == "[key] command in troth.toml"
    )
    with pytest.raises(KeyUnavailable, match="stands in no file of ours"):
        turning.turn(company.office.store, company.folder, environ, company.clock)
    with application.open(company.folder, environ, company.clock) as opened:
        assert opened.office.keyring == known


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import sys; print('troth-key-1:SECRET'); print('SECRET', file=sys.stderr); sys.exit(3)", "exit status 3"),
        ("print('SECRET')", "not a key of troth"),
        ("", "not a key of troth"),
    ],
)
def test_a_command_that_gives_no_key_is_told_without_what_it_said(company: Company, program: str, told: str) -> None:
    vault(company.folder, program)

    with pytest.raises(KeyUnavailable, match=told) as refused:
        now_loaded(company)

    assert "SECRET" not in f"{refused.value} {refused.value.__cause__} {refused.value.__context__}"


def test_a_command_that_cannot_be_run_or_shows_a_secret_is_refused(company: Company) -> None:
    vault(company.folder, "", settings='[key]\ncommand = ["./no-such-vault"]\n')
    with pytest.raises(KeyUnavailable, match="cannot be run"):
        now_loaded(company)
    (company.folder / "troth.toml").write_text('[key]\ncommand = ["vault", "--token", "${VAULT_TOKEN}"]\n')
    with pytest.raises(KeyUnavailable, match="others can see arguments"):
        now_loaded(company)


def test_a_command_that_hangs_is_not_waited_for(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keysource, "PATIENCE_S", 0.2)
    vault(company.folder, "import time; time.sleep(60)")

    with pytest.raises(KeyUnavailable, match="no key within"):
        now_loaded(company)


def troth(*arguments: str, typed: str | None = None) -> Result:
    from troth.entrypoints.commands import attach

    app = typer.Typer()
    attach(app)
    return CliRunner().invoke(app, list(arguments), input=typed)


def test_the_commands(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(company.folder)
    monkeypatch.setenv("STORE_URL", company.environ["STORE_URL"])
    found = troth("key", "check")
    assert found.exit_code == 1
    assert "fits the store (troth.key, mode 0600)" in found.stdout
    assert "escrow" in found.stdout
    assert troth("key", "escrow", "a.json", "--passphrase-stdin", typed=PASSPHRASE + "\n").exit_code == 0
    assert troth("key", "check").exit_code == 0
    said = json.loads(troth("key", "rotate", "--format", "json").stdout)
    assert said["key"] != said["before"]
    found = troth("key", "check", "--format", "json")
    assert found.exit_code == 1
    assert (json.loads(found.stdout)["key"], json.loads(found.stdout)["turns"]) == (said["key"], 1)
    troth("key", "escrow", "b.json", "--passphrase-stdin", typed=PASSPHRASE + "\n")
    assert troth("key", "check").exit_code == 0
    (company.folder / keys.FILE).unlink()
    assert isinstance(troth("key", "check").exception, KeyUnavailable)
    restored = troth("key", "restore", "b.json", "--passphrase-stdin", "--format", "json", typed=PASSPHRASE + "\n")
    assert json.loads(restored.stdout)["key"] == said["key"]
    assert isinstance(troth("key", "escrow", "c.json").exception, TrothError)
    private, public = age.new_key()
    (company.folder / "private").write_text(private)
    said = json.loads(troth("key", "escrow", "d.age", "--to", public, "--format", "json").stdout)
    (company.folder / keys.FILE).unlink()
    assert isinstance(troth("key", "restore", "d.age").exception, TrothError)
    restored = troth("key", "restore", "d.age", "--identity", "private", "--format", "json")
    assert json.loads(restored.stdout)["key"] == said["key"]
    (company.folder / keys.FILE).chmod(0o644)
    assert re.search("chmod 600", str(troth("key", "check").exception))
