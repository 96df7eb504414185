"""The front door: what a company's software sees, and what it never has to load."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

import troth
from tests.use.company import POLICY, Company, found_company, prepare
from troth import errors

HEAVY = (
    "starlette",
    "fastapi",
    "uvicorn",
    "typer",
    "click",
    "rich",
    "dbos",
    "playwright",
    "jinja2",
    "httpx",
    "alembic",
)
CANARY = "canary-7c1e"


@pytest.fixture
def company(tmp_path: Path) -> object:
    with found_company(tmp_path) as made:
        yield made


def test_to_import_and_to_decide_loads_no_framework(tmp_path: Path) -> None:
    environ = prepare(tmp_path)
    code = f"""
import sys, json
import troth
light = sorted(sys.modules)
with troth.open({str(tmp_path)!r}, {environ!r}) as t:
    t.register(id="17")
    assert t.may("id=17", "service.provide", "contact.email")
    t.give_consent("id=17", "marketing")
    assert t.may("id=17", "marketing", "contact.email").reason is troth.Reason.CONSENT_GIVEN
print(json.dumps([light, sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    imported, after = (set(names) for names in json.loads(done.stdout))

    assert [name for name in HEAVY if name in after] == []
    assert [name for name in ("sqlalchemy", "pydantic", "cryptography", "yaml") if name in imported] == [], (
        "import troth alone is cheap"
    )


def test_everything_in_the_front_door_is_there() -> None:
    for name in troth.__all__:
        assert getattr(troth, name).__name__ == name
    assert set(troth.__all__) <= set(dir(troth))
    with pytest.raises(AttributeError):
        _ = troth.unheard_of
    families = {
        name
        for name in dir(errors)
        if isinstance(getattr(errors, name), type) and issubclass(getattr(errors, name), errors.TrothError)
    }
    assert families <= set(troth.__all__), "an error that the front door does not show cannot be caught by name"


def test_require_raises_what_may_only_answers(company: Company) -> None:
    company.troth.register(id="17")

    with pytest.raises(errors.Refused) as refused:
        company.troth.require("id=17", "marketing", "contact.email")

    assert str(refused.value) == "use.purposes.mailing: not permitted: consent not given (1.1b)"
    assert company.troth.require("id=17", "service.provide", ["contact.email", "account.username"])


def test_permitted_gives_those_who_may_be_used_in_their_order(company: Company) -> None:
    company.troth.register_many({"id": str(n), "email": f"n{n}@example.org"} for n in range(10))
    company.troth.give_consents([(f"id={n}", "marketing", company.clock.now()) for n in (7, 3, 5)])
    company.troth.restrict("id=5")
    asked = ["id=7", "id=5", "email=n3@example.org", "id=nobody", {"id": "3"}, "id=7"]

    assert company.troth.permitted("marketing", ["contact.email", "profile.name"], asked) == [
        asked[0],
        asked[2],
        asked[4],
        asked[5],
    ]
    assert company.troth.permitted("marketing", "device.ip", asked) == []
    assert company.troth.permitted("unheard-of", "contact.email", asked) == []
    assert company.troth.permitted("marketing", [], asked) == []
    assert [one for one in asked if company.troth.may(one, "marketing", "contact.email")] == company.troth.permitted(
        "marketing", "contact.email", asked
    )


def test_registering_again_meets_the_same_person(company: Company) -> None:
    key = company.troth.register(id="17", email="bob@example.org", phone=None)

    assert key.startswith("key=")
    assert company.troth.register(id="17", phone="+44 7700 900123") == key
    assert company.troth.may(key, "service.provide", "contact.email")
    with pytest.raises(errors.PersonError):
        company.troth.register()


def test_a_changed_policy_is_in_force_after_reload_and_a_faulty_one_never(company: Company) -> None:
    company.troth.register(id="17")
    assert company.troth.reload() is False
    (company.folder / "policy.yaml").write_text(POLICY.replace("basis: contract}", "basis: consent}", 1))
    assert company.troth.may("id=17", "service.provide", "contact.email")

    assert company.troth.reload() is True
    assert not company.troth.may("id=17", "service.provide", "contact.email")
    (company.folder / "policy.yaml").write_text(POLICY.replace("basis: contract}", "basis: contrct}", 1))
    with pytest.raises(errors.DeclarationFaults):
        company.troth.reload()
    assert not company.troth.may("id=17", "service.provide", "contact.email")


def test_a_store_that_is_not_there_yet_names_the_command_and_is_not_made(tmp_path: Path) -> None:
    environ = prepare(tmp_path)
    environ["STORE_URL"] = f"sqlite:///{tmp_path}/other.sqlite3"

    with pytest.raises(errors.StoreBehind, match="there is no store yet\\. Run `troth upgrade`"):
        troth.open(tmp_path, environ)
    assert not (tmp_path / "other.sqlite3").exists()


def test_a_store_that_is_behind_or_ahead_is_not_opened(tmp_path: Path) -> None:
    environ = prepare(tmp_path)
    with troth.open(tmp_path, environ) as opened, opened.office.store.writing() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.StoreAhead):
        troth.open(tmp_path, environ)
    (tmp_path / "troth.sqlite3").unlink()
    (tmp_path / "troth.sqlite3").touch()
    with pytest.raises(errors.StoreBehind, match="`troth upgrade`"):
        troth.open(tmp_path, environ)


def test_another_key_than_the_store_s_is_noticed_at_once(tmp_path: Path) -> None:
    environ = prepare(tmp_path)
    troth.open(tmp_path, environ).close()
    (tmp_path / "troth.key").unlink()
    with pytest.raises(errors.KeyUnavailable, match="there is no key"):
        troth.open(tmp_path, environ)
    troth.foundation.keys.Keyring.create(tmp_path)

    with pytest.raises(errors.KeyUnavailable, match="escrow"):
        troth.open(tmp_path, environ)


def test_no_file_of_the_company_is_one_line_with_place(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreadableFile) as told:
        troth.open(tmp_path, {})
    assert "policy.yaml" in str(told.value)
    assert "\n" not in str(told.value)


def test_no_marked_value_of_a_person_is_in_any_entry_log_error_or_repr(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    t, seen = company.troth, []
    who = {"id": CANARY, "email": f"{CANARY}@example.org", "phone": "+447700900123"}
    t.register(**who)
    persons = [f"id={CANARY}", f"email={CANARY}@example.org", who]
    for person in persons:
        seen += [t.give_consent(person, "marketing"), t.may(person, "marketing", "contact.email"), t.consents(person)]
        seen += [
            t.object_to(person, "*"),
            t.objections(person),
            t.restrict(person),
            t.withdraw_consent(person, "marketing"),
            t,
        ]
        for wrong in (
            lambda p=person: t.give_consent(p, f"{CANARY}@example.org"),
            lambda p=person: t.object_to(p, f"{CANARY}@example.org"),
            lambda p=person: t.restrict(p, ground=CANARY + "@"),
            lambda p=person: t.give_consent(p, "marketing", method=CANARY + "@"),
            lambda p=person: t.give_consent(p, "marketing", language=CANARY),
            lambda p=person: t.require(p, "marketing", "contact.email"),
            lambda: t.may(f"{CANARY}@example.org", "marketing", "contact.email"),
            lambda: t.give_consent(f"email=x{CANARY}@example.org", "marketing"),
            lambda: t.register(id=f"other-{CANARY}", email="x"),
        ):
            with pytest.raises(errors.TrothError) as told:
                wrong()
            seen += [str(told.value), told.value.diagnostics(), repr(told.value)]

    assert CANARY not in repr(seen)
    assert CANARY not in str(seen)
    assert CANARY not in caplog.text
    for leaf in company.leaves():
        assert CANARY.encode() not in leaf.content
    stored = b"".join(path.read_bytes() for path in company.folder.glob("troth.sqlite3*"))
    assert len(stored) > 10_000
    assert CANARY.encode() not in stored
