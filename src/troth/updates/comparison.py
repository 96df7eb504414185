"""Compare two policies: what changed for people, and whether it is material.

Material is what people would have wanted to know before (WP260 rev.01 no. 29; GDPR Art. 13(3)): more data, another
purpose or ground, another recipient, a longer period, a weaker right, choice or measure, less notice. Editorial is the
rest: other words for the same meaning, better protection, dates. In doubt a change is material:

- a sentence whose words turn around ("not", "only", "without" come or go), or of which less than half stands, is
  material whatever its meaning says;
- so is a new sentence that nobody has given a meaning.

Pure: two policies in, differences out. It reads what is declared and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from troth.policy.model import CookieItem, DeclaredUse, Policy, Recipient, RetentionPeriod, Sentence
from troth.policy.noise import Noise
from troth.policy.periods import Duration
from troth.policy.turning import turned
from troth.policy.vocabulary import CATEGORIES, PURPOSES, CookieCategory, expand

_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: the number of the sentence it stands at (of the old text where it is gone), and what changed."""

    number: str
    material: bool
    what: str


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Every change from `before` to `after`: who, data, uses, recipients, periods, rights, cookies, notice, words."""
    found = (
        *_controller(before, after),
        *_collected(before, after),
        *_uses(before, after),
        *_recipients(before, after),
        *_periods(before, after),
        *_promises(before, after),
        *_cookies(before, after),
        *_notice(before, after),
        *_words(before, after),
    )
    return tuple(dict.fromkeys(found))


def is_material(changes: tuple[Difference, ...]) -> bool:
    """Whether one of the changes is material."""
    return any(change.material for change in changes)


def length(duration: Duration) -> float:
    """A period in hours, a month taken as the twelfth of a year: for telling longer from shorter, never for a date."""
    return duration.count * _HOURS[duration.unit]


def _controller(before: Policy, after: Policy) -> Iterator[Difference]:
    if (before.controller.name, before.controller.country) != (after.controller.name, after.controller.country):
        yield Difference("0", True, f"the controller is {after.controller.name} ({after.controller.country})")
    for law in before.laws:
        if law not in after.laws:
            yield Difference("0", True, f"the law {law} is no longer named")
    for law in after.laws:
        if law not in before.laws:
            yield Difference("0", False, f"the law {law} is named")
    if before.rights_for != after.rights_for:
        yield Difference("5", after.rights_for == "by-law", f"the rights are for {after.rights_for}")


def _collected(before: Policy, after: Policy) -> Iterator[Difference]:
    for category, number in after.collected.items():
        if category not in before.collected:
            yield Difference(number, True, f"{_category(category)} is collected")
    for category, number in before.collected.items():
        if category not in after.collected:
            yield Difference(number, False, f"{_category(category)} is no longer collected")


def _uses(before: Policy, after: Policy) -> Iterator[Difference]:
    old, new = _by_use(before), _by_use(after)
    for key, use in new.items():
        was = old.get(key)
        named = f"{_category(use.category)} for {_purpose(use.purpose)}"
        if was is None:
            known = use.purpose in before.purposes
            yield Difference(use.number, True, f"{named} is {'a new use' if known else 'a new purpose'}")
        elif was.basis is not use.basis:
            yield Difference(
                use.number, True, f"{named} rests on {use.basis or 'no ground'} instead of {was.basis or 'no ground'}"
            )
        elif was.opt_out != use.opt_out:
            yield Difference(
                use.number, was.opt_out, f"{named} can {'' if use.opt_out else 'no longer '}be opted out of"
            )
    for key, use in old.items():
        if key not in new:
            yield Difference(
                use.number, False, f"{_category(use.category)} is no longer used for {_purpose(use.purpose)}"
            )


def _recipients(before: Policy, after: Policy) -> Iterator[Difference]:
    old = {recipient.name: (sentence, recipient) for sentence, recipient in before.recipients}
    new = {recipient.name: (sentence, recipient) for sentence, recipient in after.recipients}
    for name, (sentence, recipient) in new.items():
        if name not in old:
            yield Difference(sentence.number, True, f"{name} receives data")
        else:
            yield from _recipient(sentence.number, old[name][1], recipient)
    for name, (sentence, _) in old.items():
        if name not in new:
            yield Difference(sentence.number, False, f"{name} no longer receives data")


def _recipient(number: str, was: Recipient, now: Recipient) -> Iterator[Difference]:
    for category in expand(now.data):
        if category not in expand(was.data):
            yield Difference(number, True, f"{now.name} receives {_category(category)}")
    for category in expand(was.data):
        if category not in expand(now.data):
            yield Difference(number, False, f"{now.name} no longer receives {_category(category)}")
    if was.purpose != now.purpose:
        yield Difference(number, True, f"{now.name} receives data for {_purpose(now.purpose)}")
    if was.country != now.country:
        yield Difference(number, True, f"{now.name} is in {now.country} instead of {was.country}")


def _periods(before: Policy, after: Policy) -> Iterator[Difference]:
    old, new = _by_category(before), _by_category(after)
    for category, (number, period) in new.items():
        if category not in old:
            yield Difference(number, False, f"{_category(category)} has a period: {period.keep} after {period.after}")
            continue
        was = old[category][1]
        if was.after != period.after:
            yield Difference(
                number, True, f"the period of {_category(category)} counts from {period.after} instead of {was.after}"
            )
        if was.keep != period.keep:
            longer = length(period.keep) > length(was.keep)
            yield Difference(number, longer, f"{_category(category)} is kept {period.keep} instead of {was.keep}")
        if was.then != period.then:
            yield Difference(
                number,
                period.then != "delete",
                f"{_category(category)}: {period.then} instead of {was.then} at the end",
            )
    for category, (number, _) in old.items():
        if category not in new:
            material = category in after.collected
            yield Difference(number, material, f"{_category(category)} has no period any more")


def _promises(before: Policy, after: Policy) -> Iterator[Difference]:
    """Rights, measures, circumstances of sharing, safeguards, channels: what a sentence means beside data."""
    for field, weaker_when_gone, weaker_when_new in (
        ("right", True, False), ("measure", True, False), ("channel", True, False), ("complaint", True, False),
        ("circumstance", False, True),
    ):  # fmt: skip
        old = {str(getattr(s.meaning, field)): s.number for s in before.sentences if getattr(s.meaning, field)}
        new = {str(getattr(s.meaning, field)): s.number for s in after.sentences if getattr(s.meaning, field)}
        for name, number in old.items():
            if name not in new:
                yield Difference(number, weaker_when_gone, f"the {field} {name} is no longer promised")
        for name, number in new.items():
            if name not in old:
                yield Difference(number, weaker_when_new, f"the {field} {name} is promised")
    for sentence in before.sentences:
        now = _same(sentence, after)
        if now is None:
            continue
        was, meaning = sentence.meaning, now.meaning
        if was.safeguard is not meaning.safeguard:
            yield Difference(now.number, was.safeguard is not None, f"the safeguard is {meaning.safeguard or 'gone'}")
        if was.smallest_group and was.smallest_group != meaning.smallest_group:
            smaller = meaning.smallest_group is None or meaning.smallest_group < was.smallest_group
            least = meaning.smallest_group or "not named"
            yield Difference(now.number, smaller, f"the fewest people that a group has is {least}")
        if was.noise != meaning.noise:
            yield Difference(now.number, _tells_more(was.noise, meaning.noise), _noise(meaning.noise))
        if was.minimum and was.minimum != meaning.minimum:
            weaker = meaning.minimum is None or meaning.minimum < was.minimum
            yield Difference(now.number, weaker, f"the least TLS version is {meaning.minimum or 'not named'}")
        if was.every and was.every != meaning.every:
            rarer = meaning.every is None or length(meaning.every) > length(was.every)
            yield Difference(now.number, rarer, f"it is done every {meaning.every or '(no interval named)'}")


def _tells_more(was: Noise | None, now: Noise | None) -> bool:
    """Whether figures may tell more of one person than before."""
    return was is not None and (now is None or now.epsilon > was.epsilon or now.budget > was.budget)


def _noise(now: Noise | None) -> str:
    if now is None:
        return "figures come without noise"
    return f"figures come with noise of epsilon {now.epsilon:g}, {now.budget:g} in all"


def _cookies(before: Policy, after: Policy) -> Iterator[Difference]:
    old, new = _items(before), _items(after)
    for name, (number, category, item) in new.items():
        if name not in old:
            yield Difference(number, True, f"{name} is stored on your device ({category})")
            continue
        _, was_category, was = old[name]
        if was_category is not category:
            yield Difference(number, category is CookieCategory.ESSENTIAL, f"{name} counts as {category}")
        if was.life != item.life:
            longer = was.life == "session" or (item.life != "session" and length(item.life) > length(was.life))
            yield Difference(number, longer, f"{name} stays {item.life} instead of {was.life}")
        if was.party != item.party:
            yield Difference(number, item.party == "third", f"{name} is of a {item.party} party")
    for name, (number, _, _) in old.items():
        if name not in new:
            yield Difference(number, False, f"{name} is no longer stored on your device")


def _notice(before: Policy, after: Policy) -> Iterator[Difference]:
    old = next((s for s in before.sentences if s.meaning.notice), None)
    new = next((s for s in after.sentences if s.meaning.notice), None)
    if old is None or old.meaning.notice is None:
        return
    if new is None or new.meaning.notice is None:
        yield Difference(old.number, True, "notice of changes is no longer promised")
        return
    was, now = old.meaning.notice, new.meaning.notice
    if was.material != now.material:
        shorter = length(now.material) < length(was.material)
        yield Difference(new.number, shorter, f"notice of material changes is {now.material} instead of {was.material}")
    for way in was.by:
        if way not in now.by:
            yield Difference(new.number, True, f"changes are no longer told by {way}")


def _words(before: Policy, after: Policy) -> Iterator[Difference]:
    for sentence in before.sentences:
        now = _same(sentence, after)
        if now is None:
            yield Difference(sentence.number, not sentence.meaning.updated, f"sentence {sentence.number} is gone")
        elif now.text != sentence.text:
            dated = bool(sentence.meaning.updated or sentence.meaning.effective)
            yield Difference(
                now.number, not dated and turned(sentence.text, now.text), f"sentence {now.number} has other words"
            )
    ids = {sentence.id for sentence in before.sentences}
    for sentence in after.sentences:
        if sentence.id not in ids:
            yield Difference(sentence.number, sentence.meaning.empty, f"sentence {sentence.number} is new")


def _same(sentence: Sentence, policy: Policy) -> Sentence | None:
    return next((other for other in policy.sentences if other.id == sentence.id), None)


def _by_use(policy: Policy) -> dict[tuple[str, str], DeclaredUse]:
    return {(use.purpose, use.category): use for use in policy.uses}


def _by_category(policy: Policy) -> dict[str, tuple[str, RetentionPeriod]]:
    found: dict[str, tuple[str, RetentionPeriod]] = {}
    for sentence in policy.sentences:
        for period in sentence.meaning.periods.values():
            for category in expand(period.data):
                found.setdefault(category, (sentence.number, period))
    return found


def _items(policy: Policy) -> dict[str, tuple[str, CookieCategory | None, CookieItem]]:
    return {
        item.name: (sentence.number, sentence.meaning.category, item)
        for sentence in policy.sentences
        for item in sentence.meaning.items
    }


def _category(name: str) -> str:
    return CATEGORIES[name].label if name in CATEGORIES else name


def _purpose(name: str) -> str:
    return PURPOSES[name].label.lower() if name in PURPOSES else name
