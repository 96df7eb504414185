"""Names of columns and tables as words: `CustFirstName`, `cust_first_name` and `custfirstname` say the same.

A name is cut at signs, at changes of case and at digits; what is still glued together is cut where it falls wholly into
words that schemas use. What a table is about shows in its last telling word (`wp_users`, `customer_address_entity`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

_GLUED = frozenset(
    """
    account activation address addr agent alternate amount apartment at auth avatar bank billing bill bio birth
    birthday blood body browser by card cardholder cell cellular city client code company confirmation contact content
    cookie count country county courtesy created credit cust customer date day delivery description device digest
    digits display district dob doc driver email emergency employee encrypted exp expiry family fax file first
    forename from full gender given guest hash hire holder home host house id image initial ip job key last lat
    latitude legal licence license line login longitude lng mail maiden manager marital message method middle mobile
    month mother name nationality nick no notes num number of office order organisation organization page pass
    passport passwd password path payment phone photo picture pin place plain platform position post postal profile
    province pwd recipient referer referrer region registration remote rep reset role route salt school search secret
    security seen sender session sex ship shipping signature sms social ssn state status street street sur surname tax
    tel telephone time title to token town type url user username vat visit web website work year zip
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
_SHORT = {
    "e mail": "email",
    "e mails": "email",
    "cell phone": "cellphone",
    "i p": "ip",
    "user name": "username",
    "pass word": "password",
    "sur name": "surname",
    "nick name": "nickname",
    "zip code": "zip",
    "post code": "postcode",
    "postal code": "postcode",
    "web site": "website",
    "birth day": "birthday",
}
_ABBREVIATED = {
    "acct": "account",
    "amt": "amount",
    "cd": "code",
    "cust": "customer",
    "desc": "description",
    "dept": "department",
    "dt": "date",
    "emp": "employee",
    "fk": "id",
    "nbr": "number",
    "nm": "name",
    "qty": "quantity",
    "stat": "status",
    "usr": "user",
    # plurals that do not end in s
    "adressen": "adresse",
    "bestellungen": "bestellung",
    "kunden": "kunde",
    "mitglieder": "mitglied",
    "rechnungen": "rechnung",
}
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "addresses": "address",
    "statuses": "status",
    "staff": "staff",
    "news": "news",
    "sms": "sms",
    "series": "series",
    "basis": "basis",
}


class Subject(StrEnum):
    """What the rows of a table are, as far as its name tells."""

    PERSON = "people"
    PROFILE = "more about people"
    ADDRESS = "addresses"
    TRANSACTION = "orders and payments"
    MESSAGE = "messages"
    AUTHORED = "what people write in public"
    TRACE = "traces of use"
    SEARCH = "searches"
    ORGANISATION = "organisations"
    WORK = "people of published works"
    THING = "things"
    UNKNOWN = "unknown"


_SUBJECTS: dict[Subject, str] = {
    Subject.PERSON: """
        user customer client employee staff member person contact patient student teacher subscriber author
        passenger guest tenant resident citizen donor volunteer applicant candidate lead prospect driver agent
        doctor nurse player buyer seller recipient visitor participant attendee beneficiary worker individual
        owner instructor tutor salesperson admin administrator operator voter learner parent shopper friend
        follower human personnel consumer cardholder debtor borrower policyholder inhabitant pupil professor
        lecturer physician freelancer referee moderator colleague trainee
        kunde kundin mitglied mitarbeiter benutzer nutzer teilnehmer abonnent empleado usuario
        utilisateur adherent abonne
    """,
    Subject.PROFILE: """
        profile bio demographic identity credential preference biography avatar kyc enrollment enrolment
    """,
    Subject.ADDRESS: "address adresse anschrift direccion",
    Subject.TRANSACTION: """
        order invoice payment purchase sale transaction subscription booking reservation rental cart basket
        checkout refund shipment delivery quote receipt line lineitem billing charge bill wishlist redemption
        rechnung bestellung zahlung facture commande factura pedido
        creditmemo card wallet payout donation claim loan deposit appointment prescription ticketing fulfillment
    """,
    Subject.MESSAGE: """
        message mail email chat conversation ticket inquiry enquiry support note sms notification letter
        correspondence call invitation invite request dm newsletter campaign
    """,
    Subject.AUTHORED: """
        post comment review topic reply story rating feedback testimonial answer question vote like reaction
        bookmark draft upload submission suggestion hat
    """,
    Subject.TRACE: """
        log session visit login event click access audit activity history pageview view hit tracking impression
        fingerprint device cookie token attempt usage footprint click trace signin analytic heartbeat
    """,
    Subject.SEARCH: "search query",
    Subject.ORGANISATION: """
        supplier shipper vendor store branch office warehouse company organisation organization manufacturer
        publisher bank school hospital hotel carrier dealer merchant brand institution agency airline airport
        restaurant distributor outlet shop business provider
    """,
    Subject.WORK: "actor artist composer director band singer musician writer performer cast author_work",
    Subject.THING: """
        product item category genre track album film movie book song country city state region currency language
        tag tax inventory setting config configuration option migration permission role plan price media
        playlist department location sku stock attribute variant unit type status mediatype part material
        vehicle room course lesson subject module feature game color colour size format template theme page menu
        block widget plugin territory discount coupon promotion schema version sequence job queue lock cache
        parameter constant zone article asset keyword resource translation locale timezone continent district
        county province holiday ingredient recipe animal plant event_type
    """,
}
_SUBJECT_OF = {word: subject for subject, words in _SUBJECTS.items() for word in words.split()}
_CONTACT_WORDS = frozenset(("email", "mail", "phone", "telephone", "mobile", "name", "contact", "detail", "account"))
_TELL_NOTHING = frozenset(
    """
    entity table tbl data info information detail record master dim fact main list tmp temp backup bak old new archive
    base core copy raw staging import export current all flat index summary extra meta
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


@lru_cache(maxsize=65_536)
def words(name: str) -> tuple[str, ...]:
    """`name` as lower-case words in order: `E_MailAddr2` is `email`, `addr`, `2`."""
    found: list[str] = []
    for part in _cut(name):
        found += _unglued(part)
    text = " ".join(found)
    for pair, one in _SHORT.items():
        text = re.sub(rf"(?<!\S){pair}(?!\S)", one, text)
    return tuple(_ABBREVIATED.get(word, word) for word in text.split())


@lru_cache(maxsize=8192)
def subject_of(table: str) -> Subject:
    """What a table called `table` is about, told from its last telling word."""
    telling = [singular(word) for word in words(table.rpartition(".")[2])]
    telling = [word for word in telling if word not in _TELL_NOTHING and not word.isdigit()]
    if not telling:
        return Subject.UNKNOWN
    if len(telling) > 1 and telling[-1] in _CONTACT_WORDS and is_person_word(telling[-2]):
        return Subject.PROFILE
    if len(telling) > 1 and telling[-1] == "item" and _SUBJECT_OF.get(telling[-2]) is Subject.TRANSACTION:
        return Subject.TRANSACTION
    return _SUBJECT_OF.get(telling[-1], Subject.UNKNOWN)


def person_word(table: str) -> str | None:
    """The word for a person that the name of a table ends in: `customer` of `spree_customers`."""
    telling = [singular(word) for word in words(table.rpartition(".")[2])]
    telling = [word for word in telling if word not in _TELL_NOTHING and not word.isdigit()]
    return telling[-1] if telling and is_person_word(telling[-1]) else None


def is_person_word(word: str) -> bool:
    """Whether `word` names people: `user`, `patient`, `subscriber`."""
    return _SUBJECT_OF.get(word) is Subject.PERSON


def singular(word: str) -> str:
    """The singular of an English word as schemas write them; the word itself in doubt."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _cut(name: str) -> list[str]:
    """`name` cut at signs, between letters and digits, and where upper case begins a word; in lower case."""
    parts = [""]
    for at, sign in enumerate(name):
        before, after = name[at - 1 : at], name[at + 1 : at + 2]
        begins = (
            (sign.isupper() and (before.islower() or (before.isupper() and after.islower())))
            or sign.isdigit() is not before.isdigit()
            or not sign.isalnum()
        )
        if begins:
            parts.append("")
        if sign.isalnum():
            parts[-1] += sign.lower()
    return [part for part in parts if part]


def _unglued(part: str) -> list[str]:
    """`part` cut into words where it falls wholly into them, in as few as possible; itself otherwise."""
    if part in _GLUED or part in _SUBJECT_OF or len(part) < 5 or not part.isascii():
        return [part]
    best: list[list[str] | None] = [[]] + [None] * len(part)
    for end in range(1, len(part) + 1):
        for start in range(max(0, end - 14), end):
            before = best[start]
            if (
                before is not None
                and part[start:end] in _GLUED
                and (best[end] is None or len(before) + 1 < len(best[end] or ()))
            ):
                best[end] = [*before, part[start:end]]
    return best[len(part)] or [part]
