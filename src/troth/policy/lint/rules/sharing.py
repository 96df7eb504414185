"""Rules about section 4 as published: who receives data, when, and where they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from troth.policy.law.provisions import Duty
from troth.policy.lint.page import Page, Said, listed
from troth.policy.lint.registry import OWN_WORD, Flaw, Level, rule
from troth.policy.lint.words.phrases import DENIES
from troth.policy.lint.words.sharing import (
    ABOUT_PERSONS,
    ABROAD,
    ANONYMOUS,
    CHOICES_LINK,
    CIRCUMSTANCES,
    COMPANY,
    DENIES_PARTLY,
    DENIES_SHARING,
    LISTED_ELSEWHERE,
    NO_NAMES,
    POINTS_TO_LIST,
    RECIPIENT_KINDS,
    SALE_DENIED,
    SELLS,
    SHARES,
    TRANSFER_SAFEGUARD,
    TRULY_ANONYMOUS,
    TWELVE_MONTHS,
)

_CAPITAL = re.compile(r"\b[A-Z][\w&.'-]*")


@rule(
    "sharing.contradicts-itself",
    "The page denies sharing that it announces elsewhere",
    fault=1,
    duty=Duty.TRUTHFULNESS,
    rests_on=OWN_WORD,
)
def contradicts_itself(page: Page) -> Iterator[Flaw]:
    """A sentence that denies sharing but for named exceptions must not be followed by sharing outside of them.

    Finds: "We do not share ... without ..." on a page that also shares with service providers, in a merger, with
    affiliates or partners, where the denial names none of these and points to no list of exceptions.
    Does not find: contradictions in other wording, or about other things than sharing.
    Before: "We do not share your personal information with third parties without your consent or legal requirement".
    After: "We share your personal information only in the cases listed in 4.1".
    """
    for denial in page.find(DENIES_SHARING):
        part = denial.part_with(DENIES_SHARING) or ""
        if POINTS_TO_LIST.search(part) or DENIES_PARTLY.search(part):
            continue
        against = {
            name: said
            for name, pattern in CIRCUMSTANCES.items()
            if not pattern.search(part) and (said := _shares_in(page, pattern))
        }
        if against:
            where = listed(f"{name} ({said.place.number})" for name, said in against.items())
            yield Flaw(
                denial.place,
                f"sharing is denied here, and announced elsewhere: {where}.",
                'Say what is true: "We share your personal information only in the cases listed below".',
            )


def _shares_in(page: Page, pattern: re.Pattern[str]) -> Said | None:
    """The first sentence that announces sharing in this circumstance; one that denies something announces nothing."""
    for said in page.find(pattern):
        for part in said.parts:
            shares = said.section == "sharing" or SHARES.search(part)
            if pattern.search(part) and shares and not DENIES.search(part):
                return said
    return None


@rule("sharing.recipients-unnamed", "Recipients are told by kind only", fault=8, duty=Duty.RECIPIENTS)
def recipients_unnamed(page: Page) -> Iterator[Flaw]:
    """Recipients are to be named: PIPL wants name and contact, and who asks for access is told the actual recipients.

    Finds: a table or list of recipients in section 4 whose entries hold no name of a company, no address and no link
    to a list of names.
    Does not find: a recipient that is missing; `troth check` compares with what is really sent.
    Before: "Payment Processor | Process transactions and payments".
    After: "Payment Processor (Example Pay GmbH, Berlin) | Process transactions and payments".
    """
    if page.says(LISTED_ELSEWHERE, "sharing"):
        return
    entries = [said for said in page.within("sharing") if said.item and (said.cells or _is_kind(said))]
    unnamed = [said for said in entries if not _is_named(said)]
    if not entries and not page.says(RECIPIENT_KINDS, "sharing"):
        return
    repair = 'Name them, with where they are: "Example Pay GmbH, Berlin", or link to a list of names.'
    tables = [said for said in unnamed if said.cells]
    if not entries or len(unnamed) == len(entries):
        first = (tables or unnamed or list(page.find(RECIPIENT_KINDS, "sharing")))[0]
        kinds = (
            f": {listed(said.cells[0] if said.cells else said.label or said.text for said in tables or unnamed)}"
            if entries
            else ""
        )
        yield Flaw(page.above(first), f"recipients are told by kind only{kinds}.", repair)
        return
    for said in tables or ([] if any(said.cells for said in entries) else unnamed):
        yield Flaw(said.place, "this recipient is told by kind only.", repair, level=Level.WARNING)


def _is_kind(said: Said) -> bool:
    """Whether a list item is about a kind of recipient that acts for the company."""
    return bool(CIRCUMSTANCES["service providers"].search(said.text) or CIRCUMSTANCES["partners"].search(said.text))


def _is_named(said: Said) -> bool:
    """Whether the sentence holds a proper name: a company's form, an address, or capitals that are no common word."""
    if COMPANY.search(said.text):
        return True
    first, *rest = said.cells or (said.text.removeprefix(f"{said.label}:").strip(),)
    names = _CAPITAL.findall(first if said.cells else first.partition(" ")[2])
    names += [name for cell in rest for name in _CAPITAL.findall(cell.partition(" ")[2])]
    return any(name.strip(".'-").lower() not in NO_NAMES and not name.isupper() for name in names)


@rule("sharing.transfers-unmentioned", "No word on transfers to other countries", fault=9, duty=Duty.TRANSFERS)
def transfers_unmentioned(page: Page) -> Iterator[Flaw]:
    """People are told whether their data go to other countries, to which, and under which safeguard.

    Finds: a page without a word on it; a page that tells of transfers and names no safeguard.
    Does not find: a country that is missing from the list; `troth check` compares with the recipients declared.
    Before: a section on sharing that never says where recipients are.
    After: "Our providers are in Germany and Ireland; data leave the EEA only under standard contractual clauses".
    """
    told = page.find(ABROAD)
    repair = (
        'Add: "Your data are stored in ...; they go to other countries only ... under standard contractual clauses".'
    )
    if not told:
        message = "nothing says whether data are transferred to other countries."
        yield Flaw(page.place_of("sharing"), message, repair)
    elif not any(TRANSFER_SAFEGUARD.search(said.text) for said in page.said) and not any(
        DENIES.search(said.part_with(ABROAD) or "") or re.search(r"\bonly\b", said.text) for said in told
    ):
        message = "a transfer to other countries is told, and no safeguard for it."
        yield Flaw(told[0].place, message, repair, level=Level.WARNING)


@rule(
    "sharing.anonymous-not",
    "Data called anonymous that are about single people",
    fault=12,
    level=Level.WARNING,
    duty=Duty.ANONYMITY,
)
def anonymous_not(page: Page) -> Iterator[Flaw]:
    """Data that are analysed person by person, or hold a hash or number of a person, are not anonymous.

    Finds: "anonymised" or "de-identified" in one sentence or table row with the behaviour of users, hashes,
    pseudonyms, identifiers, profiles or tracking, without a word that nobody can be singled out.
    Does not find: data wrongly called anonymous in a sentence that says no more.
    Before: "Analyze user behavior ... | Data anonymization".
    After: "Count visits to each page | Pseudonyms, deleted after 13 months; only totals leave us".
    """
    for said in page.find(ANONYMOUS):
        if ABOUT_PERSONS.search(ANONYMOUS.sub(" ", said.text)) and not TRULY_ANONYMOUS.search(said.text):
            yield Flaw(
                said.place,
                "data are called anonymous here that are about single people.",
                'Say "pseudonymised", or what keeps people from being singled out: "only totals of 20 or more".',
            )


@rule(
    "sharing.sale-statement-missing",
    "No statement on sale or sharing, no way to opt out",
    fault=19,
    duty=Duty.SALE_STATEMENT,
)
def sale_statement_missing(page: Page) -> Iterator[Flaw]:
    """California wants a statement on what was sold or shared in the last twelve months, and a link to choose.

    Finds: no sentence on selling; a statement without its twelve months; no "Your Privacy Choices" link, unless the
    page says that nothing is sold or shared.
    Does not find: a statement that is untrue.
    Before: nothing.
    After: "We have not sold or shared personal information in the last 12 months".
    """
    told = page.find(SELLS)
    statement = (
        'Add: "We have not sold or shared personal information in the last 12 months", or what was, and to whom.'
    )
    denied = any(SALE_DENIED.search(said.text) for said in told)
    if not told:
        message = "nothing says whether personal information was sold or shared in the last 12 months."
        yield Flaw(page.place_of("sharing"), message, statement)
    elif not any(TWELVE_MONTHS.search(said.text) for said in told):
        message = "the statement on sale does not cover the last 12 months."
        yield Flaw(told[0].place, message, statement, level=Level.WARNING)
    if not denied and not page.says(CHOICES_LINK):
        message = 'there is no "Your Privacy Choices" link.'
        yield Flaw(
            page.place_of("rights", "sharing"),
            message,
            'Add a link named "Your Privacy Choices" that opens the opt-out.',
        )
