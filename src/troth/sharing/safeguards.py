"""What is done to data before a recipient gets them: the safeguard that the policy names, carried out.

- *tokens-only*: a number of a payment card anywhere in a row stops the whole batch.
- *masked*: identifying fields are cut down to a hint, and addresses, numbers and cards inside running text are covered.
- *anonymised*: no row leaves. Rows become groups, each with how many people and rows are in it; a group of fewer
  people than the policy's `smallest_group` is left out, so that no line is about one person (WP216: singling out), and
  so is one that an earlier batch can be subtracted from (`subtraction`). Where the policy names `noise`, the numbers
  leave with noise instead, and nothing exact does (`noise`).
  Kinds of data that name somebody by themselves cannot be grouped. Hashing is not anonymisation, and is not done here.
- *encrypted*: see `age`; it closes the finished stream.

Pure: columns go in, columns come out.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyroaring import BitMap

from troth.collection.validators import is_card_number
from troth.errors import GateClosed
from troth.policy.documents import nearest

SMALLEST_GROUP = 5
"""People that a group must have where the policy names no number."""

MOST_GROUPS = 100_000
PEOPLE, ROWS = "people", "rows"
"""The columns that a group comes with."""

_NAMES_SOMEBODY = frozenset(
    "contact account profile communication payment note content biometric genetic family".split()  # noqa: SIM905
) | {
    "device.id", "device.fingerprint", "device.cookie", "device.user_agent", "location.precise", "identity.national_id",
    "identity.passport", "identity.tax_number", "identity.licence", "transaction.billing_address", "usage.search",
}  # fmt: skip

_CARD = re.compile(r"[2-6](?<!\d.)(?:[ .\-]?\d){11,18}(?!\d)")
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<!\w)\+?\(?\d(?:[ ()./-]?\d){6,18}(?!\w)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_BETWEEN = "\x1f"
_SHAPE = bytes(ord("0") if each in b"0123456789" else ord("x") for each in range(256))
_TWELVE = b"0" * 12


# --- tokens only ------------------------------------------------------------------------------------------------------


def card_row(columns: Mapping[str, Sequence[Any]]) -> tuple[int, str] | None:
    """Where the first card number stands: the place of its row among these, and its column. None where there is none.

    All columns are looked at, those that would not leave as well.
    """
    texts = {name: [each if type(each) is str else str(each) for each in column] for name, column in columns.items()}
    if not any(_has_card(_BETWEEN.join(column)) for column in texts.values()):
        return None
    found = [(at, name) for name, column in texts.items() for at, each in enumerate(column) if _has_card(each)]
    return min(found, default=None)


def _has_card(text: str) -> bool:
    # without twelve digits that only blanks, dots and hyphens part there is no number: told faster than by the pattern
    if _TWELVE not in text.encode("utf-8", "replace").translate(_SHAPE, b" .-"):
        return False
    return any(is_card_number(match[0].replace(".", "")) for match in _CARD.finditer(text))


# --- masked -----------------------------------------------------------------------------------------------------------


def masked(category: str, column: Iterable[Any]) -> list[Any]:
    """The values of a column of this kind, cut down to what somebody at a help desk needs to recognise them."""
    mask = _MASKS.get(category, _mask_text)
    return [None if value is None else mask(str(value)) for value in column]


def _mask_email(text: str) -> str:
    return f"{text[:1]}***" if "@" in text else _mask_text(text)


def _mask_phone(text: str) -> str:
    return f"***{text.strip()[-2:]}" if text.strip() else ""


def _mask_name(text: str) -> str:
    return " ".join(f"{part[:1]}." for part in text.split())


def _mask_all(text: str) -> str:
    return "***" if text else ""


def _mask_text(text: str) -> str:
    return _NUMBER.sub("[number]", _EMAIL.sub("[address]", text))


_MASKS: Mapping[str, Callable[[str], str]] = {
    "contact.email": _mask_email,
    "account.username": _mask_email,
    "contact.phone": _mask_phone,
    "contact.fax": _mask_phone,
    "profile.name": _mask_name,
    "contact.address": _mask_all,
    "transaction.billing_address": _mask_all,
    "account.password": _mask_all,
    "payment.card_number": _mask_all,
    "payment.card_code": _mask_all,
    "payment.bank_account": _mask_all,
    "identity.birth_date": _mask_all,
    "identity.national_id": _mask_all,
    "identity.passport": _mask_all,
    "identity.tax_number": _mask_all,
}


# --- anonymised -------------------------------------------------------------------------------------------------------


def generaliser(name: str) -> Callable[[Any], Any]:
    """What makes a value coarser: `year`, `month`, `day`, `hour`, `network`, `band-N` (numbers), `first-N` (letters).

    Raises: GateClosed for another name.
    """
    word, _, size = name.partition("-")
    if name in _TIMES:
        return _times(_TIMES[name])
    if name == "network":
        return _network
    if word in {"band", "first"} and size.isdigit() and int(size):
        return _band(int(size)) if word == "band" else lambda value: str(value)[: int(size)]
    known = (*_TIMES, "network", "band-10", "first-2")
    raise GateClosed(
        f'"{name[:40]}" makes nothing coarser', expected=f"one of: {', '.join(known)}", nearest=nearest(name, known)
    )


_TIMES = {"year": 4, "month": 7, "day": 10, "hour": 13}


def _times(length: int) -> Callable[[Any], Any]:
    def cut(value: Any) -> Any:
        text = value.isoformat() if isinstance(value, date) else str(value)
        return text[:length].replace("T", " ") if text[4:5] == "-" else "unknown"

    return cut


def _network(value: Any) -> str:
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((str(value), 24 if address.version == 4 else 48), strict=False))


def _band(size: int) -> Callable[[Any], Any]:
    def cut(value: Any) -> Any:
        try:
            low = int(float(value) // size * size)
        except (TypeError, ValueError, OverflowError):
            return "unknown"
        return f"{low} to {low + size - 1}"

    return cut


def require_groupable(categories: Mapping[str, str]) -> None:
    """Make sure that none of the columns' kinds names somebody by itself, and none is called as what groups come with.

    Raises: GateClosed.
    """
    for name, category in categories.items():
        if name in {PEOPLE, ROWS}:
            raise GateClosed(
                f"groups come with a column {name} of their own; nothing has left",
                where=f"column {name}",
                repair="Give the column another name, or leave it out.",
            )
        if category in _NAMES_SOMEBODY or category.partition(".")[0] in _NAMES_SOMEBODY:
            raise GateClosed(
                f"{category} names somebody by itself and cannot be made anonymous by grouping",
                where=f"column {name}",
                repair="Leave the column out, or give it another kind if it holds something else.",
            )


@dataclass(slots=True)
class Groups:
    """Rows counted by what stands in their columns; memory grows with the number of groups, not of rows."""

    names: tuple[str, ...]
    coarser: Mapping[str, Callable[[Any], Any]]
    smallest: int
    _people: dict[tuple[Any, ...], BitMap] = field(default_factory=lambda: defaultdict(BitMap), repr=False)
    _rows: dict[tuple[Any, ...], int] = field(default_factory=lambda: defaultdict(int), repr=False)

    def take(self, columns: Sequence[Sequence[Any]], numbers: Sequence[int]) -> None:
        """Count these rows; `numbers` says whose each is. Raises: GateClosed for more groups than are useful."""
        cut = [self._cut(name, column) for name, column in zip(self.names, columns, strict=True)]
        found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for key, number in zip(zip(*cut, strict=True), numbers, strict=True):
            found[key].append(number)
        for key, whose in found.items():
            self._people[key].update(whose)
            self._rows[key] += len(whose)
        if len(self._people) > MOST_GROUPS:
            raise GateClosed(
                f"the columns make more than {MOST_GROUPS} groups, almost one for each row",
                repair="Make a column coarser, such as `at=usage.interaction:day`, or leave one out.",
            )

    def all(self) -> Mapping[tuple[Any, ...], BitMap]:
        """Every group, and who is in it."""
        return self._people

    def large(self) -> dict[tuple[Any, ...], BitMap]:
        """The groups that are large enough, and who is in each."""
        return {key: people for key, people in self._people.items() if len(people) >= self.smallest}

    def kept(self, staying: frozenset[tuple[Any, ...]] = frozenset()) -> tuple[list[Sequence[Any]], BitMap, int, int]:
        """The columns of the groups that leave, who is in them, and how many rows were left out: of groups that are too
        small, and of those that are `staying` for another reason.
        """
        large = self.large()
        columns, everybody = self.named(
            {key: len(people) for key, people in large.items() if key not in staying}, large
        )
        columns.append([self._rows[key] for key in zip(*columns[:-1], strict=True)])
        small = sum(count for key, count in self._rows.items() if key not in large)
        return columns, everybody, small, sum(self._rows[key] for key in staying)

    def named(
        self, numbers: Mapping[tuple[Any, ...], int], people: Mapping[tuple[Any, ...], BitMap]
    ) -> tuple[list[Sequence[Any]], BitMap]:
        """The columns of these groups in order, the last with the number that is told of each; and who is in them."""
        keys = sorted(numbers, key=lambda key: tuple(map(str, key)))
        everybody = BitMap.union(*(people[key] for key in keys)) if keys else BitMap()
        columns: list[Sequence[Any]] = [[key[at] for key in keys] for at in range(len(self.names))]
        return [*columns, [numbers[key] for key in keys]], everybody

    def _cut(self, name: str, column: Sequence[Any]) -> Iterator[Any]:
        return map(self.coarser.get(name, _to_the_day), column)


def _to_the_day(value: Any) -> Any:
    """A time to the day, where nothing else was asked for: to the second it is one person's almost always."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return value[:10] if type(value) is str and _TIME.match(value) else value
