"""The role x operation matrix: everything that staff can do, named once, and who may do it.

Every page of the console, and every command that acts in the name of an account, belongs to one operation and asks
`require` first. Who is not named in a row may not: there is no other rule, and no role that may everything by nature.
Three things hold for the matrix as a whole and are looked at when it is loaded:

1. Administrators run the machine and meet nobody's data: no row marked PERSONAL names them.
2. Auditors read: no row marked CHANGES names them, but for what is their own.
3. A row that is done by a second pair of eyes (`apart`) names the row that the first pair did.

`OWN`: what each member of staff does for themselves alone. `STEPS_UP`: a second factor must have been shown within the
last minutes (`foundation.factors`). Whoever has the machine itself, and runs a command without `--as`, is not staff:
the ledger calls them the operator.
"""

from __future__ import annotations

from enum import Flag, StrEnum, auto, unique
from typing import Self

from troth.errors import AccessDenied
from troth.foundation.roles import Role


class Mark(Flag):
    """What an operation touches."""

    PLAIN = 0
    PERSONAL = auto()
    CHANGES = auto()
    STEPS_UP = auto()
    OWN = auto()


_DPO = frozenset({Role.DPO})
_DESK = frozenset({Role.DPO, Role.AGENT})
_MACHINE = frozenset({Role.DPO, Role.ADMINISTRATOR})
_EVIDENCE = frozenset({Role.DPO, Role.AUDITOR})
_CASES = frozenset({Role.DPO, Role.AGENT, Role.AUDITOR})
_OVERSIGHT = frozenset({Role.DPO, Role.AUDITOR, Role.ADMINISTRATOR})
_ALL = frozenset(Role)
_WORKERS = _ALL - {Role.AUDITOR}

_CHANGES, _GRAVE, _READS = Mark.CHANGES, Mark.CHANGES | Mark.STEPS_UP, Mark.PERSONAL
_WORKS, _DECIDES = Mark.PERSONAL | Mark.CHANGES, Mark.PERSONAL | Mark.CHANGES | Mark.STEPS_UP


@unique
class Operation(StrEnum):
    """One thing that staff can do: its name, what it is in words, which roles may, and what it touches.

    `apart`: the operation whose doer may not do this one on the same thing.
    """

    what: str
    roles: frozenset[Role]
    mark: Mark
    apart: str | None

    def __new__(
        cls,
        name: str,
        what: str = "",
        roles: frozenset[Role] = frozenset(),
        mark: Mark = Mark.PLAIN,
        apart: str | None = None,
    ) -> Self:
        row = str.__new__(cls, name)
        row._value_ = name
        row.what, row.roles, row.mark, row.apart = what, roles, mark, apart
        return row

    # what everybody who is signed in can do
    OWN_SEE = "own.see", "see their own account, factors and sessions", _ALL, Mark.OWN
    OWN_FACTORS = "own.factors", "change their own password and second factors", _ALL, Mark.OWN | _GRAVE
    OWN_SESSIONS = "own.sessions", "end their own sessions", _ALL, Mark.OWN | _CHANGES
    SENTENCES_SEE = "sentences.see", "see verdicts, evidence and repairs", _ALL
    MEASURES_SEE = "measures.see", "see what the probes saw", _ALL
    POLICY_SEE = "policy.see", "read the policy and what lint says", _ALL
    POLICY_PUBLISH = "policy.publish", "publish a version of the policy", _DPO, _CHANGES
    MAP_SEE = "map.see", "see the data map", _ALL
    MAP_APPROVE = "map.approve", "answer for a data map by name", _MACHINE, _GRAVE
    ROPA_SEE = "ropa.see", "see the record of processing", _ALL

    # people's requests
    REQUESTS_SEE = "requests.see", "see requests, plans and histories", _CASES, _READS
    REQUESTS_READ = "requests.read", "read what people wrote and how they are reached", _DESK, _READS
    REQUESTS_FILE = "requests.file", "take in a request that came by another way", _DESK, _WORKS
    REQUESTS_CONFIRM = "requests.confirm", "answer for who somebody is", _DESK, _WORKS
    REQUESTS_ASK = "requests.ask", "ask people back, and note their answers", _DESK, _WORKS
    REQUESTS_ANSWER = "requests.answer", "answer a request by hand", _DESK, _WORKS
    REQUESTS_RELEASE = "requests.release", "decide about others in a copy, and release it", _DESK, _DECIDES
    REQUESTS_REFUSE = "requests.refuse", "refuse a request on a ground of the law", _DPO, _WORKS
    REQUESTS_EXTEND = "requests.extend", "take longer, as far as the law goes with it", _DPO, _WORKS
    ERASURE_APPROVE = "erasure.approve", "approve the plan of an erasure", _DESK, _DECIDES, "requests.file"

    # periods and holds
    HOLDS_SEE = "holds.see", "see legal holds", _CASES
    HOLDS_ADD = "holds.add", "put a legal hold on data", _DPO, _WORKS
    HOLDS_LIFT = "holds.lift", "lift a legal hold", _DPO, _DECIDES
    RETENTION_SEE = "retention.see", "see periods and the runs that kept them", _ALL
    RETENTION_RUN = "retention.run", "approve the end of what is past its time", _DPO, _GRAVE
    WRITING_PAUSE = "writing.pause", "stop what writes into the company's stores", _MACHINE, _CHANGES
    WRITING_RESUME = "writing.resume", "let it go on", _MACHINE, _GRAVE

    # registers
    ATTESTATIONS_SEE = "attestations.see", "see attestations", _ALL
    ATTESTATIONS_ADD = "attestations.add", "attest by name what no probe can see", _MACHINE, _CHANGES
    AUDITS_SEE = "audits.see", "see audits and what scanners found", _OVERSIGHT
    AUDITS_IMPORT = "audits.import", "take in what a scanner found", _MACHINE, _CHANGES
    TRAINING_TAKE = "training.take", "take the course on data protection", _ALL, Mark.OWN | _CHANGES
    TRAINING_SEE = "training.see", "see who of staff is trained", _OVERSIGHT
    BREACHES_SEE = "breaches.see", "see which breaches there were, and their clocks", _ALL
    BREACHES_OPEN = "breaches.open", "enter a breach, at once and without a training", _WORKERS, _CHANGES
    BREACHES_FOLLOW = "breaches.follow", "follow one breach, and what was done about it", _EVIDENCE, _READS
    BREACHES_WORK = "breaches.work", "assess, notify and close a breach", _DPO, _WORKS
    ASSESSMENTS_SEE = "assessments.see", "see impact assessments", _EVIDENCE
    ASSESSMENTS_ADD = "assessments.add", "record an impact assessment", _DPO, _CHANGES

    # sharing
    RECIPIENTS_SEE = "recipients.see", "see who receives data, and on what terms", _ALL
    DISCLOSURES_SEE = "disclosures.see", "see what went to whom", _CASES
    DEMANDS_SEE = "demands.see", "see the demands of authorities", _CASES
    DEMANDS_FILE = "demands.file", "take in the demand of an authority", _DESK, _WORKS
    DEMANDS_APPROVE = "demands.approve", "approve what an authority is given", _DESK, _DECIDES, "demands.file"
    TRANSFERS_SEE = "transfers.see", "see the transfer of a business", _CASES
    TRANSFERS_RUN = "transfers.run", "announce, freeze and carry out the transfer of a business", _DPO, _DECIDES

    # the evidence, and staff themselves
    LEDGER_SEE = "ledger.see", "see the head of the ledger", _ALL
    LEDGER_EXPORT = "ledger.export", "take the ledger away to verify it elsewhere", _EVIDENCE
    REPORT_TAKE = "report.take", "take the signed audit report away", _EVIDENCE
    STAFF_SEE = "staff.see", "see accounts, factors and this matrix", _OVERSIGHT
    STAFF_ADD = "staff.add", "make an account", _MACHINE, _GRAVE
    STAFF_ROLE = "staff.role", "give an account another role", _MACHINE, _GRAVE
    STAFF_CLOSE = "staff.close", "close an account", _MACHINE, _GRAVE
    STAFF_LINK = "staff.link", "issue a link that signs in once", _MACHINE, _GRAVE
    STAFF_FACTORS = "staff.factors", "take away an account's second factors", _MACHINE, _GRAVE
    STAFF_SESSIONS = "staff.sessions", "end the sessions of an account", _MACHINE, _CHANGES
    KEY_ASK = "key.ask", "ask for a lost key to be replaced", _MACHINE, _GRAVE
    KEY_APPROVE = "key.approve", "approve that a lost key is replaced", _MACHINE, _GRAVE, "key.ask"
    STAFF_COMPARE = "staff.compare", "compare accounts with the list of those who work here", _MACHINE, _CHANGES

    @property
    def changes(self) -> bool:
        """Whether it changes anything; what does not, only shows."""
        return Mark.CHANGES in self.mark

    @property
    def personal(self) -> bool:
        """Whether whoever does it meets people's data."""
        return Mark.PERSONAL in self.mark

    @property
    def steps_up(self) -> bool:
        """Whether a second factor must have been shown within the last minutes."""
        return Mark.STEPS_UP in self.mark


def may(role: Role, operation: Operation) -> bool:
    """Whether that role may do that."""
    return role in operation.roles


def require(role: Role, operation: Operation) -> None:
    """Raises: AccessDenied where that role may not do that."""
    if role not in operation.roles:
        able = ", ".join(each.label for each in Role if each in operation.roles)
        raise AccessDenied(f"Your role may not {operation.what}; nothing was done.", repair=f"Who may: {able}.")


def require_apart(operation: Operation, caller: int, *, first: int | None) -> None:
    """Four eyes: whoever did the first part (the account `first`) may not do `operation` on the same thing.

    Raises: AccessDenied. A first part that no member of staff did (None) leaves everybody free.
    """
    if operation.apart is not None and first == caller:
        raise AccessDenied(
            f"You did the first part ({operation.apart}) yourself; somebody else has to do this. Nothing was done.",
            repair="Ask somebody else whose role may.",
        )


def allowed(role: Role) -> frozenset[Operation]:
    """Everything that a role may."""
    return frozenset(each for each in Operation if role in each.roles)


def may_give(giver: Role, role: Role) -> bool:
    """Whether somebody of the role `giver` may give others `role`, or enter accounts of it: nobody gives away what they
    may not do themselves. So an administrator cannot make an account that reads people's data.
    """
    return allowed(role) <= allowed(giver)


def _whole() -> None:
    for each in Operation:
        # INVARIANT: what the head of this module promises
        assert not (each.personal and Role.ADMINISTRATOR in each.roles), each
        assert Mark.OWN in each.mark or not (each.changes and Role.AUDITOR in each.roles), each
        assert each.roles, each
        assert each.what, each
        assert each.apart is None or Operation(each.apart) is not each, each


_whole()
