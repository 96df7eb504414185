"""Messages about orders: each belongs to one, and none of them is a letter that advertises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.foundation.proof import Check, Saw, broken, check, counted, kept, unproven
from troth.policy.vocabulary import LegalBasis, expand
from troth.use.words import MessageClass

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence, Use
    from troth.policy.usesettings import MessageSettings
    from troth.use.message_reading import Sent


_IMPRINT = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}|\+\d[\d ().-]{6,}|\b(?:VAT|USt|HRB|Ltd|Limited|Inc|GmbH|Reg)\b")
_SELLS = re.compile(
    r"%|[€$£¥]\s?\d|\d\s?[€$£¥]"
    r"|\b(?:sales?|offers?|discount\w*|save|free|cheap\w*|off|new|deals?|coupons?|codes?|gifts?|win|only|until)\b",
    re.IGNORECASE,
)


def _about_orders(use: Use) -> bool:
    """A way to reach somebody together with what they ordered, on a contract: a notice about an order."""
    kinds = {category.partition(".")[0] for category in expand(use.data)}
    return use.basis is LegalBasis.CONTRACT and {"contact", "transaction"} <= kinds


def _sends_notices(sentence: Sentence, _: Policy) -> bool:
    return any(map(_about_orders, sentence.meaning.uses))


@check(
    id="use.notice-that-advertises",
    promise="notices about orders",
    applies=_sends_notices,
    reference="GDPR Art. 5(1)(b), 6(1)(b); ePrivacy Directive Art. 13(1); CAN-SPAM, 16 CFR 316.3",
)
def notice_that_advertises(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A message about an order names the order, and is nothing else.

    What it proves: every message on record is of a template that the settings name, and of the class that they give it;
    each transactional one names its order, and no other does; where the log points at orders by a foreign key, each of
    them is there. Where the mailer keeps copies, a transactional one has no
    `List-Unsubscribe`, which is for mailings, and no line in common with a marketing letter that is kept, but for those
    that say who writes.

    What it does not prove: that the log has every message; that the order is the reader's; the words of templates of
    which no copy is kept.

    Repair: name templates and classes, and send marketing as marketing. Before: `[messages.templates]` without
    `order-sent`. After: `order-sent = "transactional"`.
    """
    settings = seen.settings.messages
    if not settings.templates:
        yield unproven(
            sentence.id,
            "no template of a message is named",
            repair='name each under `[messages.templates]` in troth.toml: `order-sent = "transactional"`',
        )
        return
    from troth.use import message_reading

    sent = message_reading.by_template(seen, settings)
    faults = [fault for each in sent for fault in _faults(each, settings)]
    found = [*faults, *_of_samples(seen, settings)]
    yield from found
    if not sent:
        yield unproven(
            message_reading.where(settings),
            "no message is on record yet",
            repair="write each message down, or call `troth.message_sent`, and look again",
        )
    elif not found:
        about = sum(each.count for each in sent if settings.templates[each.template] == MessageClass.TRANSACTIONAL)
        yield kept(
            message_reading.where(settings),
            f"{counted(about, 'message')} about an order, each naming it, and none of a template for marketing",
        )


def _faults(sent: Sent, settings: MessageSettings) -> Iterator[Saw]:
    place = f"template {sent.template}" if len(sent.template) <= 60 and "@" not in sent.template else "a template"
    word = settings.templates.get(sent.template)
    if word is None:
        yield broken(
            place,
            f"{counted(sent.count, 'message')} of it went out, and no setting says of which class it is",
            repair="name it under `[messages.templates]` in troth.toml, or stop sending it",
        )
        return
    others = sorted(sent.kinds - {word})
    if others:
        yield broken(
            place,
            f"is {word}, and was sent as {', '.join(other[:20] for other in others)}",
            repair="send it as what it is, or correct its class in troth.toml",
        )
    without = sent.count - sent.with_order
    if word == MessageClass.TRANSACTIONAL and without:
        yield broken(
            place,
            f"{without} of {counted(sent.count, 'message')} about an order name none",
            repair="write down the order with the message; what belongs to none is not transactional",
        )
    if sent.lost:
        yield broken(
            place,
            f"{sent.lost} of {counted(sent.count, 'message')} name an order that is not there",
            repair="write down the order that the message belongs to",
        )
    if word != MessageClass.TRANSACTIONAL and sent.with_order:
        yield broken(
            place,
            f"{sent.with_order} of {counted(sent.count, 'message')} of the class {word} name an order",
            repair="send marketing apart from what belongs to an order",
        )


def _of_samples(seen: Observation, settings: MessageSettings) -> Iterator[Saw]:
    """What the kept copies say against the sentence."""
    from troth.use import message_reading

    paths = dict(settings.samples)
    marketing = [path for template, path in paths.items() if settings.templates.get(template) == MessageClass.MARKETING]
    if seen.settings.marketing.sample is not None:
        marketing.append(seen.settings.marketing.sample)
    read = [message_reading.read(seen.folder / path) for path in marketing]
    advertising = frozenset(line for each in read if each is not None for line in each.lines)
    for template, path in paths.items():
        if settings.templates.get(template) != MessageClass.TRANSACTIONAL:
            continue
        sample = message_reading.read(seen.folder / path)
        if sample is None:
            yield unproven(
                f"the message {path}", "it cannot be read", repair="have the mailer keep a copy of each template there"
            )
        elif sample.stops:
            yield broken(
                f"the message {path}",
                "it has List-Unsubscribe, which is for mailings; nobody can opt out of what their order needs",
                repair="send mailings as marketing, and leave the header out of messages about orders",
            )
        elif shared := [line for line in sample.lines & advertising if not _says_who_writes(line, seen.policy)]:
            yield broken(
                f"the message {path}",
                f"it has {counted(len(shared), 'line')} in common with a marketing letter",
                repair="take the advertisement out of the message about an order",
            )


def _says_who_writes(line: str, policy: Policy) -> bool:
    """Whether a line is part of what every letter of a company must say: its name, how to reach it, its register."""
    told = policy.controller.name.lower() in line.lower() or _IMPRINT.search(line)
    return bool(told) and not _SELLS.search(line)


CHECKS: tuple[Check, ...] = (notice_that_advertises,)
