"""Decide whether one use of one person's data is permitted now.

Rules, in order; the first that applies decides:

1. The purpose is declared in the policy in force.                          (GDPR Art. 5(1)(b))
2. The category of data is declared for the purpose.                        (Art. 5(1)(c))
3. The recipient, where there is one, is declared for purpose and category. (Art. 13(1)(e), 28)
4. The policy names a ground for the use, and nobody has still to confirm it. (Art. 6(1))
5. What the person said can be read.
6. The person is known, and is one person.
7. No restriction stands, unless the use is storage, a legal claim or duty,
   or protects somebody's life.                                             (Art. 18(2))
8. Basis contract: the person's account is open, or closed for no longer than
   the policy says, unless the use is storage or a legal claim.             (Art. 6(1)(b))
9. Basis consent: given, and not withdrawn since.                           (Art. 6(1)(a), 7(3))
10. Basis legitimate interests or public task: no objection stands.         (Art. 6(1)(e),(f), 21(1))
   Marketing, and what one can opt out of at any time: the same, whatever the basis. (Art. 21(2),(3))
11. Otherwise the declared ground carries the use.

Where the policy states two grounds for one pair of purpose and category, each must carry it. What the policy alone
settles (1 to 4) is compiled once into a table; what people said (7 to 10) is one integer a person, whose bits this
policy assigns. A decision is then two look-ups and one comparison, and every answer is made beforehand.

No clock, store or network here: `standing` gathers the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from troth.policy.model import DeclaredUse, Policy
from troth.policy.vocabulary import LegalBasis, expand

RESTRICTED_BIT = 1

STORAGE = "storage"
LEGAL_CLAIMS = "legal-claims"
MARKETING = frozenset({"marketing", "advertising"})
"""Families of purposes that are direct marketing: `marketing`, and `marketing.post` with it."""

OBJECTABLE = frozenset({LegalBasis.LEGITIMATE_INTERESTS, LegalBasis.PUBLIC_TASK})
OUTLIVES_RESTRICTION = frozenset({LegalBasis.LEGAL_OBLIGATION, LegalBasis.VITAL_INTERESTS})


class Reason(StrEnum):
    """Why a decision is what it is. The first two permit; all others refuse."""

    CONSENT_GIVEN = "consent-given"
    BASIS_APPLIES = "basis-applies"
    PURPOSE_NOT_DECLARED = "purpose-not-declared"
    DATA_NOT_DECLARED = "data-not-declared"
    RECIPIENT_NOT_DECLARED = "recipient-not-declared"
    BASIS_MISSING = "basis-missing"
    STANDING_UNKNOWN = "standing-unknown"
    POINT_UNREACHABLE = "decision-point-unreachable"
    PERSON_UNKNOWN = "person-unknown"
    PERSON_AMBIGUOUS = "person-ambiguous"
    RESTRICTED = "restricted"
    CONTRACT_ENDED = "contract-ended"
    CONSENT_NOT_GIVEN = "consent-not-given"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    OBJECTION_STANDS = "objection-stands"


PERMITS = frozenset({Reason.CONSENT_GIVEN, Reason.BASIS_APPLIES})


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, why, and the sentence that decided: its id and its number. False in an `if` when refused."""

    permitted: bool
    reason: Reason
    clause: str | None = None
    number: str | None = None

    def __bool__(self) -> bool:  # without this, `if may(...)` would always pass
        return self.permitted


Entry = tuple[int, int, Decision, Mapping[int, Decision]]
"""(mask, required bits, the answer when `word & mask == required`, the answer for every other `word & mask`)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of one policy as tables. `sha256` says of which."""

    sha256: str
    table: Mapping[tuple[str, str, str | None], Entry] = field(repr=False)
    consent_bits: Mapping[str, tuple[int, int]]
    """Purposes that need consent: the bit for *given*, the bit for *withdrawn*. Never both."""
    objection_bits: Mapping[str, int]
    """Purposes that one may object to."""
    purposes: Mapping[str, tuple[DeclaredUse, ...]] = field(repr=False)
    recipients: frozenset[tuple[str, str, str]] = field(repr=False)
    """Each declared (purpose, category, name of the recipient)."""
    ended_bit: int = 0
    """That the account is closed, and so is the time that the policy leaves; 0 where no use rests on a contract."""


def is_marketing(purpose: str) -> bool:
    """Whether the purpose is direct marketing, to which an objection is absolute (Art. 21(3))."""
    return purpose.partition(".")[0] in MARKETING


def may_be_objected_to(use: DeclaredUse) -> bool:
    """Whether rule 10 holds for this use."""
    return use.basis in OBJECTABLE or use.opt_out or is_marketing(use.purpose)


def outlives_restriction(use: DeclaredUse) -> bool:
    """Whether rule 7 lets this use pass."""
    return use.basis in OUTLIVES_RESTRICTION or use.purpose in {STORAGE, LEGAL_CLAIMS}


def ends_with_the_contract(use: DeclaredUse) -> bool:
    """Whether rule 8 holds for this use."""
    return use.basis is LegalBasis.CONTRACT and use.purpose not in {STORAGE, LEGAL_CLAIMS}


def compile_policy(policy: Policy) -> Compiled:
    """The tables of `policy`, made once; every decision that can be given for a declared use stands in them."""
    purposes = {purpose: tuple(use for use in policy.uses if use.purpose == purpose) for purpose in policy.purposes}
    bit = RESTRICTED_BIT
    consent_bits: dict[str, tuple[int, int]] = {}
    objection_bits: dict[str, int] = {}
    for purpose, uses in purposes.items():
        if any(use.basis is LegalBasis.CONSENT for use in uses):
            consent_bits[purpose] = (bit << 1, bit << 2)
            bit <<= 2
    for purpose, uses in purposes.items():
        if any(may_be_objected_to(use) for use in uses):
            bit <<= 1
            objection_bits[purpose] = bit
    ended_bit = bit << 1 if any(map(ends_with_the_contract, policy.uses)) else 0
    table: dict[tuple[str, str, str | None], Entry] = {}
    by_pair = groupby(sorted(policy.uses, key=_pair), key=_pair)
    for (purpose, category), found in by_pair:
        uses = tuple(found)
        if all(use.settled for use in uses):
            entry = _entry(uses, consent_bits.get(purpose, (0, 0)), objection_bits.get(purpose, 0), ended_bit)
            table[purpose, category, None] = entry
    recipients = frozenset(
        (recipient.purpose, category, recipient.name)
        for _, recipient in policy.recipients
        for category in expand(recipient.data)
    )
    for purpose, category, name in recipients:
        if (purpose, category, None) in table:
            table[purpose, category, name] = table[purpose, category, None]
    return Compiled(policy.sha256, table, consent_bits, objection_bits, purposes, recipients, ended_bit)


def decide(compiled: Compiled, word: int | None, purpose: str, category: str, recipient: str | None = None) -> Decision:
    """The decision for one person, whose standing is `word` (`standing.word_of`); None is a person nobody knows."""
    entry = compiled.table.get((purpose, category, recipient))
    if entry is None:
        return undeclared(compiled, purpose, category, recipient)
    if word is None:
        return _about(Reason.PERSON_UNKNOWN, compiled.purposes[purpose], category)
    mask, required, permitted, refusals = entry
    seen = word & mask
    return permitted if seen == required else refusals[seen]


def decide_all(
    compiled: Compiled, word: int | None, purpose: str, categories: Iterable[str], recipient: str | None = None
) -> Decision:
    """The decision for several categories at once: the first refusal, or the permit of the first. None is refused."""
    first: Decision | None = None
    for category in categories:
        decision = decide(compiled, word, purpose, category, recipient)
        if not decision:
            return decision
        first = first or decision
    if first is None:
        return _about(Reason.DATA_NOT_DECLARED if purpose in compiled.purposes else Reason.PURPOSE_NOT_DECLARED,
                      compiled.purposes.get(purpose, ()), None)  # fmt: skip
    return first


def without_standing(
    compiled: Compiled, reason: Reason, purpose: str, categories: Iterable[str], recipient: str | None = None
) -> Decision:
    """The refusal when the person's standing cannot be had, for `reason`; what the policy alone settles comes first."""
    uses = compiled.purposes.get(purpose, ())
    category = None
    for category in categories:
        if (purpose, category, recipient) not in compiled.table:
            return undeclared(compiled, purpose, category, recipient)
    if category is None:
        return decide_all(compiled, None, purpose, (), recipient)
    return _about(reason, uses, category)


def undeclared(compiled: Compiled, purpose: str, category: str, recipient: str | None) -> Decision:
    """The refusal by rules 1 to 4 for what stands in no table."""
    uses = compiled.purposes.get(purpose)
    if uses is None:
        return Decision(False, Reason.PURPOSE_NOT_DECLARED)
    if all(use.category != category for use in uses):
        return _about(Reason.DATA_NOT_DECLARED, uses, None)
    if recipient is not None and (purpose, category, recipient) not in compiled.recipients:
        return _about(Reason.RECIPIENT_NOT_DECLARED, uses, category)
    return _about(Reason.BASIS_MISSING, tuple(use for use in uses if not use.settled), category)


def _about(reason: Reason, uses: tuple[DeclaredUse, ...], category: str | None) -> Decision:
    """A refusal that points at the sentence about `category`, or else at the first about the purpose."""
    use = next((use for use in uses if use.category == category), uses[0] if uses else None)
    return Decision(False, reason, use.clause_id, use.number) if use else Decision(False, reason)


def _pair(use: DeclaredUse) -> tuple[str, str]:
    return use.purpose, use.category


def _entry(uses: tuple[DeclaredUse, ...], consent: tuple[int, int], objection: int, ended: int) -> Entry:
    """Rules 7 to 11 for one pair, as bits and prebuilt answers; the branches stand in the order of the rules."""
    given, withdrawn = consent
    rules: list[tuple[int, int, Decision]] = []  # (bits looked at, value they must not have, refusal)
    mask = required = 0
    permitted = Decision(True, Reason.BASIS_APPLIES, uses[0].clause_id, uses[0].number)

    bound = next((use for use in uses if not outlives_restriction(use)), None)
    if bound:
        mask |= RESTRICTED_BIT
        rules.append(
            (RESTRICTED_BIT, RESTRICTED_BIT, Decision(False, Reason.RESTRICTED, bound.clause_id, bound.number))
        )
    tied = next((use for use in uses if ends_with_the_contract(use)), None)
    if tied:
        mask |= ended
        rules.append((ended, ended, Decision(False, Reason.CONTRACT_ENDED, tied.clause_id, tied.number)))
    asked = next((use for use in uses if use.basis is LegalBasis.CONSENT), None)
    if asked:
        mask |= given | withdrawn
        required |= given
        rules.append((withdrawn, withdrawn, Decision(False, Reason.CONSENT_WITHDRAWN, asked.clause_id, asked.number)))
        rules.append((given, 0, Decision(False, Reason.CONSENT_NOT_GIVEN, asked.clause_id, asked.number)))
        permitted = Decision(True, Reason.CONSENT_GIVEN, asked.clause_id, asked.number)
    opposed = next((use for use in uses if may_be_objected_to(use)), None)
    if opposed:
        mask |= objection
        rules.append(
            (objection, objection, Decision(False, Reason.OBJECTION_STANDS, opposed.clause_id, opposed.number))
        )

    refusals = {
        seen: next(refusal for bits, wrong, refusal in rules if seen & bits == wrong)
        for seen in _parts_of(mask)
        if seen != required
    }
    return mask, required, permitted, refusals


def _parts_of(mask: int) -> Iterable[int]:
    """Every number whose bits are among those of `mask`."""
    part = mask
    while part:
        yield part
        part = (part - 1) & mask
    yield 0
