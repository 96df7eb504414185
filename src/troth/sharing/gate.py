"""The gate: the only way in which personal data leave.

What does not pass every one of these stays:

1. The recipient is declared for the purpose, under a contract that is not over.          (GDPR Art. 13(1)(e), 28(3))
2. Sharing is not paused.
3. Only kinds of data leave that are declared for this recipient and purpose; other columns are dropped, or with
   `strict` the batch is refused.                                                          (Art. 5(1)(b), (c))
4. Only rows of people leave who may be used for it now: no objection, restriction or withdrawal stands. Where they
   leave because people agreed, the consent of each must name this recipient and these kinds of data.
5. The safeguard that the policy names is carried out; see `safeguards`. Where figures leave with `noise`, all that the
   recipient is told of any one person stays within its budget.                            (Art. 25, 32)
6. A record with its ledger entry stands before the first byte leaves; its end is recorded after.   (Art. 5(2), 30)

The whole batch is read, decided and written to an unfinished file first: what is found in its last row stops its first.
Then everybody in it is decided once more, in the transaction of the record. A store that cannot be reached lets nothing
out.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from troth.errors import GateClosed, KeyUnavailable, UnknownName
from troth.foundation import age
from troth.foundation.age import Sink
from troth.foundation.guards import pausing
from troth.policy.documents import nearest
from troth.policy.vocabulary import CATEGORIES, Circumstance, Safeguard
from troth.sharing import disclosures, noise, recipients, recording, safeguards, streams
from troth.sharing.admission import Admission
from troth.sharing.delivery import Destination, deliver, destination_of
from troth.sharing.disclosures import Disclosure
from troth.sharing.noise import Measurement
from troth.sharing.passage import Order, Passage, Shape, not_declared
from troth.sharing.recording import Leaving
from troth.sharing.spool import Spool
from troth.sharing.streams import Batch
from troth.sharing.subtraction import still_apart
from troth.sharing.words import Form

if TYPE_CHECKING:
    from troth.policy.settings import Instance
    from troth.use.office import Office

_DECLARED = frozenset({Circumstance.PROCESSOR, Circumstance.CONSENT})
"""Reasons for which the policy names the recipient."""

_LETTERS = bytes.maketrans(b"0123456789abcdef", b"bcdfghjkmnpqrstv")


class Gate:
    """One instance's gate. Safe to share between threads."""

    def __init__(self, office: Office, instance: Instance) -> None:
        self._office = office
        self._instance = instance

    def share(
        self,
        recipient: str,
        purpose: str,
        rows: Iterable[Mapping[str, Any]] | Iterator[Batch],
        *,
        shape: Shape,
        to: str | Path | IO[bytes],
        form: Form = Form.JSONL,
        strict: bool = False,
    ) -> Disclosure:
        """Give `rows` to a recipient that the policy names, as far as they may go; gives the record of it.

        Raises: UnknownName for a recipient, purpose or kind of data that is not declared; GateClosed for what stops the
        batch; KeyUnavailable where it should be encrypted and there is no key; RowsUnreadable; DeliveryFailed when the
        recipient did not take it; StoreError. But for DeliveryFailed, nothing has left then.
        """
        registered = recipients.load(self._office.policy, recipient, purpose)
        recipients.require_contract(registered, self._office.clock.now().date())
        order = Order(
            registered.name,
            purpose,
            registered.circumstance,
            registered.categories,
            registered.safeguard,
            registered.smallest_group or safeguards.SMALLEST_GROUP,
            registered.noise,
            registered.recipient.host,
        )
        return self.carry(order, rows, shape=shape, to=to, form=form, strict=strict)

    def carry(
        self,
        order: Order,
        rows: Iterable[Mapping[str, Any]] | Iterator[Batch],
        *,
        shape: Shape,
        to: str | Path | IO[bytes],
        form: Form = Form.JSONL,
        strict: bool = False,
    ) -> Disclosure:
        """As `share`, for an order that is made already."""
        office = self._office
        pausing.require_running(office.store)
        destination = destination_of(to, order.host, self._instance.folder)
        leaving = self._leaving(order, shape, strict=strict)
        key = self._key(order)
        measurement = self._measurement(order)
        with Spool(destination.path) as spool:
            sealing = age.Sealing(spool, key) if key else None
            below: Sink = sealing or spool
            passage = Passage(order, shape, leaving, form, below, Admission(
                office, order.purpose, tuple(dict.fromkeys(leaving.values())), _checked_recipient(order), shape.kind,
                name=_naming(office, order),
                on_consent=order.reason is Circumstance.CONSENT,
            ), strict=strict, measurement=measurement)  # fmt: skip
            for batch in _batches(rows):
                passage.take(batch)
            people = passage.finish(office)
            if sealing is not None:
                sealing.close()
            spool.settle()
            ready = Leaving(
                order.recipient, order.purpose, order.reason, order.safeguard, destination.text, spool.token, form,
                passage.rows, people, leaving, passage.held_back(), spool.size, spool.sha256, order.demand,
                passage.telling, order.noise,
            )  # fmt: skip
            with office.deed() as tx:
                if not passage.admission.unchanged(tx):
                    raise GateClosed(
                        "somebody in the batch said no while it was read; nothing has left", repair="Share it again."
                    )
                if passage.telling is not None and not still_apart(tx, order.recipient, passage.telling):
                    raise GateClosed(
                        "another batch went to it while this one was counted; nothing has left",
                        repair="Share it again.",
                    )
                number = recording.begin(tx, office, ready)
            self._let_out(spool, destination, number)
        with office.store.reading() as tx:
            made = disclosures.find(tx, number)
        assert made is not None
        return made

    def _let_out(self, spool: Spool, destination: Destination, number: int) -> None:
        """Let the batch go, and record how that ended. A fault of ours leaves it begun, for `settle`."""
        outcome, problem = deliver(spool, destination, self._instance)
        with self._office.deed() as tx:
            recording.end(tx, self._office, number, outcome)
        if problem is not None:
            raise problem

    def _leaving(self, order: Order, shape: Shape, *, strict: bool) -> dict[str, str]:
        """The columns that may leave, with their kinds. Raises: UnknownName, GateClosed."""
        for name, category in shape.columns.items():
            if category not in CATEGORIES:
                raise UnknownName(
                    f'"{category[:60]}" is no kind of data',
                    where=f"column {name}",
                    nearest=nearest(category, CATEGORIES),
                )
        table = self._office.compiled.table
        permitted = {
            category
            for category in order.categories
            if order.reason not in _DECLARED or (order.purpose, category, order.recipient) in table
        }
        leaving = {name: category for name, category in shape.columns.items() if category in permitted}
        over = sorted(set(shape.columns) - set(leaving))
        if strict and over:
            raise not_declared(order, over)
        if not leaving:
            raise GateClosed(
                "none of the columns may go to this recipient; nothing has left",
                where=order.recipient,
                expected=f"columns of {', '.join(order.categories)}",
            )
        if order.safeguard is Safeguard.ANONYMISED:
            safeguards.require_groupable(leaving)
        return leaving

    def _measurement(self, order: Order) -> Measurement | None:
        """What tells the groups with noise, where it is declared. Raises: GateClosed, also when the budget is spent."""
        if order.noise is None:
            if order.reason in _DECLARED and recipients.noise_of(self._office.policy, order.recipient) is not None:
                raise GateClosed(
                    "the policy says that it gets figures with noise, and these have none; nothing has left",
                    where=order.recipient,
                )
            return None
        if order.safeguard is not Safeguard.ANONYMISED:
            raise GateClosed("noise is for groups, and these are rows; nothing has left", where=order.recipient)
        with self._office.store.reading() as tx:
            noise.require_paid(tx, order.recipient, order.noise)
        return noise.measurement(order.noise, order.smallest_group)

    def _key(self, order: Order) -> str | None:
        if order.safeguard is not Safeguard.ENCRYPTED:
            return None
        key = self._instance.settings.sharing.keys.get(order.recipient)
        if key is None:
            raise KeyUnavailable(
                "the policy says that this recipient gets data encrypted, and no key of theirs is known",
                where=order.recipient,
                repair="Name their public key under [sharing.keys] in troth.toml.",
            )
        age.require_key(key)
        return key


def _batches(rows: Iterable[Mapping[str, Any]] | Iterator[Batch]) -> Iterator[Batch]:
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return
    if isinstance(first, Batch):
        yield first
        yield from waiting  # type: ignore[misc] # all are, when the first is
    else:
        yield from streams.of_rows(_with(first, waiting))


def _with(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def pseudonym(office: Office, recipient: str, number: int) -> str:
    """As the recipient knows a person: what stands in the column `person` of their rows."""
    return _pseudonym(office, recipient.encode() + b"\0", number)


def _naming(office: Office, order: Order) -> Callable[[int], str]:
    """What people in a batch are called; in groups nobody is."""
    if order.safeguard is Safeguard.ANONYMISED:
        return str
    return partial(_pseudonym, office, order.recipient.encode() + b"\0")


def _pseudonym(office: Office, recipient: bytes, number: int) -> str:
    """The name of a person for this recipient alone: two recipients cannot put theirs together.

    Letters only: digits in a row would be taken for the number of a card sooner or later.
    """
    made = office.keyring.pseudonym("recipient person", recipient + number.to_bytes(8, "big"))
    return hexlify(made).translate(_LETTERS).decode()


def _checked_recipient(order: Order) -> str | None:
    """Whom decisions are asked about: recipients of the register; others are settled by what the order rests on."""
    return order.recipient if order.reason in _DECLARED else None
