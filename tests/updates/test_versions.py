"""Publishing: exact bytes, numbers without a hole, notice before what is material."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.stores import fresh_store
from tests.updates.company import data_of, dated
from tests.updates.pages import new_store
from troth.errors import UnknownName
from troth.foundation.keys import Keyring
from troth.foundation.ledger.tables import ledger_leaves
from troth.foundation.store import Store
from troth.policy import reading
from troth.testing import FixedClock
from troth.updates import versions
from troth.updates.tables import policy_versions
from troth.updates.versions import DatesDisagree, NoticeTooShort

NOW = FixedClock().now()


class Press:
    """A store and a key, and publishing in one word."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self.store, self.keyring = store, keyring

    def publish(self, data: bytes, now: dt.datetime = NOW) -> versions.Version:
        return versions.publish(self.store, self.keyring, data, reading.parse(data, "policy.yaml"), now)

    def leaves(self) -> list[bytes]:
        with self.store.reading() as tx:
            return [bytes(content) for content in tx.execute(select(ledger_leaves.c.content)).scalars()]


@pytest.fixture
def press(tmp_path: Path) -> Iterator[Press]:
    with new_store(tmp_path) as store:
        yield Press(store, Keyring.create(tmp_path))


def test_a_version_keeps_the_exact_bytes_and_their_hash(press: Press) -> None:
    data = data_of() + b"\n# a note that no reader sees\n"

    version = press.publish(data)

    kept = versions.load(press.store, 1)
    assert kept.data == data
    assert kept.policy().sha256 == version.sha256
    assert (version.number, version.published_at, version.effective) == (1, NOW, dt.date(2026, 11, 22))


def test_the_same_bytes_again_are_no_new_version(press: Press) -> None:
    first = press.publish(data_of())

    assert press.publish(data_of(), NOW + dt.timedelta(days=1)) == first
    assert len(versions.history(press.store)) == 1
    assert len(press.leaves()) == 1


def test_each_publishing_has_its_ledger_entry_and_a_refused_one_has_none(press: Press) -> None:
    press.publish(data_of())

    with pytest.raises(NoticeTooShort):
        press.publish(data_of(("country: DE", "country: US")))

    (leaf,) = press.leaves()
    assert b"policy.published" in leaf
    assert len(versions.history(press.store)) == 1


def test_an_editorial_change_may_hold_at_once(press: Press) -> None:
    press.publish(data_of())

    version = press.publish(data_of(("We provide the service.", "We provide our service.")))

    assert (version.number, version.material) == (2, False)
    assert version.changes == ("2b: sentence 2b has other words",)


def test_a_material_change_without_its_notice_is_refused_with_the_day_that_would_do(press: Press) -> None:
    press.publish(data_of())

    with pytest.raises(NoticeTooShort, match="2026-12-22"):
        press.publish(data_of(("country: DE", "country: US"), *dated("2026-11-22", "2026-12-21")))


def test_a_material_change_with_its_notice_is_published(press: Press) -> None:
    press.publish(data_of())

    version = press.publish(data_of(("country: DE", "country: US"), *dated("2026-11-22", "2026-12-22")))

    assert (version.number, version.material, version.effective) == (2, True, dt.date(2026, 12, 22))
    assert version.changes[0] == "4.1: Example Mail is in US instead of DE (material)"


def test_the_notice_is_that_of_the_text_in_force_and_not_of_the_new_one(press: Press) -> None:
    press.publish(data_of())

    with pytest.raises(NoticeTooShort, match="2026-12-22"):
        press.publish(data_of(("material: 30 days", "material: 7 days"), *dated("2026-11-22", "2026-11-30")))


def test_the_day_is_counted_where_the_controller_is(press: Press) -> None:
    press.publish(data_of())
    late = dt.datetime(2027, 6, 30, 23, 30, tzinfo=dt.UTC)  # 1 July in Dublin

    with pytest.raises(NoticeTooShort, match="2027-07-31"):
        press.publish(data_of(("country: DE", "country: US"), *dated("2027-06-30", "2027-07-30")), late)


@pytest.mark.parametrize("updated", ["2026-11-23", "2027-01-01"])
def test_a_day_of_change_that_is_still_to_come_is_refused(updated: str, press: Press) -> None:
    with pytest.raises(DatesDisagree, match="2026-11-22"):
        press.publish(data_of(*dated(updated, updated)))


def test_a_changed_text_under_an_old_day_is_refused(press: Press) -> None:
    press.publish(data_of())

    with pytest.raises(DatesDisagree, match="version 1 was published on 2026-11-22"):
        press.publish(
            data_of(("We provide the service.", "We provide our service."), *dated("2026-11-01", "2026-11-22"))
        )


def test_the_version_in_force_is_the_newest_whose_day_has_come(press: Press) -> None:
    press.publish(data_of())
    press.publish(data_of(("country: DE", "country: US"), *dated("2026-11-22", "2026-12-22")))

    def number_on(day: dt.date) -> int | None:
        found = versions.in_force(press.store, day)
        return found.version.number if found else None

    assert number_on(dt.date(2026, 11, 21)) is None
    assert number_on(dt.date(2026, 12, 21)) == 1
    assert number_on(dt.date(2026, 12, 22)) == 2


def test_a_version_that_is_not_there_is_told(press: Press) -> None:
    with pytest.raises(UnknownName, match="no version 7"):
        versions.load(press.store, 7)


def test_twenty_who_publish_at_once_make_one_version(press: Press) -> None:
    threads = [threading.Thread(target=press.publish, args=(data_of(),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [version.number for version in versions.history(press.store)] == [1]


def test_postgresql_keeps_versions_too(postgresql_database: str, tmp_path: Path) -> None:
    with fresh_store(tmp_path, url=postgresql_database) as store:
        press = Press(store, Keyring.create(tmp_path))
        press.publish(data_of())
        press.publish(data_of(("We provide the service.", "We provide our service.")))

        assert [(each.number, each.published_at) for each in versions.history(store)] == [(1, NOW), (2, NOW)]
        assert versions.load(store, 1).data == data_of()
        with store.reading() as tx:
            assert tx.execute(select(func.count()).select_from(policy_versions)).scalar_one() == 2
