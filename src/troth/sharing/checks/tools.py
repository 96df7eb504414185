"""Who may sign in at the support tool, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, NothingToObserve, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import Safeguard, expand
from troth.sharing import sent, support

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Recipient, Sentence
    from troth.policy.periods import Duration
    from troth.sharing.support import SupportTool


@check(
    id="sharing.support-open",
    promise="support tools come with access control",
    applies=lambda sentence, _: sentence.meaning.safeguard is Safeguard.MASKED and not sentence.sums,
    reference="GDPR Art. 28(3)(c), 29, 32(4)",
)
def support_open(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The support tool lets in only declared staff, by the company's sign-on, and keeps no ticket past its time.

    What it proves: the tool says that sign-on is required; each active account is of somebody under `people` of
    `[sharing.support]`; its oldest ticket is not older than the period of its kind of data; in its sample no phone,
    mail address, card or account number stands in clear.

    What it does not prove: what the tool does not tell; encryption inside it.

    Repair: close the account, require the sign-on, or delete old tickets there. Before: an account of one who left.
    After: the accounts and `people` are the same.
    """
    settings = seen.settings.sharing.support
    named = [each for each in sentence.meaning.recipients if settings is not None and each.name == settings.recipient]
    if settings is None or not named:
        raise NothingToObserve(
            "nobody has read who may sign in at the support tool",
            where=sentence.id,
            repair="name its address under [sharing.support] in troth.toml",
        )
    tool = support.look(seen.need_network(), settings)
    name = settings.recipient
    faults = list(_faults(seen, named[0], tool, set(settings.people)))
    for fault, repair in faults:
        yield broken(name, fault, repair=repair)
    if not tool.sample and not faults:
        yield unproven(name, "it shows no ticket to look into", repair="have it answer with a sample")
    elif not faults:
        yield kept(
            name, f"sign-on required, {counted(len(tool.users), 'account')} of declared staff, no ticket past its time"
        )


def _faults(seen: Observation, recipient: Recipient, tool: SupportTool, people: set[str]) -> Iterator[tuple[str, str]]:
    if not tool.sign_on:
        yield "it does not require the company's sign-on", "require it in the tool's settings"
    strangers = len(set(tool.users) - people)
    if strangers:
        yield (
            f"{counted(strangers, 'active account')} of nobody who is declared to answer questions",
            "close the account there, or add the person under [sharing.support] people",
        )
    limit = _period(seen, recipient)
    if tool.oldest is not None and limit is not None and limit.after(tool.oldest) < seen.now:
        yield (
            f"its oldest ticket is of {tool.oldest:%Y-%m-%d}, older than {limit}",
            "delete tickets there when their time is up",
        )
    for column, count in sent.unmasked(tool.sample).items():
        yield (
            f"{counted(count, 'value')} of {column} in its sample stand in clear",
            "send masked data only, by the gate",
        )


def _period(seen: Observation, recipient: Recipient) -> Duration | None:
    """The longest period that the policy gives the kinds of data in tickets; None where it gives none."""
    kinds = {kind for kind in expand(recipient.data) if kind.startswith("communication.")}
    found = [each.keep for each in seen.policy.periods.values() if kinds & set(expand(each.data))]
    return max(found, key=lambda each: each.after(seen.now), default=None)


CHECKS: tuple[Check, ...] = (support_open,)
