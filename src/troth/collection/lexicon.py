"""What the name of a column says it holds, beside what its table is about.

The words stand in `phrases.txt`, for people to read. A phrase must be the end of a name, so that `email_verified_at` is
no address; weak phrases (`name`, `city`) speak only where the table is about people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from troth.collection.words import Subject, singular, words
from troth.policy.vocabulary import CATEGORIES

NOTHING = "nothing"
_PEOPLE = {Subject.PERSON, Subject.PROFILE}
_ABOUT = _PEOPLE | {
    Subject.ADDRESS, Subject.TRANSACTION, Subject.MESSAGE, Subject.AUTHORED, Subject.TRACE, Subject.SEARCH,
}  # fmt: skip
_WHERE = {
    "everywhere": set(Subject),
    "anywhere": set(Subject) - {Subject.ORGANISATION, Subject.WORK},
    "people": _PEOPLE,
    "places": _PEOPLE | {Subject.ADDRESS},
    "about": _ABOUT,
}
_MACROS = {
    "@who": """customer cust client user member person employee emp staff patient student teacher guest buyer seller
        recipient sender author owner holder cardholder billing bill shipping ship to from delivery payee payer
        subscriber passenger attendee applicant candidate reviewer contact emergency donor driver parent mother father
        spouse creator guardian commenter visitor reporter requester salesperson manager agent doctor beneficiary kin
        account""",
    "@place": """billing bill shipping ship delivery home work mailing mail residence residential postal private
        permanent current customer cust contact user birth""",
    "@part": """address addr street house building apartment apt city town suburb village locality state province
        region county district zip postcode plz country strasse hausnummer ville""",
    "@more": "line name code no number extra suffix one two three first second",
}
_NEGATING = frozenset(
    """is has can may show hide use uses enable enabled disable disabled send num count min max default require requires
    required allow allows allowed allowing check checked notify receive accept accepts needs need hidden blocked
    screened smtp site days minutes seconds opt""".split()  # noqa: SIM905
)
_QUALIFIERS = frozenset(
    """home work office business mobile cell day evening primary secondary alt alternate personal main other
    private old new normalized normalised canonical lower raw plain encrypted enc masked ciphertext bidx text value str
    hash original cooked html caps upper""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a name says: a category (or `nothing`), how sure from 0 to 1, and the words that said it."""

    category: str
    sure: float
    words: str


@dataclass(frozen=True, slots=True)
class _Slot:
    """One word of a phrase: any of `choices`, once; perhaps missing (`optional`); perhaps several (`many`)."""

    choices: frozenset[str]
    optional: bool
    many: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """A phrase with its meaning. `after_any`: any words may stand before. `needed`: a name without these cannot fit."""

    category: str
    where: frozenset[Subject]
    sure: float
    after_any: bool
    slots: tuple[_Slot, ...]
    needed: frozenset[str]

    def fits(self, parts: tuple[str, ...]) -> bool:
        starts = range(min(len(parts), 6)) if self.after_any else (0,)
        return any(_fit(self.slots, parts, start) for start in starts)


@lru_cache(maxsize=65_536)
def guess(column: str, table: str, subject: Subject) -> Guess | None:
    """What `column` says it holds, in a table of that name which is about `subject`; None where it says nothing."""
    parts = words(column)
    if not parts or parts[0] in _NEGATING:
        return None
    own = {singular(word) for word in words(table)}
    rest = list(parts)
    while len(rest) > 1 and singular(rest[0]) in own:  # `comment_content` of comments says `content`
        rest.pop(0)
    for whole in dict.fromkeys((tuple(parts), tuple(rest))):
        ways = _ways(whole)
        present = set(whole)
        for rule in _rules():
            if subject in rule.where and not rule.needed.isdisjoint(present) and any(map(rule.fits, ways)):
                return None if rule.category == NOTHING else Guess(rule.category, rule.sure, " ".join(whole))
    return None


def _ways(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """A name as it stands, and without the number, the qualifier, or both that it ends with."""
    found = [parts]
    if len(parts) > 1 and parts[-1].isdigit() and len(parts[-1]) < 3:
        found.append(parts[:-1])
    found += [way[:-1] for way in found if len(way) > 1 and way[-1] in _QUALIFIERS]
    return found


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(_read(resources.files("troth.collection").joinpath("phrases.txt").read_text(encoding="utf-8")))


def _read(text: str) -> Iterator[_Rule]:
    category, where, sure = NOTHING, frozenset[Subject](), 0.0
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            category, _, rest = (part.strip() for part in line.partition("@"))
            assert category in CATEGORIES or category == NOTHING, category
            named, percent = rest.split()
            where = frozenset().union(*(_subjects(name) for name in named.split("+")))
            sure = int(percent) / 100
            continue
        words_of = line.split()
        slots = tuple(map(_slot, words_of[1:] if words_of[0] == "..." else words_of))
        needed = min((slot.choices for slot in slots if not slot.optional), key=len)
        yield _Rule(category, where, sure, words_of[0] == "...", slots, needed)


def _subjects(name: str) -> set[Subject]:
    return _WHERE[name] if name in _WHERE else {Subject[name.upper()]}


def _slot(text: str) -> _Slot:
    sign = text[-1] if text[-1] in "?*" else ""
    choices = frozenset(word for part in text.rstrip("?*").split("|") for word in _MACROS.get(part, part).split())
    return _Slot(choices, bool(sign), sign == "*")


def _fit(slots: tuple[_Slot, ...], parts: tuple[str, ...], start: int) -> bool:
    """Whether `slots` use up `parts` from `start` on, exactly."""
    if not slots:
        return start == len(parts)
    slot, rest = slots[0], slots[1:]
    if start < len(parts) and parts[start] in slot.choices and _fit(slots if slot.many else rest, parts, start + 1):
        return True
    return slot.optional and _fit(rest, parts, start)
