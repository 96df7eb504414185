"""Section 7 proven on the pages themselves: where they lead, what they embed, whether partners' own policies are there.

The sentences of the section share one meaning (`partners`); what each promises is told by its words. A section of one
sentence promises all three.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable
from troth.foundation import crawling
from troth.foundation.crawling import Walk
from troth.foundation.proof import Applies, Check, Grade, Saw, broken, check, kept, unproven
from troth.policy.law.authorities import authorities_for

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.links.reader import Loaded
    from troth.policy.model import Policy, Sentence

_EMBEDS = re.compile(r"\b(responsib|liab|control|vouch)", re.IGNORECASE)
_REVIEW = re.compile(r"\b(review|read|consult|check)\b.*\b(polic|notice|statement)", re.IGNORECASE)
_TOLD = 5
"""How many findings of one kind are told one by one; the rest is counted."""


def _speaks_of(kind: str) -> Applies:
    """Whether a sentence of section 7 speaks of links, of embeds or of partners' policies."""

    def applies(sentence: Sentence, policy: Policy) -> bool:
        section = [each for each in policy.sentences if each.id.partition(".")[0] == "links" and not each.sums]
        if sentence not in section:
            return False
        said = "embeds" if _EMBEDS.search(sentence.text) else "policies" if _REVIEW.search(sentence.text) else "links"
        return said == kind or len(section) == 1

    return applies


@check(
    id="links.undeclared-host",
    promise="pages may lead to other sites",
    applies=_speaks_of("links"),
    reference="GDPR Art. 5(1)(a), (c); W3C Referrer Policy",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def undeclared_host(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Pages lead only to hosts that the policy names, addresses carry nothing personal, and the referrer is short.

    What it proves: on the pages read (at most 30, found by following links without signing in), each link to another
    host leads to a partner of section 7, a recipient of section 4, a host of section 6 or an authority of the
    declared laws; no such address holds a mail address, a drawn token or a personal value; each page sets a strict
    Referrer-Policy.

    What it does not prove: pages behind a log-in, links that a script makes, and what a partner does.

    Repair: name the host, or take the link away. Before: `partners: []`.
    After: `partners: [{host: maps.example.org, policy: "https://maps.example.org/privacy"}]`.
    """
    walk = crawling.walk(seen)
    from troth.links import reader

    found = reader.outgoing(walk.pages, _own_hosts(seen))
    named = _named_hosts(seen.policy)
    strangers = [link for link in found if not _is_named(link.host, named)]
    for link in strangers[:_TOLD]:
        repair = f"name {link.host} under `partners`, or take the link away"
        yield broken(link.page, f"leads to {link.host}, which the policy does not name", repair=repair)
    if len(strangers) > _TOLD:
        yield broken(
            sentence.id,
            f"{len(strangers) - _TOLD} more links lead to hosts that the policy does not name",
            repair="run `troth check` again after the first are mended",
        )
    for link in [link for link in found if link.carries][:_TOLD]:
        yield broken(link.page, f"a link to {link.host} carries {link.carries}", repair="take it out of the address")
    for path in _loose_referrers(walk)[:_TOLD]:
        repair = "send `Referrer-Policy: strict-origin-when-cross-origin` or a stricter one"
        yield broken(
            path, "the page sets no strict Referrer-Policy: other sites may learn which page was read", repair=repair
        )
    if not walk.pages:
        yield unproven(seen.need_site().url, "no page could be read", repair="name readable pages under `[site] pages`")
    elif not found:
        yield unproven(
            seen.need_site().url,
            f"{_read(walk)}: none leads to another site",
            repair="name a page with such links under `[site] pages`",
        )
    else:
        hosts = sorted({link.host for link in found})
        unseen = sorted({partner.host for partner in sentence.meaning.partners} - set(hosts))
        more = f"; declared and not seen there: {', '.join(unseen)}" if unseen else ""
        yield kept(
            seen.need_site().url, f"{_read(walk)}: links to {len(hosts)} other hosts, all named by the policy{more}"
        )


@check(
    id="links.hidden-embed",
    promise="other sites' practices are theirs",
    applies=_speaks_of("embeds"),
    reference="CJEU C-40/17 (Fashion ID); GDPR Art. 26",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def hidden_embed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What a page loads from others by itself is no link: its host stands in section 4 or 6 of the policy.

    What it proves: the frames, scripts, images, styles and media that the HTML of the pages read loads from another
    host belong to a recipient of section 4 or to an item of section 6, and so do the hosts to which forms send what is
    typed. For what is embedded, the company answers too.

    What it does not prove: what scripts load later; pages behind a log-in.

    Repair: serve it from the own site, show it only after a click, or name the host as a recipient.
    Before: `<iframe src="https://video.example.org/...">`. After: a link to the video, or a recipient
    `{name: Example Video, host: video.example.org, ...}` in section 4.
    """
    walk = crawling.walk(seen)
    from troth.links import reader

    named = {recipient.host for _, recipient in seen.policy.recipients if recipient.host}
    named |= {item.host for each in seen.policy.sentences for item in each.meaning.items if item.host}
    found = reader.loaded(walk.pages, _own_hosts(seen))
    strangers = [each for each in found if not _is_named(each.host, named)]
    for each in strangers[:_TOLD]:
        repair = f"serve it from the own site, or name {each.host} as a recipient in section 4"
        yield broken(
            each.page,
            f"{_does(each)} {each.host}, which is neither a recipient nor an item of cookies",
            repair=repair,
        )
    if len(strangers) > _TOLD:
        yield broken(
            sentence.id,
            f"{len(strangers) - _TOLD} more things are loaded from such hosts",
            repair="run `troth check` again after the first are mended",
        )
    if not walk.pages:
        yield unproven(seen.need_site().url, "no page could be read", repair="name readable pages under `[site] pages`")
    elif not strangers:
        yield kept(seen.need_site().url, f"{_read(walk)}: {len(found)} things loaded from other hosts, none hidden")


def _does(each: Loaded) -> str:
    return "sends what is typed in a form to" if each.kind == "form" else f"loads a {each.kind} from"


@check(
    id="links.partner-policy-missing",
    promise="partners have policies of their own to read",
    applies=_speaks_of("policies"),
    reference="clause 7 of the policy itself",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
)
def partner_policy_missing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The policy of each named partner answers where we say that it stands.

    What it proves: the address answers with status 200 today.

    What it does not prove: that the page is a policy, or what it says.

    Repair: correct the address. Before: `{host: maps.example.org}`.
    After: `{host: maps.example.org, policy: "https://maps.example.org/privacy"}`.
    """
    if not sentence.meaning.partners:
        yield unproven(
            sentence.id,
            "the policy names no partner to read about",
            repair="name the sites that pages link to under `partners`",
        )
    for partner in sentence.meaning.partners:
        if partner.policy is None:
            yield unproven(
                partner.host,
                "no address of its policy is declared",
                repair=f"add `policy:` to the partner {partner.host}",
            )
            continue
        url = partner.policy
        try:
            page = seen.once(("page", url), lambda url=url: seen.need_network().fetch(url))  # type: ignore[misc]
        except NetworkUnreachable as problem:
            yield unproven(
                partner.host,
                f"its policy could not be reached: {problem.message}",
                repair=problem.repair or "correct the address",
            )
            continue
        if page.status == 200:
            yield kept(partner.host, "its policy answers with status 200")
        elif page.status in {404, 410}:
            yield broken(
                partner.host,
                f"its policy is not there (status {page.status})",
                repair=f"correct `policy:` of {partner.host}",
            )
        else:
            yield unproven(
                partner.host,
                f"its policy answers with status {page.status}",
                repair=f"name the page itself in `policy:` of {partner.host}",
            )


def _loose_referrers(walk: Walk) -> list[str]:
    from troth.links import reader

    loose = []
    for visit in walk.visits:
        if visit.markup is not None:
            said = reader.referrer_policy(
                crawling.header(visit.page, "referrer-policy"), visit.markup.metas.get("referrer", "")
            )
            if said not in reader.STRICT_REFERRERS:
                loose.append(visit.path)
    return loose


def _own_hosts(seen: Observation) -> frozenset[str]:
    from troth.foundation.markup import host_of

    measured = (host for sentence in seen.policy.sentences for host in sentence.meaning.hosts)
    return frozenset({host_of(seen.need_site().url), *(host.lower().removeprefix("www.") for host in measured)})


def _named_hosts(policy: Policy) -> set[str]:
    from troth.foundation.markup import host_of

    named = {host_of(each.website) for each in authorities_for([policy.controller.country], policy.laws)}
    for sentence in policy.sentences:
        meaning = sentence.meaning
        for partner in meaning.partners:
            named |= {partner.host, host_of(partner.policy or "")}
        named |= {recipient.host for recipient in meaning.recipients if recipient.host}
        named |= {item.host for item in meaning.items if item.host}
    return named - {""}


def _is_named(host: str, named: set[str]) -> bool:
    return any(
        host == name or host.endswith(f".{name}") for name in (each.lower().removeprefix("www.") for each in named)
    )


def _read(walk: Walk) -> str:
    many = len(walk.pages)
    return f"{many} page{'' if many == 1 else 's'} read{'' if walk.whole else ' (more exist)'}"


CHECKS: tuple[Check, ...] = (undeclared_host, hidden_embed, partner_policy_missing)
