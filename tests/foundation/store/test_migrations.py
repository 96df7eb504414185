from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from troth.errors import StoreAhead, StoreBehind
from troth.foundation.store import Store, drift, migrations
from troth.foundation.store.schema import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'troth.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_database")
    with Store.open(url) as store:
        yield store


def test_a_new_store_is_behind_and_an_upgraded_one_is_current(empty_store: Store) -> None:
    with pytest.raises(StoreBehind, match="troth upgrade"):
        empty_store.require_current()
    assert migrations.upgrade(empty_store) == migrations.REVISIONS
    empty_store.require_current()
    assert migrations.upgrade(empty_store) == ()


def test_after_the_last_step_the_tables_are_those_declared(empty_store: Store) -> None:
    from troth import sections

    sections.load_tables()
    migrations.upgrade(empty_store)
    assert drift.differences(empty_store, metadata) == ()


def test_a_table_without_a_step_is_seen_and_its_step_is_written(empty_store: Store) -> None:
    migrations.upgrade(empty_store)
    with empty_store.writing() as tx:
        tx.execute(text("DROP TABLE schedules"))
    assert [line for line in drift.differences(empty_store, metadata) if "schedules" in line]
    up, down = drift.step_source(empty_store, metadata)
    assert "op.create_table('schedules'" in up
    assert "Instant()" in up
    assert "op.drop_table('schedules')" in down


def test_a_store_of_a_newer_version_is_refused_and_left_alone(empty_store: Store) -> None:
    migrations.upgrade(empty_store)
    with empty_store.writing() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreAhead, match="step 9999"):
        empty_store.require_current()
    with pytest.raises(StoreAhead):
        migrations.upgrade(empty_store)


def test_upgrades_at_once_do_the_work_once(empty_store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(lambda _: migrations.upgrade(empty_store), range(4)))
    assert done == [(), (), (), migrations.REVISIONS]


def test_an_upgrade_that_fails_leaves_the_store_where_it_was(
    empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.script.base import Script

    def broken(self: Script) -> object:
        upgrade = self.module.upgrade

        def half() -> None:
            upgrade()
            raise ZeroDivisionError

        return type("Broken", (), {**vars(self.module), "upgrade": staticmethod(half)})

    script = ScriptDirectory(str(Path(migrations.__file__).parent)).get_revision(migrations.HEAD)
    assert script is not None
    loaded = Script.__init__

    def patched(self: Script, module: object, rev_id: str, path: str) -> None:
        loaded(self, module, rev_id, path)  # type: ignore[arg-type]
        self.module = broken(self)  # type: ignore[assignment]

    monkeypatch.setattr(Script, "__init__", patched)
    with pytest.raises(ZeroDivisionError):
        migrations.upgrade(empty_store)
    with empty_store.reading() as tx:
        assert inspect(tx).get_table_names() == []


def test_the_list_of_steps_is_the_folder_of_steps() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(reversed([step.revision for step in scripts.walk_revisions()])) == migrations.REVISIONS
    assert scripts.get_heads() == [migrations.HEAD]


def test_asking_whether_a_store_is_current_loads_no_migration_machinery(tmp_path: Path) -> None:
    import subprocess
    import sys

    with Store.open(f"sqlite:///{tmp_path / 'troth.db'}") as store:
        migrations.upgrade(store)
    source = (
        "import sys; from troth.foundation.store import Store;"
        f"Store.open('sqlite:///{tmp_path / 'troth.db'}').require_current();"
        "heavy = {'alembic', 'mako', 'starlette', 'cryptography'};"
        "assert not [name for name in sys.modules if name.split('.')[0] in heavy]"
    )
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
