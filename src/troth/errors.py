"""Every error troth raises, as one family.

TrothError
├── DeclarationError        a file the company wrote cannot be used
│   ├── UnreadableFile      missing, binary, empty, too large, too deep, not YAML
│   ├── DeclarationFaults   the file was read; everything wrong with it, told at once
│   └── UnknownName         a name that is not declared (purpose, category, clause, store, ...)
├── RecordsError            a company's store did not answer as its map says
│   ├── StoreUnreachable    no connection, wrong password, time limit passed
│   ├── PlaceMissing        the map names a table or column that is gone
│   ├── ErasureRefused      the map's ends do not fit the live tables: every reason at once
│   ├── IndexMissing        erasing would read whole tables again for every row
│   ├── LimitPassed         more rows than one run may touch; nothing was changed
│   ├── RuleBroken          a rule of the store forbids the change; nothing was changed
│   └── ErasureUnsettled    somebody goes on writing rows of a person who is being erased
├── NetworkUnreachable      a probe could not reach the host it looks at
├── StoreError              troth's own store
│   ├── StoreBehind         its schema is older than this version: `troth upgrade`
│   ├── StoreAhead          its schema is newer than this version
│   └── StoreConflict       a unique or foreign key forbids the row: somebody else was first
├── KeyUnavailable          no key, or a key file others can read
├── ProofInvalid            a signature, a checkpoint or a proof of a ledger does not hold
├── PersonError
│   ├── PersonUnknown       nobody of that identifier
│   └── PersonAmbiguous     identifiers lead to different people: stop and ask
├── RequestError            a request under a right cannot go on like this
│   ├── RequestUnknown      there is no request of that number
│   ├── MoveRefused         it stands where this cannot be done
│   ├── KeyReused           an idempotency key came again with another body
│   └── ReleaseNeeded       a copy holds what staff have to decide about first
├── GuardClosed             a guard of destructive runs stands in the way
│   ├── MapUnapproved       nobody answers for this data map
│   ├── WritingPaused       `troth pause` stands
│   ├── HeldBack            a hold keeps what was to go
│   ├── PlanChanged         the plan is another than the one that was approved
│   └── GateClosed          the gate of section 4 let nothing out
├── HoldRefused             a hold that is not whole, or that does not stand
├── DemandRefused           the demand of an authority that is not whole, or not where this can be done
├── TransferRefused         the transfer of a business that is not where this can be done
├── RowsUnreadable          a batch that was to be shared cannot be read
├── DeliveryFailed          a recipient did not take what was sent
├── NaiveTimeError          a time without a zone
├── Refused                 `require()`: the decision was no
└── AccessDenied            the caller may not do this

A message says what is wrong, where, what was expected and found, and what to do. No message, at any level,
holds personal data: it names the record, never the value.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath


class TrothError(Exception):
    """Something is wrong."""

    def __init__(
        self,
        message: str | None = None,
        *,
        where: str | None = None,
        expected: str | None = None,
        nearest: str | None = None,
        repair: str | None = None,
    ) -> None:
        self.message = message if message is not None else inspect.cleandoc(type(self).__doc__ or "").split("\n")[0]
        self.where = where
        self.expected = expected
        self.nearest = nearest
        self.repair = repair
        super().__init__(self.message)

    def __str__(self) -> str:
        """One line: the place, then what is wrong, then what to do."""
        parts = [f"{self.where}: {self.message}" if self.where else self.message]
        if (self.expected or self.nearest or self.repair) and parts[0][-1:] not in ".!?":
            parts[0] += "."
        if self.expected:
            parts.append(f"Expected {self.expected}.")
        if self.nearest:
            parts.append(f'Did you mean "{self.nearest}"?')
        if self.repair:
            parts.append(self.repair)
        return " ".join(parts)

    def diagnostics(self) -> str:
        """The long form for a terminal: one fact a line, indented under the first."""
        lines = [f"{self.where}  {self.message}" if self.where else self.message]
        if self.expected:
            lines.append(f"Expected {self.expected}.")
        if self.nearest:
            lines.append(f'Did you mean "{self.nearest}"?')
        if self.repair:
            lines.append(self.repair)
        return "\n  ".join(lines)


def kind_and_place(problem: BaseException) -> str:
    """`KeyError at tidying.py:24`: what can be told of an error whose message may hold a value."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"{type(problem).__name__} at {place}"


class DeclarationError(TrothError):
    """A file that the company wrote cannot be used."""


class UnreadableFile(DeclarationError):
    """The file is not a text that troth can read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file, with its place; lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str
    expected: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        lines = [f"{place}  {self.path}: {self.message}" if self.path else f"{place}  {self.message}"]
        indent = " " * (len(place) + 2)
        if self.expected:
            lines.append(f"{indent}Expected {self.expected}.")
        if self.nearest:
            lines.append(f'{indent}Did you mean "{self.nearest}"?')
        return "\n".join(lines)


class DeclarationFaults(DeclarationError):
    """The file has faults; all of them are told at once, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column)))
        count = len(self.faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''}", where=self.faults[0].file if faults else None)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)

    def diagnostics(self) -> str:
        return str(self)


class UnknownName(DeclarationError):
    """A name that is not declared."""


class RecordsError(TrothError):
    """A store of the company did not answer as its map says."""


class StoreUnreachable(RecordsError):
    """The store could not be reached, or did not answer within its time limit."""


class PlaceMissing(RecordsError):
    """The data map names a table or column that the store does not have."""


class ErasureRefused(RecordsError):
    """What the map says about the end of rows cannot be done in the store as it is; all reasons are told at once."""

    def __init__(self, reasons: Sequence[str], *, where: str | None = None) -> None:
        self.reasons = tuple(reasons)
        count = len(self.reasons)
        super().__init__(f"{count} reason{'s' if count != 1 else ''} against erasing here", where=where)

    def __str__(self) -> str:
        return "\n".join([f"{self.where}: {self.message}", *(f"  {reason}" for reason in self.reasons)])

    def diagnostics(self) -> str:
        return str(self)


class IndexMissing(ErasureRefused):
    """An index is missing without which erasing would read whole tables, some of them again for every row.

    `statements` make them, in the store's own words.
    """

    def __init__(self, reasons: Sequence[str], statements: Sequence[str], *, where: str | None = None) -> None:
        self.statements = tuple(statements)
        super().__init__(reasons, where=where)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), "Run:", *(f"  {statement}" for statement in self.statements)])


class LimitPassed(RecordsError):
    """More rows would be touched than one run may; nothing was changed."""


class RuleBroken(RecordsError):
    """A rule of the store forbids the change; nothing was changed."""


class ErasureUnsettled(RecordsError):
    """Rows of the person are written faster than they are erased; the erasure stays pending."""


class NetworkUnreachable(TrothError):
    """The host could not be reached."""


class StoreError(TrothError):
    """troth's own store cannot be used."""


class StoreBehind(StoreError):
    """The store is older than this version of troth; run `troth upgrade`."""


class StoreAhead(StoreError):
    """The store was written by a newer version of troth."""


class StoreConflict(StoreError):
    """The store holds such a row already, or the row it leads to is gone; nothing was written."""


class KeyUnavailable(TrothError):
    """There is no key to work with."""


class ProofInvalid(TrothError):
    """The proof does not hold."""


class PersonError(TrothError):
    """The person meant could not be settled."""


class PersonUnknown(PersonError):
    """Nobody is known by that identifier."""


class PersonAmbiguous(PersonError):
    """The identifiers lead to different people; nothing was done."""


class RequestError(TrothError):
    """A request under a right cannot go on like this; nothing was done."""


class RequestUnknown(RequestError):
    """There is no request of that number."""


class MoveRefused(RequestError):
    """The request stands where this cannot be done; nothing was done."""


class KeyReused(RequestError):
    """The same idempotency key came with another body; nothing was done."""


class ReleaseNeeded(RequestError):
    """The copy holds values about other people that staff have not decided about; it was not made."""


class GuardClosed(TrothError):
    """A guard of destructive runs stands in the way; nothing was changed."""


class MapUnapproved(GuardClosed):
    """Nobody has approved this data map; nothing is changed by it."""


class WritingPaused(GuardClosed):
    """Writing into the company's stores is paused; nothing was changed."""


class HeldBack(GuardClosed):
    """A hold keeps what was to go; nothing was changed, and it goes on when the hold is lifted."""


class PlanChanged(GuardClosed):
    """The plan is another than the one that was approved; nothing was changed."""


class GateClosed(GuardClosed):
    """The gate stays closed; nothing has left."""


class RowsUnreadable(TrothError):
    """The rows cannot be read; nothing has left."""


class DeliveryFailed(TrothError):
    """The recipient did not take what was sent."""


class HoldRefused(TrothError):
    """A hold that is not whole, or that does not stand; nothing was done."""


class DemandRefused(TrothError):
    """The demand of an authority is not whole, or does not stand where this can be done; nothing was done."""


class TransferRefused(TrothError):
    """The transfer of a business does not stand where this can be done; nothing was done."""


class NaiveTimeError(TrothError):
    """A time without a time zone; an instant is needed."""


class Refused(TrothError):
    """The decision was no."""


class AccessDenied(TrothError):
    """The caller may not do this."""
