"""A company for a bench: an instance with its policy, its store brought up to date, and people who are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def company(folder: Path, url: str, *, policy: str, people: int) -> Iterator[Any]:
    """The opened instance in `folder` on the store at `url`; its people are `id=0` to `id=people - 1`."""
    from troth import application
    from troth.foundation.keys import Keyring
    from troth.foundation.store import Store, migrations

    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    (folder / "troth.toml").write_text('[store]\nurl = "${STORE_URL}"\n', encoding="utf-8")
    Keyring.create(folder)
    with Store.open(url) as store:
        migrations.upgrade(store)
    with application.open(folder, {"STORE_URL": url}) as troth:
        troth.register_many({"id": str(n)} for n in range(people))
        yield troth
