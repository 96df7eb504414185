"""What a host tells strangers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import Measure
from troth.protection.probes import outside

if TYPE_CHECKING:
    from troth.foundation.network import Page
    from troth.foundation.observation import Observation
    from troth.policy.model import Sentence

_TEXT = "/.well-known/security.txt"


def _measure(measure: Measure) -> Applies:
    return lambda sentence, _: sentence.meaning.measure is measure


@check(
    id="protection.telling-host",
    promise="servers are kept secure",
    applies=_measure(Measure.INFRASTRUCTURE),
    reference="GDPR Art. 32(1)(b); RFC 9116",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def telling_host(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A host says whom to tell about a hole, and does not say which version of which software to attack.

    What it proves: each declared host has a `security.txt` with a contact that has not run out; no header of its front
    page names a version of software.

    What it does not prove: which ports are open, how the servers are kept; other checks of the sentence look at that.

    Repair: publish `/.well-known/security.txt` with `Contact:` and `Expires:`, and take the version out of `Server:`.
    Before: `Server: nginx/1.18.0`. After: `Server: nginx`.
    """
    for host in sentence.meaning.hosts:
        try:
            yield from _judge(seen, host)
        except NetworkUnreachable as problem:
            yield unproven(host, problem.message, repair=problem.repair or "start it, then run `troth check`")


def _judge(seen: Observation, host: str) -> Iterator[Saw]:
    telling = outside.telling_headers(outside.front_page(seen, host))
    if telling:
        yield broken(
            host,
            f"tells strangers which version of its software answers ({', '.join(telling)})",
            repair="take the version out of these headers",
        )
    else:
        yield kept(host, "no header names a version of software")
    url = f"https://{host}{_TEXT}"
    page: Page = seen.once(("page", url), lambda: seen.need_network().fetch(url))
    found = outside.security_text(page)
    repair = f"publish {_TEXT} with one `Contact:` at least and one `Expires:`, not a year ahead"
    if found is None:
        yield unproven(host, f"has no security.txt (status {page.status})", repair=repair)
    elif not found.contacts or found.expires is None:
        missing = "a contact" if not found.contacts else "one end that can be read"
        yield broken(host, f"its security.txt lacks {missing}", repair=repair)
    elif found.expires <= seen.now:
        yield broken(host, f"its security.txt ran out on {found.expires:%Y-%m-%d}", repair=repair)
    else:
        yield kept(host, f"its security.txt names a contact and holds until {found.expires:%Y-%m-%d}")


CHECKS: tuple[Check, ...] = (telling_host,)
