"""A business is sold with its data: told first, under a policy that stands still, with every choice (GDPR Art. 13(3)).

1. `announce`: the notice that people read, and the first day on which data may go, by the notice that the policy
   promises (30 days where it promises none).
2. Until then whoever does not want to go says so: `stay`, or an objection to every use.
3. `freeze`: from now on no version of the policy is published; it must be the one that people were told under.
4. The bundle (`bundles`) goes no sooner than that day, and without those who stay.
5. `end` lets the policy change again; before the bundle went, it calls the transfer off.

Each step has its entry in the ledger, in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from troth.errors import TransferRefused
from troth.foundation.ledger import leaves
from troth.foundation.operations import Operation
from troth.foundation.store import hold
from troth.sharing import demands, transfer_reading
from troth.sharing.tables import transfer_refusals, transfers
from troth.sharing.transfer_reading import Transfer
from troth.sharing.words import TransferState
from troth.use import standing

if TYPE_CHECKING:
    from troth.use.office import Office
    from troth.use.standing import Person

_LONGEST = 5_000


def announce(office: Office, buyer: str, country: str, notice: str, by: str | None = None) -> Transfer:
    """Publish the notice. Raises: TransferRefused for one that is not whole, or while another stands; AccessDenied."""
    if not buyer.strip() or len(buyer) > 200 or "@" in buyer or not buyer.isprintable():
        raise TransferRefused("a transfer names the buyer", expected="1 to 200 letters on one line")
    if len(country) != 2 or not (country.isascii() and country.isupper()):
        raise TransferRefused("the country of the buyer is two letters", expected="such as IE")
    if not notice.strip() or len(notice) > _LONGEST:
        raise TransferRefused("people are told what happens", expected=f"1 to {_LONGEST} letters, in plain words")
    with office.deed() as tx:
        hold(tx, "transfers")
        running = next((each for each in transfer_reading.every(tx) if each.state is not TransferState.ENDED), None)
        if running is not None:
            raise TransferRefused(
                f"transfer {running.id} is not over yet", repair=f"Run `troth transfer end {running.id}` first."
            )
        account = None if by is None else demands.account_of(tx, by, Operation.TRANSFERS_RUN)
        now = office.clock.now()
        due = transfer_reading.due_day(office.policy, now)
        body = {"country": country, "due": due, "policy": office.policy.sha256, "staff": account}
        leaf = leaves.append(tx, office.keyring, "transfer.announced", None, body, now)
        made = tx.execute(
            insert(transfers).values(
                buyer=buyer.strip(),
                country=country,
                state=TransferState.ANNOUNCED,
                notice=notice.strip(),
                policy_sha256=bytes.fromhex(office.policy.sha256),
                announced_at=now,
                due=due,
                leaf=leaf,
            )
        )
        key: Any = made.inserted_primary_key
        return load(tx, int(key[0]))


def stay(office: Office, number: int, person: Person) -> bool:
    """Record that somebody does not go with the business; gives whether that is new.

    Raises: PersonUnknown, PersonAmbiguous; TransferRefused once the bundle has gone.
    """
    with office.deed() as tx:
        _locked(tx, number, TransferState.ANNOUNCED, TransferState.FROZEN)
        who = standing.load_person(tx, office.keyring, person)
        known = select(transfer_refusals.c.id).where(
            transfer_refusals.c.transfer == number, transfer_refusals.c.person == who
        )
        if tx.execute(known).first() is not None:
            return False
        now = office.clock.now()
        leaf = leaves.append(tx, office.keyring, "transfer.refused", who, {"transfer": number}, now)
        tx.execute(insert(transfer_refusals).values(transfer=number, person=who, at=now, leaf=leaf))
        return True


def freeze(office: Office, number: int, by: str | None = None) -> Transfer:
    """Let the policy stand still. Raises: TransferRefused when it is another than people were told under."""
    with office.deed() as tx:
        found = _locked(tx, number, TransferState.ANNOUNCED)
        _require_same_policy(office, found)
        return _move(tx, office, found, TransferState.FROZEN, by, frozen_at=office.clock.now())


def end(office: Office, number: int, by: str | None = None) -> Transfer:
    """End it: the policy may change again. What was announced and never went is called off."""
    with office.deed() as tx:
        found = _locked(tx, number, TransferState.ANNOUNCED, TransferState.FROZEN, TransferState.EXPORTED)
        return _move(tx, office, found, TransferState.ENDED, by, ended_at=office.clock.now())


def require_ready(tx: Connection, office: Office, number: int) -> Transfer:
    """The transfer whose bundle may go now. Raises: TransferRefused with what is missing."""
    found = _locked(tx, number, TransferState.FROZEN)
    _require_same_policy(office, found)
    today = office.clock.now().date()
    if today < found.due:
        raise TransferRefused(
            "people have not had the notice that they were promised; nothing has left",
            where=f"transfer {number}",
            expected=f"a day from {found.due} on, and today is {today}",
        )
    return found


def require_account(tx: Connection, name: str) -> None:
    """Make sure that the account may run a transfer. Raises: UnknownName, AccessDenied."""
    demands.account_of(tx, name, Operation.TRANSFERS_RUN)


def require_unfrozen(tx: Connection) -> None:
    """Make sure that a version of the policy may be published. Raises: TransferRefused."""
    found = transfer_reading.frozen(tx)
    if found is not None:
        raise TransferRefused(
            "a business is being transferred under the policy that people were told of; it stands still until then",
            where=f"transfer {found.id}",
            repair=f"Run `troth transfer end {found.id}` when it is over.",
        )


def load(tx: Connection, number: int) -> Transfer:
    """The transfer of that number. Raises: TransferRefused where there is none."""
    found = transfer_reading.find(tx, number)
    if found is None:
        raise TransferRefused(
            "there is no such transfer", where=f"transfer {number}", repair="See `troth transfer list`."
        )
    return found


def exported_in(tx: Connection, office: Office, found: Transfer, disclosure: int, result: dict[str, Any]) -> None:
    """Record, with the disclosure, that the bundle goes, and what is in it."""
    import json

    now = office.clock.now()
    body = {"transfer": found.id, "disclosure": disclosure, **result}
    leaf = leaves.append(tx, office.keyring, "transfer.exported", None, body, now)
    values = {
        "state": TransferState.EXPORTED,
        "exported_at": now,
        "disclosure": disclosure,
        "result": json.dumps(result),
        "outcome": leaf,
    }
    tx.execute(update(transfers).where(transfers.c.id == found.id).values(values))


def _locked(tx: Connection, number: int, *states: TransferState) -> Transfer:
    hold(tx, "transfers")
    found = load(tx, number)
    if found.state not in states:
        raise TransferRefused(
            f"the transfer is {found.state.value}",
            where=f"transfer {number}",
            expected=f"one that is {' or '.join(state.value for state in states)}",
        )
    return found


def _move(tx: Connection, office: Office, found: Transfer, to: TransferState, by: str | None, **more: Any) -> Transfer:
    account = None if by is None else demands.account_of(tx, by, Operation.TRANSFERS_RUN)
    body = {"transfer": found.id, "staff": account}
    leaves.append(tx, office.keyring, f"transfer.{to.value}", None, body, office.clock.now())
    tx.execute(update(transfers).where(transfers.c.id == found.id).values(state=to, **more))
    return load(tx, found.id)


def _require_same_policy(office: Office, found: Transfer) -> None:
    if office.policy.sha256 != found.policy_sha256:
        raise TransferRefused(
            "the policy is another than the one that people were told under; nothing was done",
            where=f"transfer {found.id}",
            repair="Put that policy back, or end this transfer and announce it anew.",
        )
