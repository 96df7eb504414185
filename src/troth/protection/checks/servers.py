"""How the servers are kept: ports, updates, disks, passwords that came with them, backups.

A probe decides wherever it can see. What none can see is attested by name, and a check then says so by its grade.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable, RecordsError
from troth.foundation.attestations import reading as attestations
from troth.foundation.proof import Check, Saw, Verdict, broken, check, counted, kept, unproven
from troth.foundation.records.access import LinkKind
from troth.policy.vocabulary import Measure
from troth.protection.checks.breaches import sums_up_measures
from troth.protection.probes import backups, caches, guessing, machine, ports

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

_MORE = 5
_AHEAD = dt.timedelta(days=1)
_SHRUNK = 10
"""A backup so many times smaller than those before it holds something else than they do."""


def _infrastructure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.measure is Measure.INFRASTRUCTURE


def _attested(seen: Observation, topic: str, sentence: Sentence, what: str) -> Saw:
    repair = f"run `troth attest {topic} --owner administrator --statement ... --document FILE --until DATE`"
    return attestations.look(seen, (topic, sentence.id), what=what, repair=repair)


@check(
    id="protection.open-port",
    promise="servers are kept secure",
    applies=_infrastructure,
    reference="GDPR Art. 32(1)(b)",
)
def open_port(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The declared hosts answer on the declared ports, and on no other that was tried.

    What it proves: where the sentence declares `ports`, each of these and each of `[protection] try_ports` was knocked
    at once; none took a connection that is not declared, and a declared one did. Where it declares none, nobody knocks:
    then somebody has attested `open-ports`, or it is unproven.

    What it does not prove: ports that were not tried; what the next network sees; UDP.

    Repair: close it in the firewall, or declare it. Before: 5432 takes connections from everywhere.
    After: `listen_addresses = 'localhost'`.
    """
    declared = set(sentence.meaning.ports)
    if not declared or not sentence.meaning.hosts:
        yield _attested(seen, "open-ports", sentence, "which ports of the servers are open")
        return
    for host in sentence.meaning.hosts:
        try:
            doors = ports.knock(seen, host, declared | set(seen.settings.protection.try_ports))
        except NetworkUnreachable as problem:
            yield unproven(host, problem.message, repair=problem.repair or "start it, then run `troth check`")
            continue
        extra = [port for port in doors.open if port not in declared]
        for port in extra:
            yield broken(
                f"port {port} of {host}",
                "takes connections, and the policy does not declare it",
                repair="close it in the firewall, or add it to `ports` of this sentence in policy.yaml",
            )
        if not declared & set(doors.open):
            yield unproven(
                host,
                "none of the declared ports takes a connection: is this the host?",
                repair="start it, or correct `ports` in policy.yaml",
            )
        elif not extra:
            tried = len(doors.open) + len(doors.shut) + len(doors.silent)
            yield kept(host, f"{counted(tried, 'port')} tried, open: {', '.join(map(str, doors.open))}, as declared")


@check(
    id="protection.waiting-update",
    promise="servers are kept secure",
    applies=_infrastructure,
    reference="GDPR Art. 32(1)(b), (d)",
)
def waiting_update(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Security updates are put in within the time that was set.

    What it proves: where `[protection] machine` says that troth runs on one of the servers, its own lists were read
    (Debian, Ubuntu): it asked for them within `patch_within`, and no security update has waited there for longer. What
    the lists do not tell, and other servers, are attested (`patches`).

    What it does not prove: software that no package manager put there; that a running kernel is the newest.

    Repair: let them be put in by themselves. Before: `openssl` waits for nine days.
    After: `apt-get install unattended-upgrades`.
    """
    settings = seen.settings.protection
    what = "that updates of the servers are put in"
    if settings.machine == "none":
        yield _attested(seen, "patches", sentence, what)
        return
    found = machine.updates(Path(settings.root))
    since = settings.patch_within.before(seen.now)
    told = False
    if found is not None and found.waiting:
        if found.list_changed_at < since or found.put_in_at < since:
            told = True
            more = f" and {len(found.waiting) - _MORE} more" if len(found.waiting) > _MORE else ""
            yield broken(
                "this machine",
                f"security updates have waited for more than {settings.patch_within}: "
                f"{', '.join(found.waiting[:_MORE])}{more}",
                repair="put them in, and have that done by itself",
            )
    elif found is not None and found.asked_at >= since:
        told = True
        asked = f"{found.asked_at:%Y-%m-%d}"
        yield kept("this machine", f"{found.packages} packages, no security update waits; it asked on {asked}")
    if not told or settings.machine == "part":
        yield _attested(seen, "patches", sentence, what)


@check(
    id="protection.open-disk",
    promise="servers are kept secure",
    applies=_infrastructure,
    reference="GDPR Art. 32(1)(a)",
)
def open_disk(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Disks that hold personal data are encrypted.

    What it proves: where `[protection] machine` says that troth runs on one of the servers, the folder of this
    instance, every store that is a file and each of `volumes` lie on a volume that this machine encrypts (dm-crypt, all
    the way down). What cannot be seen from inside, as a disk that a provider encrypts, and other servers, are attested
    (`disk-encryption`); so is where a database server keeps its files, unless `volumes` names it.

    What it does not prove: where the keys lie; swap; that a disk which looks plain is plain.

    Repair: put the data on an encrypted volume. Before: `/dev/sda1 on /var/lib`. After: `/dev/mapper/data on /var/lib`.
    """
    settings = seen.settings.protection
    told = False
    folders = folders_of(seen) if settings.machine != "none" else set()
    if folders and all(machine.is_encrypted(Path(settings.root), folder) for folder in folders):
        told = True
        yield kept("this machine", f"{counted(len(folders), 'folder')} with personal data on encrypted volumes")
    if not told or settings.machine == "part":
        yield _attested(seen, "disk-encryption", sentence, "that the disks are encrypted")


def folders_of(seen: Observation) -> set[Path]:
    """Where personal data lie on this machine; empty where that is not known of every store.

    Under another root the paths that troth knows are those of its container, and say nothing of the machine's.
    """
    from troth.policy.datamap import StoreKind  # a policy alone has no map

    settings = seen.settings.protection
    named = {Path(each) for each in settings.volumes}
    if settings.root != "/":
        return named
    files = {seen.folder.resolve()}
    for store in seen.records.stores if seen.records is not None else ():
        kind, path = seen.need_records().kind(store)
        if kind is StoreKind.SQLITE:
            files.add((seen.folder / path).resolve().parent)
        elif not named:
            return set()
    return named | files


@check(
    id="protection.default-password",
    promise="servers are kept secure",
    applies=_infrastructure,
    reference="GDPR Art. 32(1)(b); ASVS 5.0 13.2.3",
)
def default_password(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """No store answers to the password that it came with, and no cache answers without one.

    What it proves: each cache of the data map and under `[protection.caches]` that is reached over a network asks for
    a password. With `[protection] try_default_credentials`, eight pairs that servers of databases come with were tried
    at the own address of every store with accounts, four passwords at every cache, and none was let in. Without it, or
    where no store has accounts, somebody has attested `default-credentials`.

    What it does not prove: other services and machines; passwords that are merely easy.

    Repair: set a password that nobody can guess. Before: `postgres` is let in by `postgres`.
    After: `alter role postgres password ...`, or no password at all and a local socket.
    """
    records = seen.records
    tried = 0
    there = caches.named(seen)
    for name, address in there.items():
        saw = _cache_password(seen, name, address)
        tried += saw is not None and saw.verdict is not Verdict.BROKEN
        yield from () if saw is None else (saw,)
    if seen.settings.protection.try_default_credentials and records is not None:
        for store in records.stores:
            if f"store {store}" in there:
                continue
            try:
                if records.link(store).kind is LinkKind.FILE:
                    continue
                let_in = [user for user, password in guessing.DEFAULTS if records.admits(store, user, password)]
            except RecordsError as problem:
                tried += 1
                yield unproven(f"store {store}", problem.message, repair=problem.repair or "start it, then check again")
                continue
            tried += 1
            if let_in:
                yield broken(
                    f"store {store}",
                    f"lets {', '.join(dict.fromkeys(let_in))} in by a password that servers come with",
                    repair="give these accounts passwords that nobody can guess",
                )
            else:
                yield kept(
                    f"store {store}", f"{counted(len(guessing.DEFAULTS), 'pair')} that servers come with refused"
                )
    if not tried:
        yield _attested(seen, "default-credentials", sentence, "that nothing answers to the password it came with")


def _cache_password(seen: Observation, name: str, address: str) -> Saw | None:
    """Whether a cache asks who comes, and for what; None where it does, and nothing else may be tried."""
    repair = "give it a password that nobody can guess (`requirepass`, or an ACL), and name it in the environment"
    try:
        if not caches.look(seen, name, address).asks:
            return broken(name, "answers whoever reaches it, without a password", repair=repair)
        if not seen.settings.protection.try_default_credentials:
            return None
        if any(caches.admits(seen, name, address, each) for each in caches.DEFAULTS):
            return broken(name, "lets whoever comes in by a password that pages on the web give", repair=repair)
    except RecordsError as problem:
        return unproven(name, problem.message, repair=problem.repair or "start it, then check again")
    return kept(name, f"asks for a password, and refused {len(caches.DEFAULTS)} that pages on the web give")


@check(
    id="protection.old-backup",
    promise="data are protected by measures, and can be put back",
    applies=sums_up_measures,
    reference="GDPR Art. 32(1)(b), (c)",
)
def old_backup(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Backups are made, and one was put back on trial.

    What it proves: where `[protection.backups]` says where they come to lie, the newest is not empty, not of a day to
    come, no older than `within`, and not a tenth of those before; one whose name says that it is encrypted is no plain
    dump; a restore that was tried is attested (`backup-restore`), with its document, until a day.

    What it does not prove: what stands in the backup; that it can be read without troth's word for it.

    Repair: run the backup job, and try a restore. Before: the newest of `backups/*.age` is nine days old.
    After: one of last night, and `troth attest backup-restore --document restore.md --until 2027-06-30`.
    """
    settings = seen.settings.protection.backups
    if settings is not None:
        found = backups.newest(seen.folder, settings.files)
        repair = "run the backup job, or correct `[protection.backups]` in troth.toml"
        if found is None:
            yield broken(settings.files, "no backup lies there", repair=repair)
        elif found.at < settings.within.before(seen.now):
            yield broken(settings.files, f"the newest backup is of {found.at:%Y-%m-%d %H:%M} UTC", repair=repair)
        elif not found.size:
            yield broken(settings.files, "the newest backup is empty", repair=repair)
        elif found.in_clear:
            yield broken(settings.files, "the newest backup is called encrypted, and is not", repair=repair)
        elif found.at > seen.now + _AHEAD:
            when = f"{found.at:%Y-%m-%d}"
            yield unproven(settings.files, f"the newest backup is of {when}, which is still to come", repair=repair)
        elif found.usual is not None and found.size * _SHRUNK < found.usual:
            yield unproven(
                settings.files, "the newest backup has less than a tenth of the size of those before", repair=repair
            )
        else:
            when = f"{found.at:%Y-%m-%d %H:%M} UTC"
            yield kept(settings.files, f"the newest of {counted(found.count, 'backup')} is of {when}")
    yield _attested(seen, "backup-restore", sentence, "that a backup was put back on trial")


CHECKS: tuple[Check, ...] = (open_port, waiting_update, open_disk, default_password, old_backup)
