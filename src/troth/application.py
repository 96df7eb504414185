"""troth as a company's software uses it: `open` one instance, then the few verbs of `Troth`, which only delegate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from troth.errors import Refused, UnknownName
from troth.foundation import people, sealed_values
from troth.foundation.clock import Clock
from troth.foundation.people import Kind
from troth.policy import reading, settings
from troth.policy.model import Policy
from troth.use import (
    closing,
    consent,
    entrance,
    guardians,
    message_log,
    objections,
    renewal,
    restrictions,
    runs,
    standing,
)
from troth.use.audience import Audience, People
from troth.use.batch import Question
from troth.use.closing import Account
from troth.use.consent import Choice
from troth.use.decision import Decision
from troth.use.lease import Data, Lease
from troth.use.objections import Stance
from troth.use.office import Office
from troth.use.opening import open_office
from troth.use.restrictions import Pause
from troth.use.runs import Run
from troth.use.standing import Person, load_person, named
from troth.use.stopping import signals, suppression, unsubscribe
from troth.use.words import Consent, Ground, MessageClass

if TYPE_CHECKING:
    from troth.protection.sealed_fields import FieldKeys
    from troth.sharing.disclosures import Disclosure


def open(  # noqa: A001 - `troth.open(folder)` reads as it should
    folder: Path | str = ".", environ: Mapping[str, str] | None = None, clock: Clock | None = None
) -> Troth:
    """Open the instance in `folder`: its settings, policy, key and store. Close it, or use it in a `with`.

    `environ` is where secrets are read from, the process's own by default.
    Raises: UnreadableFile, DeclarationFaults for a file that cannot be used; KeyUnavailable; StoreBehind with the
    command that brings the store up to date; StoreAhead; StoreError.
    """
    instance, office = open_office(folder, environ, clock)
    try:
        return Troth(instance, office)
    except BaseException:
        office.store.close()
        raise


class Troth:
    """One controller's policy in force. Safe to share between threads.

    A person is `"id=17"`, `"email=..."`, `"phone=..."`, `"key=..."`, or a mapping: `{"id": "17", "email": "..."}`.
    A verb that records something returns when it is durable and every process obeys it.
    """

    def __init__(self, instance: settings.Instance, office: Office) -> None:
        self.instance = instance
        self._lease = Lease(office)
        self._everybody = Audience(office, self._lease)

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.office.policy

    @property
    def lease(self) -> Lease:
        """What decides in this process; for troth's own doors."""
        return self._lease

    @property
    def office(self) -> Office:
        """What deeds need at hand; for troth's own doors."""
        return self._lease.office

    def may(self, person: Person, purpose: str, data: Data, recipient: str | None = None) -> Decision:
        """Whether `data` of `person` may be used for `purpose` now, and given to `recipient`. False in an `if` if not.

        `data` is one category or several, which must all pass; the first refusal is returned. Fails closed: what is
        not declared, not known or cannot be read is a no. Raises: PersonError when `person` is no way to name one.
        """
        return self._lease.may(person, purpose, data, recipient)

    def require(self, person: Person, purpose: str, data: Data, recipient: str | None = None) -> Decision:
        """As `may`, for what must not be forgotten to ask. Raises: Refused with the reason and the sentence."""
        decision = self._lease.may(person, purpose, data, recipient)
        if not decision:
            at = f" ({decision.number})" if decision.number else ""
            raise Refused(f"not permitted: {decision.reason.value.replace('-', ' ')}{at}", where=decision.clause)
        return decision

    def permitted(self, purpose: str, data: Data, persons: Iterable[Any], recipient: str | None = None) -> list[Any]:
        """Those of `persons` for whom `may` says yes, in their order; the store is read once.

        Raises: PersonError; StoreError, since a short list would look like an answer.
        """
        return self._lease.permitted(purpose, data, persons, recipient)

    def audience(self, purpose: str, data: Data, recipient: str | None = None) -> People:
        """All people whose `data` may be used for `purpose` now, and given to `recipient`: `len()`, or `key=...` each.

        The same as `may` for everybody, at one moment. Raises: StoreError; a short list would look like an answer.
        """
        return People(self.office, self._everybody.of(purpose, data, recipient))

    def may_many(self, persons: Any, questions: Sequence[Question], which: Any = None) -> Any:
        """Yes or no for each of `persons`: named as in `may`, or an array of their numbers (`audience().numbers`).

        `questions` are (purpose, data) or (purpose, data, recipient). With several, `which` says for each person the
        place of theirs. Gives an array where there is numpy (extra `arrays`), else a list.
        Raises: PersonError; TrothError where the lengths do not fit; StoreError.
        """
        if len(persons) and not hasattr(persons[0], "__index__"):
            office = self.office
            with office.store.reading() as tx:
                persons = [number or 0 for number in standing.find_many(tx, office.keyring, persons)]
        return self._everybody.many(persons, questions, which)

    def run(self, program: str, purpose: str, data: Data) -> AbstractContextManager[Run]:
        """Let a program of yours work for one purpose: `with troth.run("fraud-watch", "fraud", data) as run`.

        The run is on record with its purpose, ground, kinds of data and counts. `run.permitted(persons)` are those
        whose data may be used. Raises: UnknownName, Refused for what the policy does not declare. See `use.runs`.
        """
        return runs.run(self._lease, program, purpose, data)

    def message_sent(
        self, person: Person, template: str, *, order: str | None = None, at: datetime | None = None
    ) -> MessageClass:
        """Record that a message of `template` went to `person`, and about which order. See `use.message_log.note`."""
        return message_log.note(self.office, self.instance.settings.messages, person, template, order=order, at=at)

    def register(self, **identifiers: str | None) -> str:
        """Make known who a person is: `register(id="17", email="...", phone="...")`; gives their `key=...`.

        Who is known already is met again and what is new is added. Raises: PersonError; PersonAmbiguous when the
        identifiers lead to different people, and then nothing was done.
        """
        office = self.office
        known_by = named({kind: value for kind, value in identifiers.items() if value is not None})
        with office.deed() as tx:
            number = people.register(tx, office.keyring, known_by, office.clock.now())
            return f"key={people.key_of(tx, number).text}"

    def register_many(self, everybody: Iterable[Mapping[str, str]]) -> int:
        """As `register` for each, all in one transaction; gives how many."""
        office = self.office
        with office.deed() as tx:
            return len(people.register_many(tx, office.keyring, map(named, everybody), office.clock.now()))

    def give_consent(
        self,
        person: Person,
        purpose: str,
        *,
        language: str = "en",
        method: str = "form",
        at: datetime | None = None,
        old_enough: bool | None = None,
    ) -> Choice:
        """Record that `person` consents to `purpose`, in the exact words of the policy. See `use.consent.give`.

        `old_enough`: what they said where `[consent] ask_age` has them asked; see `use.guardians.require_old_enough`.
        """
        guardians.require_old_enough(self.policy, self.instance.settings.consent, old_enough)
        return consent.give(self.office, person, purpose, language=language, method=method, at=at)

    def withdraw_consent(
        self, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None
    ) -> Choice:
        """Record that `person` no longer consents; the next decision anywhere refuses. See `use.consent.withdraw`."""
        return consent.withdraw(self.office, person, purpose, method=method, at=at)

    def give_consents(self, choices: Iterable[tuple[Person, str, datetime | None]], *, method: str = "import") -> int:
        """Record many consents (person, purpose, when), all or none; gives how many."""
        return consent.record_many(self.office, choices, Consent.GIVEN, method=method)

    def withdraw_consents(
        self, choices: Iterable[tuple[Person, str, datetime | None]], *, method: str = "import"
    ) -> int:
        """Record many withdrawals (person, purpose, when), all or none; gives how many."""
        return consent.record_many(self.office, choices, Consent.WITHDRAWN, method=method)

    def consents(self, person: Person) -> tuple[Choice, ...]:
        """Where `person` stands on each purpose that rests on consent. See `use.consent.show`."""
        return consent.show(self.office, person)

    def object_to(self, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None) -> Stance:
        """Record that `person` objects to `purpose`, or with `"*"` to all they may. See `use.objections.raise_`."""
        return objections.raise_(self.office, person, purpose, method=method, at=at)

    def lift_objection(
        self, person: Person, purpose: str, *, method: str = "form", at: datetime | None = None
    ) -> Stance:
        """Record that `person` no longer objects to `purpose`. See `use.objections.lift`."""
        return objections.lift(self.office, person, purpose, method=method, at=at)

    def objections(self, person: Person) -> tuple[Stance, ...]:
        """Where `person` stands on each purpose that one may object to."""
        return objections.show(self.office, person)

    def restrict(
        self, person: Person, *, ground: Ground | str = Ground.REQUEST, method: str = "form", at: datetime | None = None
    ) -> Pause:
        """Restrict the use of `person`'s data. See `use.restrictions.place`."""
        return restrictions.place(self.office, person, ground=ground, method=method, at=at)

    def lift_restriction(
        self, person: Person, *, ground: Ground | str = Ground.REQUEST, method: str = "form", at: datetime | None = None
    ) -> Pause:
        """Lift the restriction that stands on `ground`. See `use.restrictions.lift`."""
        return restrictions.lift(self.office, person, ground=ground, method=method, at=at)

    def restriction(self, person: Person) -> Pause:
        """Whether use of `person`'s data is restricted now, and why."""
        return restrictions.show(self.office, person)

    def close_account(self, person: Person, *, method: str = "app", at: datetime | None = None) -> Account:
        """Record that `person` has closed their account: after the policy's `closing` no contract carries a use.

        See `use.closing.close`.
        """
        return closing.close(self.office, person, method=method, at=at)

    def reopen_account(self, person: Person, *, method: str = "app", at: datetime | None = None) -> Account:
        """Record that the account of `person` is open again. See `use.closing.reopen`."""
        return closing.reopen(self.office, person, method=method, at=at)

    def unsubscribe_headers(self, person: Person, purpose: str) -> dict[str, str]:
        """The headers by which a mail program stops letters for `purpose` with one click. Sign both with DKIM.

        See `use.stopping.unsubscribe.headers`. Raises: UnknownName; PersonUnknown, PersonAmbiguous; StoreError.
        """
        site = self.instance.settings.site
        return unsubscribe.headers(self.office, site.url.rstrip("/") + site.centre, person, purpose)

    def ask_guardian(self, person: Person, purpose: str, guardian: str, *, method: str = "app") -> Choice:
        """Ask by mail the guardian of `person`, who is too young to consent alone; nothing is permitted before they
        agree.

        See `use.guardians`. Raises: UnknownName; PersonUnknown, PersonAmbiguous; PersonError for an address that will
        not do; TrothError when they were asked often enough today; StoreError.
        """
        site, office = self.instance.settings.site, self.office
        with office.deed() as tx:
            number = load_person(tx, office.keyring, person)
            place = site.url.rstrip("/") + site.centre
            return guardians.ask_in(tx, office, number, purpose, guardian, address=place, method=method)

    def may_mail(self, address: str, purpose: str) -> Decision:
        """Whether a letter for `purpose` may go to `address`, of a customer or of somebody without an account.

        See `use.stopping.unsubscribe.may_mail`. Raises: PersonError for what is no address.
        """
        return unsubscribe.may_mail(self._lease, address, purpose)

    def suppress(self, addresses: Iterable[str], purpose: str, *, source: str) -> tuple[int, int]:
        """Bring a list of addresses that get no mail for `purpose` (`*`: no marketing); gives (new, known already)."""
        return suppression.suppress_many(self.office, addresses, purpose, source=source)

    def honour_signal(self, person: Person) -> bool:
        """Record that the browser of `person` sent `Sec-GPC: 1`. See `use.stopping.signals.honour`."""
        return signals.honour(self.office, person)

    def centre_link(self, person: Person) -> str:
        """The address that takes `person`, who is signed in with you, into the privacy centre: once, within 5 minutes.

        Send the browser there; keep it out of logs. Raises: PersonUnknown, PersonAmbiguous; StoreError.
        """
        site, office = self.instance.settings.site, self.office
        token = entrance.hand_over(office, person, office.clock.now())
        return f"{site.url.rstrip('/')}{site.centre}/enter/{token}"

    def share(
        self,
        recipient: str,
        purpose: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        person: str,
        columns: Mapping[str, str],
        to: str | Path | IO[bytes],
        form: str = "jsonl",
        kind: str = "id",
        coarser: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> Disclosure:
        """Give `rows` to a recipient of the policy, as far as they may go, and record it: `sharing.gate.Gate.share`.

        `person` is the column that says whose a row is (their `kind`: id, email, phone or key); `columns` names
        the kind of data in each other column. What is not named there stays here. `to` is a path, taken from the
        instance's folder, an address of the recipient's host, or a file to write to; `form` is jsonl, csv or parquet.
        """
        from troth.sharing.gate import Gate
        from troth.sharing.passage import Shape
        from troth.sharing.words import Form

        if kind not in {*Kind} or form not in {*Form}:
            raise UnknownName(
                "the kind of name, or the form, is not known", expected=f"one of: {', '.join((*Kind, *Form))}"
            )
        shape = Shape(person, columns, Kind(kind), coarser or {})
        return Gate(self.office, self.instance).share(
            recipient, purpose, rows, shape=shape, to=to, form=Form(form), strict=strict
        )

    def seal_fields(self, keys: FieldKeys | None = None) -> None:
        """Let this instance serve the sealed columns of your tables: `troth.protection.sealed_fields`.

        `keys` are those that the types were given, all that were given none by default.
        """
        from troth.protection.sealed_fields import FIELD_KEYS

        (FIELD_KEYS if keys is None else keys).serve(self.office)

    def shred_fields(self, person: Person, keys: FieldKeys | None = None) -> bool:
        """Destroy the key of the sealed columns of `person`: unreadable in every copy and backup, for good.

        Gives whether there was one to destroy. Without `seal_fields` before, it does the same. See
        `protection.sealed_fields`. Raises: PersonUnknown, PersonAmbiguous; StoreError.
        """
        from troth.protection.sealed_fields import FIELD_KEYS, fieldkeys

        done = fieldkeys.destroy(self.office, person, self.instance.tombstone_file)
        (FIELD_KEYS if keys is None else keys).forget()
        return done is not None

    def reload(self) -> bool:
        """Read the policy again; gives whether it changed. One with faults raises, and the old one stays in force."""
        office = self.office
        policy = reading.read(self.instance.policy_file)
        if policy.sha256 == office.policy.sha256:
            return False
        adopted = Office.of(office.store, office.keyring, policy, office.clock)
        renewal.ask(adopted)
        self._lease.adopt(adopted)
        self._everybody.adopt(adopted)
        return True

    def close(self) -> None:
        """Close the store. Decisions afterwards are refused."""
        self._lease.close()
        sealed_values.rest(self.office.store)
        self.office.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Troth({self.policy.file}, {self.office.store.where})"
