"""Nobody gets data whom the policy does not name: the hosts that were really reached, against those declared."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.foundation.proof import Check, NothingToObserve, Saw, broken, check, counted, kept, unproven
from troth.sharing import observed

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence
    from troth.policy.sharingsettings import SharingSettings

_WHERE = "set `[sharing] observed` in troth.toml to your proxy's, resolver's or firewall's log"
_MOST_TOLD = 20
_FEW_UNREAD = 0.05
_AHEAD = dt.timedelta(days=1)
_INNER = "local|internal|localhost|arpa|lan|corp|home|intranet|test|example|invalid"
_EVERYBODY = re.compile(rf"[*?.]+|\*\.?(?!(?:{_INNER})\Z)[a-z]{{2,24}}|[^/]+/[0-7]", re.IGNORECASE)
"""`*`, `*.*`, `*.com`, `0.0.0.0/0`; names that only stand inside are no such domain."""


def _sums_up_sharing(sentence: Sentence, policy: Policy) -> bool:
    """Whether it is the sentence above both the occasions for which data are shared and those who receive them."""
    if sentence is policy.lead:
        return False
    below = [policy.by_number[number] for number in _all_below(sentence, policy)]
    return any(each.meaning.circumstance for each in below) and any(each.meaning.recipients for each in below)


def _all_below(sentence: Sentence, policy: Policy) -> set[str]:
    found: set[str] = set()
    waiting = list(sentence.sums)
    while waiting:
        number = waiting.pop()
        if number in policy.by_number and number not in found:
            found.add(number)
            waiting.extend(policy.by_number[number].sums)
    return found


@check(
    id="sharing.undeclared-recipient",
    promise="data are not shared but as declared",
    applies=_sums_up_sharing,
    reference="GDPR Art. 5(1)(a), 13(1)(e), 30(1)(d)",
)
def undeclared_recipient(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """No machine of the company reached a host that is neither a declared recipient nor known to be something else.

    What it proves: of the hosts in the logs of outbound traffic that `[sharing] observed` names, each is declared as
    the `host` of a recipient, is the company's own (`[site]`, `[sharing] own`), a partner that pages link to, an
    address inside, or is ignored with a reason. A pattern that names everybody names nobody. Declared recipients that
    were never reached are told in the evidence.

    What it does not prove: what was sent to a declared host, or to a partner that pages link to; what left by a way
    that writes no log.

    Repair: declare the recipient in section 4 with its contract, stop sending to it, or say why it gets no such data.
    Before: a log with `ads.example.net`. After: `ignored = {"ads.example.net" = "..."}`, or nothing sent there.
    """
    settings = seen.settings.sharing
    if not settings.observed:
        raise NothingToObserve("nothing observes which hosts are reached", repair=_WHERE)
    declared = {each.host.lower() for _, each in seen.policy.recipients if each.host}
    reached: set[str] = set()
    for name in settings.observed:
        try:
            outbound = observed.read(seen.folder / name)
        except OSError:
            yield unproven(name, "the log is not there, or cannot be read", repair=_WHERE)
            continue
        reached |= set(outbound.hosts)
        yield from _judge(name, outbound, declared, seen, settings)
    never = sorted(declared - reached)
    if reached & declared and never:
        yield kept("[sharing] observed", f"declared and not reached in that time: {', '.join(never)}")


def _judge(
    name: str, outbound: observed.Outbound, declared: set[str], seen: Observation, settings: SharingSettings
) -> Iterator[Saw]:
    limit = settings.observed_age
    begin = limit.before(seen.now)
    newest = outbound.newest or _written(seen, name)
    for host in _too_wide(settings):
        yield unproven(
            f"[sharing] {host}",
            "names every host there is, so nobody is undeclared",
            repair="name the hosts that are meant",
        )
    for host, reason in settings.ignored.items():
        if not reason.strip():
            yield unproven(f"[sharing.ignored] {host}", "no reason says why it is ignored", repair="write down why")
    known = {*declared, *_own(seen, settings), *(host for host, why in settings.ignored.items() if why.strip())}
    known -= set(_too_wide(settings))
    strangers = [
        host for host in sorted(outbound.hosts) if not observed.is_inner(host) and not observed.is_one_of(host, known)
    ]
    for host in strangers[:_MOST_TOLD]:
        at = outbound.hosts[host]
        when = f", last on {at:%Y-%m-%d %H:%M} UTC" if at else ""
        yield broken(
            f"{host} in {name}",
            f"was reached{when}, and is no declared recipient",
            repair="declare it in section 4 with its contract, stop sending there, or say why under [sharing.ignored]",
        )
    if len(strangers) > _MOST_TOLD:
        more = counted(len(strangers) - _MOST_TOLD, "more host")
        yield broken(name, f"{more} reached that are not declared", repair="look into the log")
    if newest > seen.now + _AHEAD:
        yield unproven(name, f"its last line is of {newest:%Y-%m-%d %H:%M} UTC, which is still to come", repair=_WHERE)
    elif newest < begin:
        yield unproven(name, f"its last line is of {newest:%Y-%m-%d %H:%M} UTC, older than {limit}", repair=_WHERE)
    elif not outbound.hosts:
        yield unproven(name, "no line of it names a host", repair=_WHERE)
    elif outbound.unread > outbound.lines * _FEW_UNREAD:
        yield unproven(
            name, f"{outbound.unread} of {outbound.lines} lines cannot be read", repair="write one known kind"
        )
    elif not strangers and not tuple(_too_wide(settings)):
        yield kept(
            name, f"{counted(len(outbound.hosts), 'host')} reached, each declared, own, or ignored with a reason"
        )


def _too_wide(settings: SharingSettings) -> Iterator[str]:
    """Patterns under `own` or `ignored` that take in any host, or all of a top-level domain, or all addresses."""
    for pattern in (*settings.own, *settings.ignored):
        if _EVERYBODY.fullmatch(pattern.strip().rstrip(".")):
            yield pattern


def _own(seen: Observation, settings: SharingSettings) -> Iterator[str]:
    """The company's own hosts, and partners that it links to and gives nothing."""
    yield from settings.own
    if seen.site is not None:
        yield urlsplit(seen.site.url).hostname or ""
    for sentence in seen.policy.sentences:
        yield from sentence.meaning.hosts
        yield from (partner.host for partner in sentence.meaning.partners)


def _written(seen: Observation, name: str) -> dt.datetime:
    return dt.datetime.fromtimestamp((seen.folder / name).stat().st_mtime, dt.UTC)


CHECKS: tuple[Check, ...] = (undeclared_recipient,)
