"""Rules about section 9 as published: who the company is, how it is reached, and who watches over it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from troth.policy.law.authorities import authorities_for
from troth.policy.law.laws import law
from troth.policy.law.provisions import Duty, Law
from troth.policy.law.table import known_laws
from troth.policy.lint.page import Page, Place, Said, fold, listed
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, rule
from troth.policy.lint.words.contacts import (
    COMPLAINT,
    NAMES_CONTROLLER,
    PLACEHOLDER,
    REGIONS,
    REPRESENTATIVE,
    RESERVED_DOMAIN,
)

_EUROPE = "30 31 32 33 34 351 352 353 358 36 39 40 420 421 43 45 46 47 48 49"
_DIALLING = dict.fromkeys(_EUROPE.split(), "gdpr") | {
    "41": "fadp",
    "44": "uk-gdpr",
    "55": "lgpd",
    "81": "japan",
    "82": "korea",
    "86": "pipl",
    "91": "india",
}
"""Country codes of the telephone that belong to one law; those of several countries (+1, +7) tell nothing."""
_PHONE = re.compile(r"\+ ?(\d{1,3})")


@rule(
    "contact.placeholder",
    "A placeholder stands where a contact should",
    fault=16,
    duty=Duty.IDENTITY,
    rests_on=OWN_WORD,
)
def placeholder(page: Page) -> Iterator[Flaw]:
    """A page that is published must not hold a gap that nobody filled.

    Finds: "to be filled", TBD, X-ed out numbers, [brackets], {{ fields }}, rows of dots, anywhere on the page.
    Does not find: a contact that is complete and wrong; `troth check` writes to it.
    Before: "Phone: +86-XXX-XXXX-XXXX".
    After: the number.
    """
    for said in page.said:
        if match := PLACEHOLDER.search(said.text):
            yield Flaw(
                said.place, f'"{match.group()}" is a placeholder.', "Write the real contact, or take the line out."
            )


@rule(
    "contact.reserved-domain",
    "An address at a domain that nobody can have",
    fault=16,
    duty=Duty.IDENTITY,
    rests_on=OWN_WORD,
)
def reserved_domain(page: Page) -> Iterator[Flaw]:
    """Domains such as example.com are kept for examples (RFC 2606, RFC 6761); no mail to them arrives.

    Finds: addresses at example.com, example.org, .test, .invalid, .example, localhost, yourcompany.com.
    Does not find: a domain that is real and takes no mail; `troth check` looks it up.
    Before: "privacy@example.com".
    After: the address at the company's own domain.
    """
    for said in page.said:
        if match := RESERVED_DOMAIN.search(said.text):
            message = f"{match.group()} is a stand-in domain: mail to it reaches nobody."
            yield Flaw(said.place, message, "Write an address at your own domain.")


@rule("contact.controller-unnamed", "No sentence says who is responsible", fault=16, duty=Duty.IDENTITY)
def controller_unnamed(page: Page) -> Iterator[Flaw]:
    """The page must say which company decides about the data.

    Finds: a page without a sentence that names the controller ("The controller is ...", "... is operated by ...").
    Does not find: a company that does not exist.
    Before: "Mailing Address: Example Company, Privacy Department".
    After: "The controller is Example Company Ltd, 1 Example Street, Shanghai, China".
    """
    if not any(_names_somebody(said) for said in page.find(NAMES_CONTROLLER)):
        name = page.policy.controller.name or "..."
        yield Flaw(
            page.place_of("contact"),
            "no sentence says who the controller is.",
            f'Add: "The controller is {name}, ..." with its full address.',
        )


def _names_somebody(said: Said) -> bool:
    """Whether a capital that does not begin the sentence follows: a name."""
    match = NAMES_CONTROLLER.search(said.text)
    after = said.text[match.start() :] if match else ""
    return bool(re.search(r"(?<=[\w,:\"(] )\"?(?!I\b|We\b|You\b)[A-Z0-9][\w&.'-]+", after))


@rule(
    "contact.representative-missing",
    "No representative where the company is elsewhere",
    fault=16,
    duty=Duty.REPRESENTATIVE,
)
def representative_missing(page: Page) -> Iterator[Flaw]:
    """A company outside the European Union, or the United Kingdom, names somebody there whom people can turn to.

    Finds: a controller whose country is outside the law's, on a page that names no representative there.
    Does not find: the exceptions of Art. 27(2); silence this by naming why none is needed.
    Before: a company in China under `laws: [gdpr]`, and no representative.
    After: "Our representative in the European Union is Example Rep GmbH, Berlin".
    """
    for each in page.laws_with(Duty.REPRESENTATIVE):
        if page.policy.controller.country in each.countries:
            continue
        region = REGIONS[each.id]
        if not any(region.search(said.text) for said in page.find(REPRESENTATIVE)):
            where = "the European Union" if each.id == "gdpr" else "the United Kingdom"
            yield Flaw(
                page.place_of("contact"),
                f"the controller is outside {where}, and no representative there is named.",
                f'Add: "Our representative in {where} is ..." with name and address.',
                reference=each.cite(each.duties[Duty.REPRESENTATIVE].article),
            )


@rule("contact.authority-unnamed", "The supervisory authority is not named", fault=18, duty=Duty.COMPLAINT)
def authority_unnamed(page: Page) -> Iterator[Flaw]:
    """People are told that they can complain, and to which authority.

    Finds: no word on complaints; "the relevant authority" without its name, for each law that wants one.
    Does not find: an authority that is not the visitor's; the page shows that one by country.
    Before: "... lodge a complaint with the relevant data protection authority".
    After: "... with the Information Commissioner's Office (ico.org.uk)".
    """
    watched = [each for each in page.laws_with(Duty.COMPLAINT) if authorities_for(laws=[each.id])]
    nameless = [each for each in watched if not _authority_named(page, each)]
    told = page.find(COMPLAINT, "contact") or page.find(COMPLAINT)
    if not nameless:
        return
    reference = "; ".join(each.cite(each.duties[Duty.COMPLAINT].article) for each in nameless)
    names = listed(authorities_for(_own_country(page, each), [each.id])[0].name for each in nameless)
    repair = f'Name it with its address, for example: "{names}".'
    message = "the authority is not named" if told else "nothing says that people can complain to an authority"
    where = told[0].place if told else page.place_of("contact")
    yield Flaw(where, f"{message} ({listed(each.short for each in nameless)}).", repair, reference=reference)


def _own_country(page: Page, of: Law) -> list[str]:
    country = page.policy.controller.country
    return [country] if country in of.countries else []


def _authority_named(page: Page, under: Law) -> bool:
    """Whether the page holds the name, an abbreviation or the site of one of the law's authorities."""
    known = _names_of_authorities(under.id)
    for said in page.said:
        text = said.text.casefold()
        if any(name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in known):
            return True
    return False


@cache
def _names_of_authorities(law_id: str) -> frozenset[str]:
    found: set[str] = {"edpb.europa.eu"} if law_id == "gdpr" else set()
    for authority in authorities_for(laws=[law_id]):
        plain, _, brackets = fold(authority.name).partition("(")
        found.update(part.strip() for part in plain.split(" / "))
        found.update(part for part in re.split(r"[ /)]+", brackets) if part.isupper())
        found.add((urlsplit(authority.website).hostname or "").removeprefix("www."))
    return frozenset(name.casefold() for name in found if name)


@rule(
    "contact.law-not-listed",
    "The company is where a law applies that the policy does not list",
    level=Level.WARNING,
    rests_on="GDPR Art. 3; PIPL Art. 3; the like of other laws",
)
def law_not_listed(page: Page) -> Iterator[Flaw]:
    """The rules that run are those of the laws listed; a company is bound at least by the law of its own country.

    Finds: a controller's country, or the country code of a printed telephone number, whose law is not in `laws:`.
    Does not find: laws that apply because of where customers are; codes of several countries (+1, +7).
    Before: "Phone: +86 ..." with `laws: [gdpr]`.
    After: `laws: [gdpr, pipl]`.
    """
    missing: dict[str, tuple[Place, str]] = {}
    country = page.policy.controller.country
    for name in known_laws():
        if country in law(name).countries:
            missing[name] = (page.start, f"the controller is in {country}")
    for said in page.within("contact"):
        for match in _PHONE.finditer(said.text):
            code = next((match[1][:n] for n in (3, 2, 1) if match[1][:n] in _DIALLING), None)
            if code:
                missing.setdefault(_DIALLING[code], (said.place, f"a telephone number begins with +{code}"))
    for name, (where, why) in missing.items():
        if name not in page.policy.laws:
            yield Flaw(where, f"{why}, and the law {name} is not listed.", f"Add {name} to `laws:`.")
