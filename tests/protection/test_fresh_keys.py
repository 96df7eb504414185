"""A destroyed key opens nothing in any process once that was acknowledged, and its neighbours' stay at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest

from tests.killing import ROOT
from tests.use.company import Company
from tests.use.conftest import company, company_on_each, company_on_postgresql
from troth import application
from troth.application import Troth
from troth.errors import KeyUnavailable, TrothError
from troth.foundation.sealed_values import place_of
from troth.foundation.store.readers import LEASE_S
from troth.protection.sealed_fields import FieldKeys, fieldkeys, fresh

__all__ = ["company", "company_on_each", "company_on_postgresql"]

PLACE = place_of("shop.messages.body")
DEADLINE_S = 60.0


class Shop:
    """Software of the company in one process, or what stands for another: keys, and an instance, of its own."""

    def __init__(self, opened: Troth) -> None:
        self.keys = FieldKeys()
        self.seal, self.open = self.keys.sealer("id", PLACE), self.keys.opener(PLACE)
        opened.seal_fields(self.keys)

    def warm(self, person: str, sealed: str) -> None:
        """Until the key is used from memory: on PostgreSQL a lease is taken first."""
        ends = monotonic() + DEADLINE_S
        while not (self.open(person, sealed) and self.keys._fresh.renew() and self.keys._opening):
            assert monotonic() < ends
            sleep(0.005)


@contextmanager
def another(company: Company) -> Iterator[Shop]:
    with application.open(company.folder, company.environ, company.clock) as opened:
        yield Shop(opened)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Which keys are asked of the store from now on."""
    asked: list[bytes] = []
    found = FieldKeys._found

    def counted(self: FieldKeys, head: bytes, place: bytes) -> object:
        asked.append(head)
        return found(self, head, place)

    monkeypatch.setattr(FieldKeys, "_found", counted)
    return asked


def test_another_process_opens_nothing_after_the_acknowledgement(
    company_on_each: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, mine = company_on_each, Shop(company_on_each.troth)
    ann, ben = mine.seal("17", b"Ann's"), mine.seal("18", b"Ben's")
    with another(company) as other:
        for person, sealed in (("17", ann), ("18", ben)):
            other.warm(person, sealed)
        assert other.seal("17", b"more")

        fieldkeys.destroy(company.troth.office, "id=17")

        assert other.open("17", ann) is None
        with pytest.raises(KeyUnavailable, match="was destroyed"):
            other.seal("17", b"yet more")
        assert mine.open("17", ann) is None
        asked = reads(monkeypatch)
        if company.office.store.kind == "sqlite":  # a lease of PostgreSQL may end on a busy machine
            assert other.open("18", ben) == b"Ben's"
            assert asked == []


def test_a_word_about_somebody_else_takes_no_key_out_of_memory(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(company.troth)
    ann, _ = shop.seal("17", b"Ann's"), shop.seal("18", b"Ben's")
    shop.warm("17", ann)
    asked = reads(monkeypatch)

    company.troth.give_consent("id=18", "marketing")
    assert shop.open("17", ann) == b"Ann's"
    assert asked == []
    company.troth.give_consent("id=17", "marketing")
    assert shop.open("17", ann) == b"Ann's"
    assert len(asked) == 1


def test_what_was_read_before_a_change_does_not_come_into_memory_after_it(company: Company) -> None:
    shop = Shop(company.troth)
    ann = shop.seal("17", b"Ann's")
    found = shop.keys._found

    def overtaken(head: bytes, place: bytes) -> object:
        key = found(head, place)
        fieldkeys.destroy(company.troth.office, "id=17")
        shop.keys._fresh.renew()  # another thread uses a key, and obeys the change
        return key

    shop.keys._found = overtaken  # type: ignore[method-assign]
    assert shop.open("17", ann) == b"Ann's"  # its question came before the change
    del shop.keys._found
    assert shop.open("17", ann) is None


def test_every_key_is_asked_for_anew_once_a_minute(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what was done to the store past troth, which tells nobody."""
    shop = Shop(company.troth)
    ann = shop.seal("17", b"Ann's")
    shop.warm("17", ann)
    asked, now = reads(monkeypatch), [monotonic()]
    for module in (fresh, fieldkeys):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    now[0] += LEASE_S + 1
    assert shop.open("17", ann)
    assert len(asked) == 0
    now[0] += fresh.KEPT_S
    assert shop.open("17", ann)
    assert len(asked) == 1


def test_a_child_of_a_fork_obeys_too(company_on_each: Company) -> None:
    shop = Shop(company_on_each.troth)
    ann = shop.seal("17", b"Ann's")
    shop.warm("17", ann)
    (here, there), (mine, told) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            opened = shop.open("17", ann) == b"Ann's"
            os.write(there, b"1" if opened else b"0")
            os.read(mine, 1)
            os.write(there, b"1" if shop.open("17", ann) is None else b"0")
        finally:
            os._exit(0)
    assert os.read(here, 1) == b"1"
    fieldkeys.destroy(company_on_each.troth.office, "id=17")
    os.write(told, b".")
    assert os.read(here, 1) == b"1"
    os.waitpid(child, 0)


def test_who_closes_their_instance_serves_nobody(company: Company) -> None:
    ann = Shop(company.troth).seal("17", b"Ann's")
    with another(company) as other:
        other.warm("17", ann)
    with pytest.raises(TrothError, match="no instance serves"):
        other.open("17", ann)


READER = """
import json, sys
from pathlib import Path
from time import monotonic
from tests.protection.test_fresh_keys import Shop
from troth import application
said = json.loads(sys.argv[1])
with application.open(Path(said["folder"]), said["environ"]) as opened:
    shop = Shop(opened)
    shop.warm("17", said["sealed"])
    last, count, began = None, 0, monotonic()
    while shop.open("17", said["sealed"]) is not None:
        last, count = began, count + 1
        if count == 100:
            print("ready", flush=True)
        began = monotonic()
    print(last, flush=True)
"""


def test_while_processes_open_it_all_the_time_none_begins_after_the_acknowledgement(company_on_each: Company) -> None:
    company = company_on_each
    sealed = Shop(company.troth).seal("17", b"Ann's")
    told = json.dumps({"folder": str(company.folder), "environ": company.environ, "sealed": sealed})
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    processes = [
        subprocess.Popen([sys.executable, "-c", READER, told], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for each in processes:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        fieldkeys.destroy(company.troth.office, "id=17")
        acknowledged = monotonic()
        lasts = [float(each.communicate(timeout=DEADLINE_S)[0]) for each in processes]
    finally:
        for each in processes:
            each.kill()
    assert max(lasts) < acknowledged
