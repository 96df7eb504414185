"""What a person can choose, in plain words: a line for each purpose they have a say in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from troth.foundation.people import PersonNumber
from troth.policy.vocabulary import CATEGORIES, PURPOSES
from troth.use import consent, objections, standing
from troth.use.office import Office
from troth.use.restrictions import Pause, pause
from troth.use.words import Consent

_NOTES = {
    Consent.RENEWAL_ASKED: "What you agreed to has changed. We do nothing with it until you say yes to what it is now.",
    Consent.EXPIRED: "Your consent has ended by itself. Allow it again if you still want it.",
    Consent.UNKNOWN: "We have your consent from elsewhere, without the words that you agreed to; so we ask you anew.",
    Consent.GUARDIAN_ASKED: "We wait for your guardian, who has a letter from us.",
}


class Kind(StrEnum):
    """How one has a say: it needs a yes, or it can be objected to."""

    CONSENT = "consent"
    OBJECTION = "objection"


@dataclass(frozen=True, slots=True)
class Line:
    """One purpose: the policy's own sentence, what it is called, which data, and whether it is permitted now.

    `since` is when the person last spoke of it; None when they never did. `act` is the word on the button.
    """

    purpose: str
    kind: Kind
    sentence: str
    number: str
    label: str
    data: tuple[str, ...]
    yes: bool
    since: datetime | None
    objected: bool
    state: Consent | None = None
    until: datetime | None = None

    @property
    def note(self) -> str:
        """What one should know beside yes and no; empty where there is nothing."""
        return _NOTES.get(self.state, "") if self.state is not None and not self.yes else ""

    @property
    def act(self) -> str:
        if self.kind is Kind.CONSENT:
            return "Withdraw" if self.yes else "Allow"
        return "Object" if self.yes else "Allow"


def lines(tx: Connection, office: Office, person: PersonNumber) -> tuple[tuple[Line, ...], Pause]:
    """Every purpose that `person` has a say in, in the order of the page; and whether use is restricted as a whole."""
    said = standing.load(tx, person)
    choices = {choice.purpose: choice for choice in consent.show_in(tx, office, person)}
    stances = {stance.purpose: stance for stance in objections.stances(office, said)}
    found = []
    for purpose, uses in office.compiled.purposes.items():
        choice = choices.get(purpose) if purpose in office.compiled.consent_bits else None
        stance = stances.get(purpose)
        if choice is None and stance is None:
            continue
        objected = stance is not None and stance.objects
        spoken = [one.since for one in (choice, stance) if one is not None and one.since is not None]
        found.append(
            Line(
                purpose=purpose,
                kind=Kind.OBJECTION if choice is None else Kind.CONSENT,
                sentence=office.policy.by_number[uses[0].number].text,
                number=uses[0].number,
                label=PURPOSES[purpose].label if purpose in PURPOSES else purpose.replace(".", ", "),
                data=tuple(dict.fromkeys(_in_a_sentence(CATEGORIES[use.category].label) for use in uses)),
                yes=not objected and (choice is None or choice.given),
                since=max(spoken, default=None),
                objected=objected,
                state=None if choice is None else choice.state,
                until=None if choice is None else choice.until,
            )
        )
    return tuple(found), pause(said)


def _in_a_sentence(label: str) -> str:
    """`E-mail address` as `e-mail address`; `IP address` as it is."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def allow(tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str) -> None:
    """The person wants it: an objection of theirs ends, and where it takes consent, they give it.

    Raises: UnknownName for a purpose that nobody has a say in.
    """
    if purpose in office.compiled.objection_bits or purpose not in office.compiled.consent_bits:
        objections.lift_in(tx, office, person, purpose, method=method)
    if purpose in office.compiled.consent_bits:
        language = office.policy.controller.languages[0]
        consent.give_in(tx, office, person, purpose, language=language, method=method)


def refuse(tx: Connection, office: Office, person: PersonNumber, purpose: str, *, method: str) -> None:
    """The person does not want it: consent ends where it takes consent, or else they object. Raises: UnknownName."""
    if purpose in office.compiled.consent_bits:
        consent.withdraw_in(tx, office, person, purpose, method=method)
    else:
        objections.raise_in(tx, office, person, purpose, method=method)
