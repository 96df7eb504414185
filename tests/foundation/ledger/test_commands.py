"""`troth ledger` from a terminal: it says what holds, names what does not, and needs no key to verify what was handed over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.foundation.ledger import independent, worlds
from tests.stores import fresh_store
from troth.errors import KeyUnavailable, ProofInvalid, StoreError, TrothError
from troth.foundation.keys import Keyring
from troth.foundation.ledger.commands import ledger as door
from troth.foundation.store import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance with five entries, none of them sequenced yet."""
    (tmp_path / "troth.toml").write_text(
        '[site]\nurl = "https://shop.example.com"\n[store]\nurl = "sqlite:///troth.db"\n'
    )
    keyring = Keyring.create(tmp_path)
    with fresh_store(tmp_path) as store:
        worlds.wait(store, keyring, 5)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(door, name="ledger")
    return CliRunner().invoke(app, ["ledger", *arguments])


def shown(*arguments: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(*arguments, "--format", "json").stdout)
    return found


def tamper(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "troth.db") as raw:
        raw.execute(statement)
    raw.close()


def test_a_checkpoint_is_signed_over_all_entries_and_named_for_the_site(folder: Path) -> None:
    done = run("checkpoint")

    key = done.stderr.strip().removeprefix("the public key is ")
    origin, size, _ = independent.open_checkpoint(done.stdout, key)
    assert origin.startswith("shop.example.com/ledger/")
    assert size == 5
    assert shown("checkpoint")["key"] == key


def test_what_holds_is_said_and_kept_for_checks(folder: Path) -> None:
    (folder / "kept.txt").write_text(run("checkpoint").stdout)

    done = run("verify", "--checkpoint", "kept.txt")

    assert (done.exit_code, done.stdout) == (0, "The ledger holds: 5 entries, 1 signed head.\n")
    with sqlite3.connect(folder / "troth.db") as raw:
        assert raw.execute("SELECT size, findings FROM ledger_verification").fetchall() == [(5, 0)]
    raw.close()


def test_tampering_is_named_and_is_status_1(folder: Path) -> None:
    run("checkpoint")
    tamper(folder, "DELETE FROM ledger_leaves WHERE id = 3")

    done = run("verify")

    assert done.exit_code == 1
    assert done.stdout.startswith("broken  entry 2 (leaf 3): is gone\n")
    assert done.stdout.endswith("The ledger does not hold: 5 entries, 1 signed head.\n")
    found = shown("verify")
    assert (found["schema"], found["holds"], found["count"]) == (1, False, 1)
    assert found["findings"] == [{"where": "entry 2 (leaf 3)", "message": "is gone", "place": 2, "leaf": 3}]


def test_a_cut_ledger_shows_against_the_kept_file_only(folder: Path) -> None:
    (folder / "kept.txt").write_text(run("checkpoint").stdout)
    for table in ("ledger_leaves", "ledger_order", "ledger_tiles", "ledger_checkpoints", "ledger_bodies"):
        tamper(folder, f"DELETE FROM {table}")
    tamper(folder, "DELETE FROM sqlite_sequence WHERE name = 'ledger_leaves'")
    tamper(folder, "UPDATE ledger_state SET size = 0")

    assert run("verify").exit_code == 0
    done = run("verify", "--checkpoint", "kept.txt")
    assert done.exit_code == 1
    assert "stands for 5 entries, and there are 0" in done.stdout


def test_the_store_is_verified_without_its_key_too(folder: Path) -> None:
    key = str(shown("checkpoint")["key"])
    (folder / "troth.key").unlink()

    assert run("verify", "--key", key).exit_code == 0
    done = run("verify")
    assert done.exit_code == 0
    assert "the key was taken from the store itself" in done.stderr
    assert isinstance(run("checkpoint").exception, KeyUnavailable)


def test_an_export_is_verified_without_store_and_key(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("export", "evidence")
    assert done.exit_code == 0
    assert done.stderr.startswith("wrote 5 entries of shop.example.com/ledger/")
    key = (folder / "evidence" / "key").read_text().strip()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "evidence").rename(elsewhere / "evidence")
    monkeypatch.chdir(elsewhere)

    assert run("verify", "--export", "evidence", "--key", key).stdout == "The ledger holds: 5 entries, 1 signed head.\n"
    assert "give the one that you were told" in run("verify", "--export", "evidence").stderr
    bundle = elsewhere / "evidence" / "tile" / "entries" / "000.p" / "5"
    bundle.write_bytes(bundle.read_bytes().replace(b"purpose-3", b"purpose-4"))
    done = run("verify", "--export", "evidence", "--key", key)
    assert done.exit_code == 1
    assert "is not the one that was placed here" in done.stdout


def test_a_receipt_is_verified_without_store_and_key(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("prove", "3", "-o", "receipt.txt").exit_code == 0
    assert run("prove", "3", "--format", "json", "-o", "receipt.json").exit_code == 0
    key = str(shown("checkpoint")["key"])
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("receipt.txt", "receipt.json"):
        (folder / name).rename(elsewhere / name)
    monkeypatch.chdir(elsewhere)
    assert independent.open_proof((elsewhere / "receipt.txt").read_text(), key).startswith(b'{"at":"')

    for name in ("receipt.txt", "receipt.json"):
        done = run("verify", "--receipt", name, "--key", key)
        assert done.exit_code == 0
        assert done.stdout.startswith("The entry stands at place 2 of 5 in shop.example.com/ledger/")
    (elsewhere / "receipt.json").write_text(
        (elsewhere / "receipt.json").read_text().replace('"index": 2', '"index": 1')
    )
    done = run("verify", "--receipt", "receipt.json", "--key", key)
    assert done.exit_code == 1
    assert "does not lead from the entry to the signed head" in done.stdout
    assert shown("verify", "--receipt", "receipt.json")["holds"] is False


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("prove", "99"), StoreError),
        (("verify", "--checkpoint", "nowhere.txt"), TrothError),
        (("verify", "--checkpoint", "troth.toml"), ProofInvalid),
        (("verify", "--export", "nowhere"), ProofInvalid),
        (("verify", "--receipt", "troth.toml"), ProofInvalid),
        (("verify", "--key", "nonsense"), ProofInvalid),
    ],
)
def test_what_cannot_be_done_says_why(folder: Path, arguments: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(run(*arguments).exception, error)


def test_a_key_of_another_store_signs_nothing(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    run("checkpoint")
    with Store.open(f"sqlite:///{folder / 'troth.db'}") as store:
        worlds.wait(store, Keyring.load(folder, {}), 1)
    Keyring.create(tmp_path_factory.mktemp("other"))
    (folder / "troth.key").unlink()
    Keyring.create(folder)

    assert isinstance(run("checkpoint").exception, KeyUnavailable)
