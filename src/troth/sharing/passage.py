"""One batch while it passes the gate: what is dropped is dropped, who is refused stays, the rest is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

from pyroaring import BitMap

from troth.errors import GateClosed
from troth.foundation.age import Sink
from troth.foundation.people import Kind
from troth.policy.noise import Noise
from troth.policy.vocabulary import Circumstance, Safeguard
from troth.sharing import safeguards, streams
from troth.sharing.admission import Admission
from troth.sharing.disclosures import HeldBack
from troth.sharing.noise import Measurement, bounded, secret_of
from troth.sharing.safeguards import Groups
from troth.sharing.streams import Batch, Writer
from troth.sharing.subtraction import Counting, Telling, too_near
from troth.sharing.words import Form

if TYPE_CHECKING:
    from troth.use.office import Office

KEY = "person"
"""The column under which people leave: a name for each for this recipient only, which means nothing outside."""


@dataclass(frozen=True, slots=True)
class Order:
    """What may leave: to whom, why, which kinds of data, how protected. Made of the policy, or of a demand."""

    recipient: str
    purpose: str
    reason: Circumstance
    categories: tuple[str, ...]
    safeguard: Safeguard | None = None
    smallest_group: int = safeguards.SMALLEST_GROUP
    noise: Noise | None = None
    host: str | None = None
    demand: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows are made: which column says whose a row is, and what kind of data each other column holds.

    `coarser` names for a column what makes its values coarser (`safeguards.generaliser`).
    """

    person: str
    columns: Mapping[str, str]
    kind: Kind = Kind.ID
    coarser: Mapping[str, str] = field(default_factory=dict)


class Passage:
    """One batch while it passes: what is dropped is dropped, who is refused stays, the rest is written."""

    def __init__(  # noqa: PLR0917 - its parts, in the order in which rows meet them
        self,
        order: Order,
        shape: Shape,
        leaving: Mapping[str, str],
        form: Form,
        file: Sink,
        admission: Admission,
        *,
        strict: bool,
        measurement: Measurement | None = None,
    ) -> None:
        self.admission = admission
        self.rows = 0
        self._order, self._shape, self._leaving, self._strict = order, shape, leaving, strict
        self._dropped = set(shape.columns) - set(leaving)
        self._small_groups = self._near_groups = 0
        self.telling: Telling | None = None
        self._measurement = measurement
        self._groups: Groups | None = None
        names = tuple(leaving)
        if order.safeguard is Safeguard.ANONYMISED:
            coarser = {name: safeguards.generaliser(word) for name, word in shape.coarser.items()}
            self._groups = Groups(names, coarser, order.smallest_group)
            names = (*names, safeguards.PEOPLE, *([] if measurement else [safeguards.ROWS]))
        else:
            self._coarser = {name: safeguards.generaliser(word) for name, word in shape.coarser.items()}
            names = (_key_column(names), *names)
        self._writer: Writer = streams.writer(form, names, file)

    def take(self, batch: Batch) -> None:
        self._look(batch)
        whose = batch.columns[self._shape.person]
        columns = [batch.columns[name] for name in self._leaving]
        if self._groups is not None:
            codes = self.admission.codes(whose)
            if min(codes, default=1) <= 0:
                passing = [code > 0 for code in codes]
                codes = list(compress(codes, passing))
                columns = [list(compress(column, passing)) for column in columns]
            self._groups.take(columns, codes)
            return
        names: list[Any] = self.admission.names(whose)
        if None in names:
            columns = [list(compress(column, names)) for column in columns]
            names = list(filter(None, names))
        if not names:
            return
        for at, (name, category) in enumerate(self._leaving.items()):
            if name in self._coarser:
                columns[at] = list(map(self._coarser[name], columns[at]))
            if self._order.safeguard is Safeguard.MASKED:
                columns[at] = safeguards.masked(category, columns[at])
        self._writer.write([names, *columns])
        self.rows += len(names)

    def finish(self, office: Office) -> BitMap:
        """Write what waits until the end; gives the people whose data leave."""
        people = self.admission.passed
        if self._groups is not None:
            if self._order.noise is None:
                columns, people = self._exact(office, self._groups)
            else:
                columns, people = self._noisy(office, self._groups, self._order.noise)
            self._writer.write(columns)
            self.rows = len(columns[0])
        self._writer.close()
        return people

    def _exact(self, office: Office, groups: Groups) -> tuple[list[Sequence[Any]], BitMap]:
        coarser = {name: self._shape.coarser[name] for name in self._leaving if name in self._shape.coarser}
        counting = Counting(self._order.recipient, groups.names, self._leaving, coarser)
        with office.store.reading() as tx:
            near, self.telling = too_near(tx, office.keyring, counting, groups.large(), self._order.smallest_group)
        columns, people, self._small_groups, self._near_groups = groups.kept(near)
        return columns, people

    def _noisy(self, office: Office, groups: Groups, noise: Noise) -> tuple[list[Sequence[Any]], BitMap]:
        # INVARIANT: groups that are declared to come with noise leave by a measurement or not at all
        assert self._measurement is not None
        people = bounded(groups.all(), noise.groups, secret_of(office, self._order.recipient))
        return groups.named(self._measurement.tell({key: len(each) for key, each in people.items()}), people)

    def held_back(self) -> HeldBack:
        refused = {reason.value: count for reason, count in self.admission.refused.items()}
        return HeldBack(tuple(sorted(self._dropped)), refused, self._small_groups, self._near_groups)

    def _look(self, batch: Batch) -> None:
        """Rules about the batch as it came. Raises: GateClosed."""
        missing = [name for name in (self._shape.person, *self._leaving) if name not in batch.columns]
        if missing:
            raise GateClosed(
                f"the rows have no column {', '.join(missing)[:200]}; nothing has left",
                where=f"row {batch.first}",
                expected=f"the columns {', '.join((self._shape.person, *self._shape.columns))[:400]}",
            )
        unnamed = set(batch.columns) - set(self._shape.columns) - {self._shape.person}
        if unnamed and self._strict:
            raise not_declared(self._order, sorted(unnamed))
        self._dropped |= unnamed
        if self._order.safeguard is Safeguard.TOKENS_ONLY:
            found = safeguards.card_row(batch.columns)
            if found is not None:
                raise GateClosed(
                    "the number of a payment card stands there, and this recipient gets tokens only; nothing has left",
                    where=f"row {batch.first + found[0]}, column {found[1][:60]}",
                    repair="Take it out where it comes from, then share again.",
                )


def not_declared(order: Order, names: Sequence[str]) -> GateClosed:
    return GateClosed(
        f"columns that are not declared for it: {', '.join(names)[:200]}; nothing has left",
        where=order.recipient,
        expected=f"columns of {', '.join(order.categories)} only",
        repair="Leave them out, or share without --strict, which drops them.",
    )


def _key_column(names: Sequence[str]) -> str:
    return KEY if KEY not in names else f"{KEY}_key"
