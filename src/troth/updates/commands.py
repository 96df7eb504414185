"""`troth policy diff`, `publish` and `history`: what changed, making it public, and every version there was."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from troth.foundation.printing import Format, Printed

if TYPE_CHECKING:
    from troth.policy.model import Policy
    from troth.updates.versions import Version
    from troth.use.office import Office

SCHEMA = 1


def diff(
    against: Annotated[
        int | None, typer.Option("--from", help="A version; the newest published one by default.")
    ] = None,
    form: Printed = Format.TEXT,
) -> None:
    """What the policy file says differently from a published version, and whether that is material.

    Example: troth policy diff --from 1

    Exit status: 0 shown, 2 it could not be compared.
    """
    from troth.updates import comparison, versions

    with _opened() as (office, _, policy):
        known = versions.history(office.store)
        number = against if against is not None else (known[-1].number if known else None)
        before = versions.load(office.store, number).policy() if number is not None else None
    changes = comparison.differences(before, policy) if before is not None else ()
    if form is Format.JSON:
        told = [{"number": each.number, "material": each.material, "what": each.what} for each in changes]
        _print({"schema": SCHEMA, "from": number, "material": comparison.is_material(changes), "changes": told})
    elif number is None:
        typer.echo("No version has been published yet.")
    elif not changes:
        typer.echo(f"Nothing differs from version {number}.")
    else:
        for each in sorted(changes, key=lambda change: not change.material):
            typer.echo(f"{'material ' if each.material else 'editorial'}  {each.number:<7} {each.what}")
        many = sum(1 for each in changes if each.material)
        typer.echo(f"\n{len(changes)} changes since version {number}, {many} material.")


def publish(form: Printed = Format.TEXT) -> None:
    """Publish the policy file as the next version and keep its exact text. A material change needs its notice.

    Example: troth policy publish

    Exit status: 0 published, or nothing to publish; 2 refused, with what to change.
    """
    from troth.updates import versions

    with _opened() as (office, data, policy):
        known = versions.history(office.store)
        version = versions.publish(office.store, office.keyring, data, policy, office.clock.now())
    new = version not in known
    if form is Format.JSON:
        _print({"schema": SCHEMA, "published": new, "version": _facts(version)})
    elif not new:
        typer.echo(f"Nothing to publish: the file is version {version.number}, word for word.")
    else:
        typer.echo(f"Version {version.number} is published. It holds from {version.effective}.")
        for change in version.changes:
            typer.echo(f"  {change}")


def history(form: Printed = Format.TEXT) -> None:
    """Every published version: when, from when on, what changed.

    Example: troth policy history

    Exit status: 0 shown, 2 the store could not be read.
    """
    from troth.updates import versions

    with _opened() as (office, _, policy):
        known = versions.history(office.store)
    if form is Format.JSON:
        _print({"schema": SCHEMA, "versions": [_facts(version) for version in known]})
        return
    for version in known:
        kind = "first" if version.number == 1 else "material" if version.material else "editorial"
        here = "  = the file" if version.sha256 == policy.sha256 else ""
        day = f"{version.published_at:%Y-%m-%d}"
        typer.echo(f"{version.number:>3}  published {day}  holds from {version.effective}  {kind}{here}")
    if not known:
        typer.echo("No version has been published yet. Run `troth policy publish`.")


@contextmanager
def _opened() -> Iterator[tuple[Office, bytes, Policy]]:
    """The instance in this folder, with the bytes of its policy file and what they read as."""
    from troth.policy import documents, reading
    from troth.use.opening import open_office

    instance, office = open_office()
    try:
        data = documents.read_bytes(instance.policy_file)
        yield office, data, reading.parse(data, instance.policy_file.name)
    finally:
        office.store.close()


def _facts(version: Version) -> dict[str, Any]:
    return {
        "number": version.number,
        "sha256": version.sha256,
        "published_at": version.published_at.isoformat(),
        "effective": version.effective.isoformat(),
        "material": version.material,
        "changes": list(version.changes),
    }


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
