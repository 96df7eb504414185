"""Find personal data: what each column of a live store most likely holds, how sure that is, and why.

By column, in this order: what its name says where it stands (`lexicon`); what a sample of its values looks like, tried
by validators (`patterns`); what its table is (`relations`): a date in an order is part of a purchase.
Name and values together are surest; where they contradict each other the verdict is *unsure*. A value never leaves this
module: a finding tells rule, share and number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from troth.collection import patterns
from troth.collection.lexicon import Guess, guess
from troth.collection.patterns import CATEGORY_OF, Common, Shape
from troth.collection.relations import View, is_key_like, views
from troth.collection.words import Subject, singular, words
from troth.foundation.records.catalogue import Catalogue, Column, ColumnKind
from troth.policy.datamap import Place
from troth.policy.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from troth.foundation.records.reading import Records

SAMPLE = 300
"""How many different values of a column are looked at."""


class Nature(StrEnum):
    """What a column is: data about the row's person, a pointer at a person, neither, or for people to decide."""

    PERSONAL = "personal"
    LINK = "link"
    NOT_PERSONAL = "not personal"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class ColumnFinding:
    """What one column most likely is. `category` is set for personal and unsure ones; `link` names the table meant.

    `rule` says in words what spoke for it; `share` of the `sampled` values had the shape that the rule names.
    """

    place: Place
    verdict: Nature
    category: str | None = None
    confidence: float = 1.0
    rule: str = ""
    link: str | None = None
    share: float | None = None
    sampled: int = 0
    within: bool = False
    """It stands somewhere in the value (a document, a text) and is not all of it."""

    @property
    def evidence(self) -> str:
        """One line: `0.97: name "email"; e-mail address in 98 % of 300 values`."""
        seen = f" in {self.share:.0%} of {self.sampled} values" if self.share is not None else ""
        return f"{self.confidence:.2f}: {self.rule}{seen}"


Samples = Mapping[str, Mapping[str, Sequence[str]]]
"""Values by table and column."""

_SAMPLED = (
    ColumnKind.TEXT,
    ColumnKind.JSON,
    ColumnKind.BINARY,
    ColumnKind.OTHER,
    ColumnKind.NUMBER,
    ColumnKind.ADDRESS,
)
_OF_TIMES = frozenset(
    (
        "identity.birth_date",
        "usage.visit_time",
        "work.employment",
        "identity.passport",
        "identity.licence",
        "health.record",
        "education.record",
        "transaction.payment_method",
    )
)
_NEVER_NUMBERS = frozenset(
    (
        "profile.name",
        "profile.bio",
        "profile.avatar",
        "contact.email",
        "contact.url",
        "contact.organisation",
        "device.user_agent",
        "device.browser",
        "device.os",
        "communication.message",
        "content.authored",
        "note.about",
        "usage.page",
        "usage.search",
        "account.username",
        "location.approximate",
        "work.job_title",
        "transaction.purchase",
    )
)
_SPECIAL = frozenset(name for name, category in CATEGORIES.items() if category.special)
_EXPECTED: Mapping[str, tuple[Shape, ...]] = {
    "contact.email": (Shape.EMAIL,),
    "contact.phone": (Shape.PHONE, Shape.NUMBER),
    "contact.fax": (Shape.PHONE, Shape.NUMBER),
    "device.ip": (Shape.IP,),
    "device.user_agent": (Shape.USER_AGENT,),
    "payment.card_number": (Shape.CARD,),
    "payment.bank_account": (Shape.IBAN,),
    "account.password": (Shape.SLOW_HASH, Shape.HEX_DIGEST, Shape.JWT),
    "profile.name": (Shape.NAME,),
    "identity.birth_date": (Shape.DATE,),
    "contact.url": (Shape.URL,),
}
_BELIED = frozenset(("contact.email", "contact.phone", "contact.fax", "device.ip", "device.user_agent", "profile.name"))
"""Categories whose values have a shape that most must show; other values belie the name."""
_ONES_OWN = frozenset(("profile.name", "account.username"))
"""Categories whose values differ from person to person; a few words that many rows share are something else."""
_FEW = 5
_FEEDBACK = frozenset(("review", "rating", "feedback", "testimonial", "survey"))
_SEALED = (Shape.HEX_DIGEST, Shape.SLOW_HASH, Shape.UUID)


def discover(
    records: Records,
    store: str,
    *,
    sample: int = SAMPLE,
    known: Collection[Place] = (),
    closed: Collection[Place] = (),
) -> tuple[ColumnFinding, ...]:
    """Judge every column of `store` that is not `known`, in the order of its catalogue. Reads, and never writes.

    Values of `closed` columns (`scan: no`) are not looked at; their names still speak. Raises StoreUnreachable.
    """
    found = judge(records.catalogue(store), look(records, store, sample, {*known, *closed}))
    return tuple(finding for finding in found if finding.place not in known) if known else found


def look(records: Records, store: str, sample: int = SAMPLE, without: Collection[Place] = ()) -> Samples:
    """Samples of every column of `store` that is worth a look, `without` some."""
    return {
        name: records.samples(store, name, wanted, sample)
        for name, table in records.catalogue(store).tables.items()
        if table.holds_rows and (wanted := _worth_a_look(store, name, table.columns, without))
    }


def judge(catalogue: Catalogue, samples: Samples, seen: Mapping[str, View] | None = None) -> tuple[ColumnFinding, ...]:
    """The same from a catalogue and samples already at hand; without samples, from names alone.

    `seen` is how tables stand to people, where somebody knows better than the names (`relations.views`).
    """
    seen = views(catalogue) if seen is None else seen
    return tuple(
        judge_column(
            Place(catalogue.store, name, column.name), column, view, samples.get(name, {}).get(column.name, ())
        )
        for name, view in seen.items()
        for column in view.table.columns.values()
    )


def judge_column(place: Place, column: Column, view: View, values: Sequence[str]) -> ColumnFinding:
    """What one column most likely holds; the first of these rules that applies decides.

    1. It points at a person, by foreign key or by name: link.
    2. It is a key: not personal; in an order, what was bought.
    3. Values tell a category by themselves, and the name does not speak against it: personal.
    4. The name says a category: personal, surer or less sure by its values.
    5. Keys inside JSON say one: personal. Personal data inside texts: unsure.
    6. The row is part of somebody's order or trace: personal, by its table.
    """
    link = next((each for each in view.links if column.name in each.columns), None)
    common = patterns.in_common(values)
    if link is not None and (link.declared or common.share(Shape.EMAIL, Shape.NAME) < 0.5):
        how = "foreign key" if link.declared else "name and table"
        return ColumnFinding(place, Nature.LINK, None, 1.0 if link.declared else 0.75, how, link.table)
    if _is_key(column, view):
        return _of_table(place, column, view, is_key=True)
    said = _said(column, view)
    told = _told(column, common)
    if told is not None:
        return _by_values(place, view, said, told, common)
    if said is not None:
        return _by_name(place, said, common, view)
    if column.kind in (ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.OTHER, ColumnKind.BINARY) and values:
        inside = _inside(place, view, values, common)
        if inside is not None:
            return inside
    return _of_table(place, column, view, is_key=False)


def _worth_a_look(store: str, table: str, columns: Mapping[str, Column], without: Collection[Place]) -> list[str]:
    kept = (name for name in columns if Place(store, table, name) not in without)
    return [name for name in kept if columns[name].kind in _SAMPLED]


def _is_key(column: Column, view: View) -> bool:
    if (column.name,) == view.table.primary_key:
        said = guess(column.name, view.table.name, view.context)
        return column.kind is not ColumnKind.TEXT or said is None or said.sure < 0.8  # an address may be a key
    if any(column.name in key.columns for key in view.table.foreign_keys):
        return True
    return (
        is_key_like(column.name)
        and column.kind in (ColumnKind.NUMBER, ColumnKind.UUID)
        and guess(column.name, view.table.name, view.context) is None
    )


def _said(column: Column, view: View) -> Guess | None:
    """What the name says, where a column of that kind can hold it."""
    said = guess(column.name, view.table.name, view.context)
    if said is None and view.subject in (Subject.ORGANISATION, Subject.WORK):
        elsewhere = guess(
            column.name, view.table.name, Subject.PERSON if view.subject is Subject.WORK else Subject.UNKNOWN
        )
        said = Guess(elsewhere.category, 0.4, elsewhere.words) if elsewhere else None
    if said is None or (column.kind is ColumnKind.BOOLEAN and said.category not in _SPECIAL):
        return None
    if column.kind is ColumnKind.TIME and said.category not in _OF_TIMES:
        return None
    if column.kind in (ColumnKind.NUMBER, ColumnKind.UUID) and said.category in _NEVER_NUMBERS:
        return None
    if said.category == "content.authored" and _FEEDBACK & set(map(singular, words(view.table.name))):
        return Guess("communication.feedback", said.sure, said.words)
    return said


def _told(column: Column, common: Common) -> tuple[Shape, float] | None:
    """The shape that tells a category by itself, and its share; None where no shape is common enough."""
    for shape in CATEGORY_OF:
        share = common.share(shape)
        needed, least = (0.8, 5) if shape is Shape.PHONE else (0.9, 10) if shape is Shape.CARD else (0.6, 3)
        if share < needed or common.values < least:
            continue
        if shape is Shape.PHONE and common.international < 0.5:
            continue
        if shape is Shape.IP and {"version", "release", "build", "revision"} & set(words(column.name)):
            continue
        return shape, share
    return None


def _by_values(
    place: Place, view: View, said: Guess | None, told: tuple[Shape, float], common: Common
) -> ColumnFinding:
    shape, share = told
    category = CATEGORY_OF[shape]
    agrees = said is not None and (said.category == category or shape in _EXPECTED.get(said.category, ()))
    if agrees and said is not None:
        category = said.category
        confidence = min(0.99, max(said.sure, 0.9) + 0.09 * share)
        rule = f'name "{said.words}"; {shape.value}'
    else:
        confidence = 0.8 + 0.12 * share
        rule = shape.value
    organisation = view.subject is Subject.ORGANISATION and category.startswith("contact.")
    if organisation:
        return ColumnFinding(
            place, Nature.UNSURE, category, 0.4, f"of an organisation; {rule}", None, share, common.values
        )
    return ColumnFinding(place, Nature.PERSONAL, category, round(confidence, 2), rule, None, share, common.values)


def _by_name(place: Place, said: Guess, common: Common, view: View) -> ColumnFinding:
    rule = f'name "{said.words}"'
    if said.sure < 0.5:
        why = "of an organisation" if view.subject is Subject.ORGANISATION else "of published works"
        return ColumnFinding(place, Nature.UNSURE, said.category, said.sure, f"{why}; {rule}")
    expected = _EXPECTED.get(said.category)
    if expected is None or not common.values:
        return ColumnFinding(place, Nature.PERSONAL, said.category, said.sure, rule, None, None, common.values)
    share = min(1.0, common.share(*expected))
    shown = f"{rule}; {expected[0].value}"
    sealed = common.share(*_SEALED) > 0.5
    if share < 0.2 and common.values >= 8 and said.category in _BELIED and not sealed:
        return ColumnFinding(place, Nature.UNSURE, said.category, 0.4, f"{shown} only", None, share, common.values)
    if said.category in _ONES_OWN and 0 < common.values <= _FEW and (view.table.rows or 0) >= 20 * common.values:
        return ColumnFinding(
            place, Nature.NOT_PERSONAL, None, 0.7, f"{rule}, but a few fixed words", None, None, common.values
        )
    confidence = said.sure + 0.07 * share if share >= 0.5 else said.sure - 0.1
    return ColumnFinding(
        place, Nature.PERSONAL, said.category, round(min(0.98, confidence), 2), shown, None, share, common.values
    )


def _inside(place: Place, view: View, values: Sequence[str], common: Common) -> ColumnFinding | None:
    """What stands inside JSON or running text. Keys of documents are data, too: none is ever shown."""
    context = Subject.PERSON if view.person or view.about else Subject.UNKNOWN
    for key, plain in patterns.keys_in_documents(values).items():
        told = _told(Column(key, "", ColumnKind.TEXT, nullable=True), patterns.in_common(plain))
        if told is not None:
            shape, share = told
            rule = f"{shape.value} inside JSON"
            return ColumnFinding(place, Nature.PERSONAL, CATEGORY_OF[shape], 0.85, rule, None, share, len(plain), True)
        said = guess(key, view.table.name, context)
        if said is not None and said.sure >= 0.85:
            return ColumnFinding(place, Nature.PERSONAL, said.category, 0.75, "the keys inside JSON", within=True)
    if common.share(Shape.NUMBER, Shape.UUID, Shape.HEX_DIGEST) > 0.5:  # one number in ten has a right check digit
        return None
    within = patterns.embedded(values)
    for shape in (Shape.EMAIL, Shape.CARD, Shape.IBAN, Shape.IP, Shape.JWT):
        share = within.get(shape, 0.0)
        if share >= 0.05 and len(values) >= 10:
            rule = f"{shape.value} inside texts"
            return ColumnFinding(place, Nature.UNSURE, CATEGORY_OF[shape], 0.45, rule, None, share, len(values), True)
    return None


def _of_table(place: Place, column: Column, view: View, *, is_key: bool) -> ColumnFinding:
    """What a column is when neither its name nor its values say: by its table."""
    points_at_thing = is_key and any(column.name in key.columns for key in view.table.foreign_keys)
    points_on = any(column.name in parent.columns for parent in view.parents)
    own_key = (column.name,) == view.table.primary_key or (is_key and not points_at_thing) or points_on
    if view.about and not view.person and not own_key and column.kind is not ColumnKind.BOOLEAN:
        if view.subject is Subject.TRANSACTION and (points_at_thing or not is_key_like(column.name)):
            return ColumnFinding(
                place, Nature.PERSONAL, "transaction.purchase", 0.6, "part of somebody's order or payment"
            )
        if view.subject is Subject.TRACE and column.kind is ColumnKind.TIME:
            return ColumnFinding(place, Nature.PERSONAL, "usage.visit_time", 0.6, "time of somebody's trace")
    return ColumnFinding(
        place, Nature.NOT_PERSONAL, None, 0.9 if is_key else 0.8, "a key" if is_key else "nothing speaks for it"
    )
