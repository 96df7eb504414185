"""`troth init`: the files, the key and the store of a new instance. What exists is left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from troth.policy import documents, settings

_STARTER = """\
# Your privacy policy: every sentence as you publish it, and beside it what it means.
# `troth policy import FILE` makes this file of a policy that you have; `troth lint` says what is missing.
troth: 1
title: Privacy Policy
controller: {name: Your Company, country: DE, languages: [en]}
laws: [gdpr]

collection:
  title: Information We Collect
  source: provided
  account:
    label: Account
    text: Your e-mail address
    data: [contact.email]

use:
  title: What We Use It For
  service:
    text: To provide the service
    purpose: service.provide
    data: [contact.email]
    basis: contract
"""
_SETTINGS = """\
# Settings of troth. Secrets never stand here: ${NAME} reads the environment.
[policy]
file = "policy.yaml"

[map]
file = "datamap.yaml"

[store]
url = "sqlite:///troth.sqlite3"

# Your public pages, so that probes can look at them:
# [site]
# url = "https://www.your-company.com"
# policy = "/privacy"

# Who is told when a sentence turns:
# [mail]
# server = "smtp.your-company.com"
# user = "troth"
# password = "${MAIL_PASSWORD}"
# sender = "privacy@your-company.com"
# owner = "privacy@your-company.com"

[schedule]
check = "1 hour"
"""
DATABASE_VARIABLE = "COMPANY_DATABASE_URL"


def begin(
    folder: Path,
    environ: Mapping[str, str],
    *,
    database: str | None,
    policy: Path | None,
    variable: str | None = None,
) -> Iterator[str]:
    """Make what is missing in `folder`, and say each thing that was made or found, one line each.

    `database` is a URL to draft the data map from; it is not written down (it may hold a password): the map names
    the environment's `variable` that it came from, or `COMPANY_DATABASE_URL`. `policy` is a policy to import. Raises
    the errors of reading either of them before anything is written.
    """
    imported = _imported(policy) if policy is not None else None
    drafted = _drafted(database, variable or DATABASE_VARIABLE) if database is not None else None

    yield _make(folder / "policy.yaml", imported or _STARTER)
    if drafted is not None:
        yield _make(folder / "datamap.yaml", drafted)
        if variable is None:
            yield f"note: set {DATABASE_VARIABLE} in the environment to the database's URL"
        if questions := drafted.count("    ask: "):
            yield f"note: datamap.yaml asks {questions} question{'' if questions == 1 else 's'}, at its top"
    yield _make(folder / settings.FILE, _SETTINGS)
    yield from _provide_key_and_store(folder, environ)
    yield "next: read policy.yaml, then `troth lint` and `troth check`"


def _imported(policy: Path) -> str:
    from troth.policy.importing.drafting import import_policy

    return import_policy(documents.read_bytes(policy), policy.name).yaml


def _drafted(database: str, variable: str) -> str:
    from troth.collection.drafting import draft_map

    return draft_map(database, name="main", variable=variable)


def _provide_key_and_store(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    from troth.foundation import keys, keysource
    from troth.foundation.store import Store, migrations

    known = keysource.source_of(folder, environ)
    if known is not None:
        yield f"kept  {known}"
    else:
        keys.Keyring.create(folder)
        yield f"made  {keys.FILE} (mode 0600; keep a copy apart from your backups)"
    instance = settings.read(folder, environ)
    with Store.open(instance.store_url) as store:
        steps = migrations.upgrade(store)
        keys.confirm(store, keys.Keyring.load(folder, environ))
        yield f"{'made' if steps else 'kept'}  the store ({store.where})"


def _make(path: Path, text: str) -> str:
    if path.exists():
        return f"kept  {path.name}"
    path.write_text(text, encoding="utf-8")
    return f"made  {path.name}"
