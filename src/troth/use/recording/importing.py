"""Bring consents that a company has already, from a CSV file, with where they come from.

1. The whole file is read and judged first; every faulty line is named with what is wrong, and then nothing is written.
2. Each line becomes one word of its person, with source, hash of the file and line as provenance.
3. Only what names the words agreed to is taken as given. A consent without them cannot be shown (GDPR Art. 7(1)): it is
   recorded as `unknown`, permits nothing, and the person has to be asked anew.
4. All of a file or nothing; a file that is brought again writes nothing twice.

Columns: who (`id`, `email`, `phone` or `key`, one or several), `at` (when, with its zone; a date alone is its first
moment in UTC), and optionally `word` (given, refused, withdrawn, ...; given without it), `purpose`, `text` (the words
agreed to), `until` (when it ends, at the latest), `language`, `method`; `source` is read over, since it is named for
the whole file. Messages name lines and columns, never values.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from troth.errors import Fault, PersonAmbiguous, PersonError, TrothError, UnknownName, UnreadableFile
from troth.foundation.clock import in_utc
from troth.foundation.people import Kind, PersonNumber
from troth.foundation.store import hold
from troth.use import agreements, consent, standing
from troth.use.agreements import Wording
from troth.use.office import AHEAD, Office, known_method
from troth.use.stopping.suppression import known_source
from troth.use.tables import consent_events
from troth.use.words import Consent

LARGEST = 512 * 1024 * 1024
MOST_FAULTS = 1_000
_BATCH = 2_000
_WHO = tuple(kind.value for kind in Kind)
_KNOWN = frozenset({*_WHO, "at", "until", "word", "purpose", "text", "language", "method", "source"})
_WORDS = {one.value: one for one in Consent}
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, read: whom it names, and what they said."""

    number: int
    person: Mapping[str, str] = field(repr=False)
    purpose: str
    event: Consent
    at: datetime
    until: datetime | None
    text: str | None
    language: str
    method: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do: lines by what becomes of them, and every fault. Nothing is written while there are faults.

    `unproven` of the new ones name no words that were agreed to.
    """

    sha256: str
    source: str
    lines: int
    new: int
    known: int
    unproven: int
    by_word: Mapping[str, int]
    faults: tuple[Fault, ...] = field(default=())
    more_faults: int = 0

    @property
    def sound(self) -> bool:
        return not self.faults


def plan(office: Office, file: Path, *, source: str, purpose: str | None = None, text: str | None = None) -> Plan:
    """Read and judge a whole file; writes nothing. `text`: the words agreed to, for lines that do not say them.

    Raises: UnreadableFile; TrothError for a source that is no name; UnknownName for a purpose; StoreError.
    """
    return _Import(office, file, source, purpose, text).judge()[0]


def carry_out(office: Office, file: Path, *, source: str, purpose: str | None = None, text: str | None = None) -> Plan:
    """Judge the file, then write all of it in one deed; with a fault, nothing. Gives what was done. Raises as
    `plan`.
    """
    work = _Import(office, file, source, purpose, text)
    found, lines = work.judge()
    if found.sound and found.new:
        work.write(found, lines)
    return found


class _Import:
    """One file on its way in."""

    def __init__(self, office: Office, file: Path, source: str, purpose: str | None, text: str | None) -> None:
        self.office, self.file, self.source = office, file, known_source(source)
        self.purpose, self.words = purpose, text
        self.wordings = consent.wordings(office)
        if purpose is not None:
            self._wording(purpose)
        self.faults: list[Fault] = []
        self.more = 0

    def judge(self) -> tuple[Plan, list[tuple[Line, PersonNumber]]]:
        """Every line read, its person found, and what is on record already left out."""
        data = _bytes_of(self.file)
        lines = list(self._lines(data))
        sha256 = hashlib.sha256(data).hexdigest()
        with self.office.store.reading() as tx:
            found = list(self._found(tx, lines))
            fresh = self._fresh(tx, found)
        return (
            Plan(
                sha256=sha256,
                source=self.source,
                lines=len(lines),
                new=len(fresh),
                known=len(found) - len(fresh),
                unproven=sum(line.event is Consent.UNKNOWN for line, _ in fresh),
                by_word=dict(Counter(line.event.value for line, _ in fresh)),
                faults=tuple(self.faults),
                more_faults=self.more,
            ),
            fresh,
        )

    def write(self, found: Plan, lines: list[tuple[Line, PersonNumber]]) -> None:
        """Write all, oldest first, unless somebody brought the same meanwhile."""
        with self.office.deed() as tx:
            hold(tx, "consent import")
            fresh = sorted(self._fresh(tx, lines), key=lambda each: (each[0].at, each[0].number))
            for start in range(0, len(fresh), _BATCH):
                rows = [self._row(found, line, person) for line, person in fresh[start : start + _BATCH]]
                agreed = {wording for wording, _ in rows if isinstance(wording, Wording)}
                consent.keep_wordings(tx, agreed)
                consent.insert(tx, self.office, [row for _, row in rows])

    def _row(self, found: Plan, line: Line, person: PersonNumber) -> tuple[Wording | str, dict[str, Any]]:
        wording: Wording | str = self.wordings.get(line.purpose, line.purpose)
        more: dict[str, Any] = {
            "source": self.source,
            "source_sha256": bytes.fromhex(found.sha256),
            "source_line": line.number,
        }
        if isinstance(wording, Wording) and line.text is not None:
            wording = agreements.brought(wording, line.text) if line.text != wording.text else wording
        elif line.text is None and line.event in {Consent.GIVEN, Consent.UNKNOWN, Consent.REFUSED}:
            more |= {"text_sha256": None, "meaning_sha256": None}
        row = consent.row_of(
            self.office,
            person,
            wording,
            line.event,
            language=line.language,
            method=line.method,
            at=line.at,
            **more,
        )
        if line.until is not None and line.event is Consent.GIVEN:
            row["until"] = line.until if row["until"] is None else min(row["until"], line.until)
        return wording if row["text_sha256"] is not None else line.purpose, row

    def _lines(self, data: bytes) -> Iterator[Line]:
        reader = csv.reader(io.StringIO(_decoded(data, self.file), newline=""), strict=True)
        try:
            head = [name.strip().lower() for name in next(reader)]
        except (StopIteration, csv.Error):
            raise UnreadableFile(
                "this is no table: its first line must name the columns", where=str(self.file)
            ) from None
        if not self._head_is_sound(head):
            return
        seen: set[tuple[Any, ...]] = set()
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                self._fault(number, "", "the line cannot be read: a quote is open, or a character is not allowed.")
                return
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                self._fault(number, "", f"the line has {len(cells)} cells, the head {len(head)}.")
                continue
            line = self._line(number, dict(zip(head, (cell.strip() for cell in cells), strict=True)))
            if line is None:
                continue
            key = (tuple(line.person.items()), line.purpose, line.event, line.at)
            if key in seen:
                self._fault(number, "", "the same word of the same person stands in an earlier line.")
                continue
            seen.add(key)
            yield line

    def _head_is_sound(self, head: list[str]) -> bool:
        before = len(self.faults)
        for name in head:
            if name not in _KNOWN:
                self._fault(1, "", "a column is not one of those that can be brought.", ", ".join(sorted(_KNOWN)))
        if len(set(head)) != len(head):
            self._fault(1, "", "a column stands twice.")
        if not set(_WHO) & set(head):
            self._fault(1, "", "no column says who it was.", "one of: " + ", ".join(_WHO))
        if "at" not in head:
            self._fault(1, "at", "no column says when it was said.", "a column `at`")
        if self.purpose is None and "purpose" not in head:
            self._fault(1, "purpose", "nothing says for which purpose.", "a column `purpose`, or --purpose")
        return len(self.faults) == before

    def _line(self, number: int, cells: dict[str, str]) -> Line | None:
        before = len(self.faults) + self.more
        person = {kind: cells[kind] for kind in _WHO if cells.get(kind)}
        try:
            standing.named(person)
        except PersonError as problem:
            self._fault(number, "who", f"{problem.message}.")
        at = self._moment(number, "at", cells["at"])
        until = self._moment(number, "until", cells["until"]) if cells.get("until") else None
        word = cells.get("word", "") or Consent.GIVEN.value
        event = _WORDS.get(word)
        if event is None:
            self._fault(number, "word", "this is not a word that can be brought.", ", ".join(_WORDS))
        purpose = cells.get("purpose", "") or self.purpose or ""
        try:
            self._wording(purpose)
        except UnknownName as problem:
            self._fault(number, "purpose", problem.message, problem.expected)
        text = cells.get("text", "") or self.words
        if text is not None and len(text) > _LONGEST_TEXT:
            self._fault(number, "text", f"the words agreed to are longer than {_LONGEST_TEXT} letters.")
        method = cells.get("method", "") or "import"
        try:
            known_method(method)
        except TrothError as problem:
            self._fault(number, "method", f"{problem.message}.", problem.expected)
        if len(self.faults) + self.more > before or event is None or at is None:
            return None
        if event is Consent.GIVEN and not text:
            event = Consent.UNKNOWN
        language = cells.get("language", "") or self.office.policy.controller.languages[0]
        return Line(number, person, purpose, event, at, until, text or None, language[:35], method)

    def _moment(self, number: int, column: str, text: str) -> datetime | None:
        try:
            moment = datetime.fromisoformat(text)
            if len(text) <= 10:
                day = date.fromisoformat(text)
                moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
            elif moment.tzinfo is None:
                self._fault(number, column, "the time has no zone.", "such as 2024-05-01T10:00:00+02:00")
                return None
            moment = in_utc(moment)
        except (ValueError, OverflowError):
            self._fault(number, column, "this is not a time.", "such as 2024-05-01T10:00:00+02:00 or 2024-05-01")
            return None
        if column == "at" and moment > in_utc(self.office.clock.now()) + AHEAD:
            self._fault(number, column, "the time is still to come.")
            return None
        return moment

    def _found(self, tx: Connection, lines: list[Line]) -> Iterator[tuple[Line, PersonNumber]]:
        """Each line with its person; who is unknown or ambiguous is a fault."""
        for start in range(0, len(lines), _BATCH):
            part = lines[start : start + _BATCH]
            numbers = standing.find_many(tx, self.office.keyring, [line.person for line in part])
            for line, number in zip(part, numbers, strict=True):
                if number is not None:
                    yield line, number
                    continue
                try:
                    standing.load_person(tx, self.office.keyring, line.person)
                except PersonAmbiguous:
                    self._fault(line.number, "who", "the identifiers lead to different people.")
                except PersonError:
                    self._fault(
                        line.number, "who", "nobody is known by this.", "people that the company's app has registered"
                    )

    def _fresh(self, tx: Connection, found: list[tuple[Line, PersonNumber]]) -> list[tuple[Line, PersonNumber]]:
        """Those that are not on record: the same word of the same person about the same purpose at the same time."""
        on_record: set[tuple[int, str, Consent, datetime]] = set()
        numbers = sorted({number for _, number in found})
        for start in range(0, len(numbers), 400):
            query = select(
                consent_events.c.person, consent_events.c.purpose, consent_events.c.event, consent_events.c.at
            ).where(consent_events.c.person.in_(numbers[start : start + 400]))
            on_record |= {(row.person, row.purpose, row.event, row.at) for row in tx.execute(query)}
        return [
            (line, number) for line, number in found if (number, line.purpose, line.event, line.at) not in on_record
        ]

    def _wording(self, purpose: str) -> Wording:
        found = self.wordings.get(purpose)
        if found is None:
            raise UnknownName(
                "this is not a purpose that rests on consent.",
                expected=f"one of: {', '.join(self.wordings)}" if self.wordings else None,
                repair=None if self.wordings else "No purpose of the policy does. Add `basis: consent` to one.",
            )
        return found

    def _fault(self, line: int, column: str, message: str, expected: str | None = None) -> None:
        if len(self.faults) >= MOST_FAULTS:
            self.more += 1
        else:
            self.faults.append(Fault(self.file.name, line, 1, column, message, expected, None))


def _bytes_of(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise UnreadableFile(
                "the file is too large", where=str(file), expected="at most 512 MiB; bring it in parts"
            )
        return file.read_bytes()
    except OSError as problem:
        raise UnreadableFile(f"the file cannot be read: {problem.strerror}", where=str(file)) from None


def _decoded(data: bytes, file: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise UnreadableFile("the file is not UTF-8", where=f"{file.name}:{line}") from None
