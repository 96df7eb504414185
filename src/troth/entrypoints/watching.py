"""Look at every sentence on schedule, keep the outcome, and tell the owner by mail when a verdict turns."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from troth.entrypoints import checking
from troth.entrypoints.reports.json import of_report
from troth.errors import KeyUnavailable, StoreError
from troth.foundation import keys, mail, verdicts
from troth.foundation.clock import Clock, SystemClock
from troth.foundation.keys import Keyring
from troth.foundation.ledger import verification
from troth.foundation.ledger.sequencer import Sequencer
from troth.foundation.mail import Letter
from troth.foundation.proof import Report, Verdict
from troth.foundation.schedules import Daily, Every, Job, Scheduler
from troth.foundation.store import Store
from troth.foundation.verdicts import Turn

if TYPE_CHECKING:
    from troth.policy.periods import Duration
    from troth.policy.settings import Instance
    from troth.protection.ending import Ending

log = logging.getLogger("troth.watching")

KEPT_RUNS = dt.timedelta(days=400)

_LONGEST_VERIFICATION = dt.timedelta(hours=6)
_TOLD = 5
_MAIL_EVERY = dt.timedelta(seconds=15)
_TELL_EVERY = dt.timedelta(minutes=5)


def look(instance: Instance, clock: Clock | None = None) -> tuple[Turn, ...]:
    """Check once, keep the run, and queue a mail to the owner when a sentence turned; returns what turned.

    The run and the mail stand in one transaction: a turn is never kept without its letter.
    """
    clock = clock or SystemClock()
    report = checking.check(instance, clock=clock)
    owner = instance.settings.mail.owner
    with Store.open(instance.store_url) as store:
        store.require_current()
        with store.writing() as tx:
            turned = verdicts.record(tx, checked_at=report.checked_at, report=of_report(report))
            verdicts.forget_before(tx, report.checked_at - KEPT_RUNS)
            news = [turn for turn in turned if turn.was is not None]
            if news and owner:
                subject, text = letter(report, news)
                keyring = Keyring.load(instance.folder, instance.environ)
                mail.queue(tx, keyring, Letter(owner, subject, text, reference="verdicts"), report.checked_at)
    return turned


def letter(report: Report, turns: Sequence[Turn]) -> tuple[str, str]:
    """Subject and text of the mail about sentences that turned: each with its words, its finding and its repair."""
    broken = sum(turn.now is Verdict.BROKEN for turn in turns)
    count, what = (broken, "broken") if broken else (len(turns), "turned")
    subject = f"{count} sentence{'' if count == 1 else 's'} of the privacy policy {what}"
    lines = [f"Checked {report.checked_at:%Y-%m-%d %H:%M} UTC.", ""]
    for turn in turns:
        sentence = report.of(turn.number)
        lines += [f"{turn.number}  {turn.was} -> {turn.now}", f'  "{sentence.text}"']
        if sentence.caused_by:
            lines.append(f"  because of {', '.join(sentence.caused_by)}")
        for finding in sentence.findings:
            lines += [f"  {finding.where}: {finding.message}", f"  repair: {finding.repair}"]
        lines.append("")
    return subject, "\n".join(lines)


@contextmanager
def on_schedule(instance: Instance, clock: Clock | None = None) -> Iterator[None]:
    """Check and verify the ledger as often as `[schedule]` says, end data as `[retention] run` says, send waiting mail,
    forget what is past its time in troth's own store, remind of what ends, and sequence the ledger, while the block
    runs.
    """
    import sqlalchemy.orm  # noqa: F401 - while another thread loads it (the jobs' engine does), no statement can be made

    from troth.sections import load_tables

    load_tables()  # before there are threads: a table is in the schema before its columns are
    clock = clock or SystemClock()
    jobs: list[Job] = []
    schedule, now = instance.settings.schedule, clock.now()
    if schedule.check is not None:
        jobs.append(Job("check", Every(schedule.check.after(now) - now), lambda: look(instance, clock)))
    if schedule.ledger is not None:
        every = Every(schedule.ledger.after(now) - now)
        jobs.append(Job("ledger", every, lambda: verify_ledger(instance, clock), longest=_LONGEST_VERIFICATION))
    if instance.settings.mail.server:
        jobs.append(Job("mail", Every(_MAIL_EVERY), lambda: send_mail(instance, clock)))
    jobs.append(Job("tidy", Every(dt.timedelta(days=1)), lambda: tidy(instance, clock)))
    if schedule.remind is not None:
        jobs.append(Job("remind", Every(dt.timedelta(days=1)), lambda: remind(instance, clock)))
    jobs.append(Job("tell", Every(_TELL_EVERY), lambda: tell(instance, clock)))
    if instance.settings.retention.run is not None:
        when = _when(instance, instance.settings.retention.run)
        jobs.append(Job("retention", when, lambda: end_on_time(instance, clock), longest=_LONGEST_RUN))
    with Store.open(instance.store_url) as store, Scheduler(store, clock, jobs), _sequencing(instance, store, clock):
        yield


@contextmanager
def _sequencing(instance: Instance, store: Store, clock: Clock) -> Iterator[None]:
    """Sequence the ledger; not with a key that is missing or is not this store's, which a check tells of."""
    try:
        keyring = Keyring.load(instance.folder, instance.environ)
        keys.confirm(store, keyring)
    except (KeyUnavailable, StoreError) as problem:
        log.warning("the ledger is not sequenced: %s", problem)
        yield
        return
    with Sequencer(store, keyring, clock, host=urlsplit(instance.settings.site.url).hostname or ""):
        yield


def verify_ledger(instance: Instance, clock: Clock) -> None:
    """Verify the whole ledger from its stored bytes, and keep how it ended: a check tells of it, and of its age.

    All of it each time: that an old entry was changed shows only where it is read again. What is wrong is logged.
    """
    try:
        keyring = Keyring.load(instance.folder, instance.environ)
    except KeyUnavailable:
        keyring = None  # then heads are held against the keys that the store names
    with Store.open(instance.store_url) as store:
        outcome = verification.verify(store, keyring=keyring)
        verification.remember(store, outcome, clock.now())
    for finding in outcome.findings[:_TOLD]:
        log.error("the ledger: %s", finding)


def send_mail(instance: Instance, clock: Clock) -> None:
    """Send the mail that waits in the outbox; what cannot be sent now is tried again."""
    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        mail.deliver(store, keyring, instance.settings.mail, clock=clock)


def tidy(instance: Instance, clock: Clock) -> None:
    """End what is past its time in troth's own store."""
    from troth.protection import tidying

    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        tidying.tidy(store, keyring, clock.now())


def remind(instance: Instance, clock: Clock) -> int:
    """Mail the owner what ends within `[schedule] remind`, once for each set of it; gives how much that is."""
    from troth.policy import reading
    from troth.protection import ending

    within, owner, now = instance.settings.schedule.remind, instance.settings.mail.owner, clock.now()
    if within is None or not owner:
        return 0
    policy = reading.read(instance.policy_file)
    keyring = Keyring.load(instance.folder, instance.environ)
    with Store.open(instance.store_url) as store:
        store.require_current()
        with store.writing() as tx:
            found = ending.soon(tx, policy, now, within)
            if found:
                subject, text = reminder(found, within)
                once = f"ending {hashlib.sha256(text.encode()).hexdigest()}"
                mail.queue(tx, keyring, Letter(owner, subject, text, reference="what ends soon", once=once), now)
    return len(found)


def reminder(found: Sequence[Ending], within: Duration) -> tuple[str, str]:
    """Subject and text of the mail about what ends: each with its last day, and how it is renewed."""
    count = f"{len(found)} thing{'' if len(found) == 1 else 's'}"
    lines = [f"Sentences of the privacy policy rest on what ends within {within}:", ""]
    for each in found:
        lines += [f"{each.day}  {each.kind}: {each.what}", f"  renew: {each.renew}"]
    return f"{count} that the privacy policy rests on will end soon", "\n".join([*lines, ""])


def tell(instance: Instance, clock: Clock) -> None:
    """Tell recipients whose data rested on a consent that ended, and people whose demand is secret no more."""
    from troth.sharing import consented, demands
    from troth.use.opening import open_office

    _, office = open_office(instance.folder, instance.environ, clock)
    try:
        consented.tell(office, instance)
        demands.tell(office)
    finally:
        office.store.close()


def end_on_time(instance: Instance, clock: Clock) -> None:
    """End what is past its time in the company's stores, or write down the plan where somebody must approve it."""
    from troth.protection import retention
    from troth.protection.keeper import Keeper
    from troth.protection.words import Occasion

    keeper = Keeper.open(instance.folder, instance.environ, clock)
    try:
        if instance.settings.retention.approval:
            retention.ask(keeper, Occasion.SCHEDULE)
        else:
            retention.run(keeper, Occasion.SCHEDULE)
    finally:
        keeper.close()
        keeper.office.store.close()


def _when(instance: Instance, setting: str) -> Daily | Every:
    """When `[retention] run` says, by the clocks of the controller."""
    from troth.policy import reading
    from troth.protection import run_reading

    if setting.startswith("daily "):
        hour, minute = setting.removeprefix("daily ").split(":")
        zone = ZoneInfo(reading.read(instance.policy_file).controller.time_zone)
        return Daily(dt.time(int(hour), int(minute)), zone)
    period, now = run_reading.interval(setting), SystemClock().now()
    assert period is not None
    return Every(period.after(now) - now)


_LONGEST_RUN = dt.timedelta(hours=6)
