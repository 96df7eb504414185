"""Section 9 proven: mailboxes take mail, addresses and numbers are filled in, the authority is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.contact import addresses
from troth.errors import NetworkUnreachable
from troth.foundation import crawling
from troth.foundation.attestations import reading as attestations
from troth.foundation.proof import Check, Grade, NothingToObserve, Saw, broken, check, kept, unproven
from troth.policy.law.authorities import Authority, authorities_for
from troth.policy.vocabulary import Channel

if TYPE_CHECKING:
    from troth.foundation.markup import Markup
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


@check(
    id="contact.mailbox-unreachable",
    promise="a mailbox for questions, or for the data protection officer, is named",
    applies=lambda sentence, _: sentence.meaning.channel in {Channel.MAIL, Channel.OFFICER},
    reference="GDPR Art. 13(1)(a), (b); RFC 2606; RFC 5321 section 5.1",
    max_age=dt.timedelta(days=7),
)
def mailbox_unreachable(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The mailbox that the policy names can receive mail.

    What it proves: the sentence holds exactly one well-formed address; its domain is none that is reserved for
    examples and tests (RFC 2606, RFC 6761); the domain's DNS names servers that take its mail.

    What it does not prove: that the mailbox exists, that somebody reads it, that an answer comes in time. Nothing is
    sent.

    Repair: name a mailbox of a domain that the company owns, and give the domain an MX record.
    Before: `email: {label: Email, text: privacy@example.com, channel: mail}`.
    After: `text: privacy@` and the company's own domain, then `troth policy publish`.
    """
    repair = "name a mailbox of a domain that the company owns, then run `troth policy publish`"
    domain = addresses.mail_domain(_words(seen.policy, sentence))
    if domain is None:
        yield broken(sentence.id, "the sentence holds no single well-formed mail address", repair=repair)
        return
    name = addresses.reserved(domain)
    if name is not None:
        yield broken(
            sentence.id,
            f"{domain} is of the domain {name}, which is reserved for examples and tests: no mail arrives",
            repair=repair,
        )
        return
    servers = seen.need_network().mail_servers(domain)
    if not servers:
        yield broken(domain, "the domain names no server that takes its mail", repair=f"add an MX record to {domain}")
    else:
        yield kept(
            domain,
            f"{_count(len(servers), 'server')} take{'s' if len(servers) == 1 else ''} its mail{_shown(seen, sentence)}",
        )


@check(
    id="contact.address-incomplete",
    promise="a postal address is named",
    applies=lambda sentence, _: sentence.meaning.channel is Channel.POST,
    reference="GDPR Art. 13(1)(a)",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=365),
)
def address_incomplete(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The postal address is a whole address in the controller's country, not a form still to be filled in.

    What it proves: a placeholder, an address without number, place or country is found for certain.

    What it does not prove: that letters arrive. That is attested: a named role says so with a document, until a day
    (`postal-address`); without it a whole address is unproven.

    Repair: write the whole address, and send a letter there once a year. Before: `text: "Example Company, Address to
    be filled"`. After: `text: "Example Company, 12 Example Road, 200000 Shanghai, China"`, then `troth policy publish`.
    """
    country = seen.policy.controller.country
    fault = addresses.address_fault(_words(seen.policy, sentence), country, _country_names(seen.policy))
    if fault is not None:
        repair = "write the whole address with street, number, place and country, then run `troth policy publish`"
        yield broken(sentence.id, fault, repair=repair)
    else:
        yield attestations.look(seen, (sentence.id, "postal-address"), what="that letters arrive at this address")


@check(
    id="contact.number-unusable",
    promise="a telephone number is named",
    applies=lambda sentence, _: sentence.meaning.channel is Channel.PHONE,
    reference="GDPR Art. 13(1)(a); ITU-T E.164; CCPA 1798.130(a)(1)",
    grade=Grade.ATTESTED,
    max_age=dt.timedelta(days=92),
)
def number_unusable(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The telephone number is one that can be dialled from anywhere.

    What it proves: a number with letters in place of digits, without its country, of wrong length, or of a range
    set aside for fiction is found for certain.

    What it does not prove: that somebody answers. That is attested: a named role says so with a document, until a day
    (`telephone`); without it a well-formed number is unproven.

    Repair: write the number with + and the country. Before: `text: +86-XXX-XXXX-XXXX`. After: `text: "+86 21 ..."`
    with all digits, then `troth policy publish`.
    """
    fault = addresses.phone_fault(_value(seen.policy, sentence))
    if fault is not None:
        yield broken(
            sentence.id, fault, repair="write the whole number with + and the country, then run `troth policy publish`"
        )
    else:
        yield attestations.look(seen, (sentence.id, "telephone"), what="that somebody answers this number")


@check(
    id="contact.authority-unnamed",
    promise="the right to complain to an authority is stated",
    applies=lambda sentence, _: sentence.meaning.complaint == "authority",
    reference="GDPR Art. 13(2)(d), 77",
    max_age=dt.timedelta(days=7),
)
def authority_unnamed(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """The published page names and links the authority of the controller's country, and one of each law that binds it.

    What it proves: the page as published today holds the name and a link to the site of each of them. Of a law of
    many countries (GDPR) at least one authority is there; the evidence counts how many.

    What it does not prove: that the links answer; they are not followed. That every visitor finds the authority of
    their own country.

    Repair: publish the page with its annexes (`troth policy render --format html`), or name the authority by hand.
    Before: "the relevant data protection authority". After: "..., in China the Cyberspace Administration (cac.gov.cn)".
    """
    page = crawling.policy_page(seen)
    path = seen.need_site().policy
    country = seen.policy.controller.country
    wanted = [(f"the country {country}", authorities_for([country]))]
    wanted += [(f"the law {law}", authorities_for(laws=[law])) for law in seen.policy.laws]
    repair = "publish the page with its annexes, or name the authority with its address"
    told: list[str] = []
    for whose, authorities in wanted:
        named = [authority for authority in authorities if _names(page, authority)]
        if not authorities:
            yield unproven(
                path, f"no authority of {whose} is known here", repair="name it on the page; tell the project of it"
            )
        elif not named:
            yield broken(path, f"the page names and links no authority of {whose}", repair=repair)
        else:
            told.append(f"{whose}: {len(named)} of {len(authorities)}")
    if told:
        yield kept(path, f"named with a link, {', '.join(told)}; the links were not followed")


def _names(page: Markup, authority: Authority) -> bool:
    """Whether the page links the authority's site and says its name, whole, shortened or as its abbreviation."""
    from troth.foundation.markup import host_of

    host = host_of(authority.website)
    if not any(host_of(link.url) == host for link in page.links):
        return False
    text = page.text.casefold()
    whole, _, short = authority.name.partition(" (")
    names = [authority.name, whole, short.removesuffix(")")] if short else [authority.name]
    return any(" ".join(name.split()).casefold() in text for name in names if name)


def _words(policy: Policy, sentence: Sentence) -> str:
    return sentence.text or _value(policy, sentence)


def _value(policy: Policy, sentence: Sentence) -> str:
    """The words of the sentence without its label."""
    clause = policy.by_id.get(sentence.clause_id)
    return (clause.text if clause is not None and len(clause.sentences) == 1 and clause.text else None) or sentence.text


def _country_names(policy: Policy) -> Iterator[str]:
    """What the controller's country is called in the languages of the policy, and in English; made when asked for."""
    from babel import Locale, UnknownLocaleError  # only an address without other faults pays for it

    for language in dict.fromkeys((*policy.controller.languages, "en")):
        try:
            name = Locale.parse(language.replace("-", "_")).territories.get(policy.controller.country)
        except (UnknownLocaleError, ValueError):
            continue
        if name:
            yield str(name)


def _shown(seen: Observation, sentence: Sentence) -> str:
    """Whether the published page shows these words; said only where it does, a differing page is section 8's matter."""
    try:
        shown = _words(seen.policy, sentence) in crawling.policy_page(seen).text
    except (NetworkUnreachable, NothingToObserve):
        return ""
    return "; the published page shows it" if shown else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


CHECKS: tuple[Check, ...] = (mailbox_unreachable, address_incomplete, number_unusable, authority_unnamed)
