"""Drafts of what must be told: to the authority (GDPR Art. 33(3)), to people (Art. 34(2)), to a controller (33(2)).

Drafts, for a person to finish: what the register does not know stands in square brackets. Plain text, no letterhead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from troth.policy.datamap import DataMap
from troth.policy.law.authorities import authorities_for
from troth.policy.law.telling import Told
from troth.policy.model import Policy
from troth.policy.vocabulary import CATEGORIES, Channel
from troth.protection.breaches.reading import Breach


@dataclass(frozen=True, slots=True)
class Material:
    """What a letter is made of: the breach, its words unsealed, and the kinds of data in its places."""

    breach: Breach
    words: Mapping[str, str] = field(repr=False)
    categories: Sequence[str]


def categories_of(datamap: DataMap, places: Iterable[str]) -> tuple[str, ...]:
    """The kinds of data that the map has in `places` (`store.table`, `store.table.column`), in its order, each once."""
    wanted = set(places)
    named = (
        column.category
        for place, column in datamap.columns()
        if {f"{place.store}.{place.table}", f"{place.store}.{place.table}.{place.column}"} & wanted
    )
    return tuple(dict.fromkeys(each for each in named if each))


def draft(policy: Policy, material: Material, told: Told, now: dt.datetime) -> str:
    """The letter as text, for whoever is to be told."""
    if told is Told.PEOPLE:
        return _people(policy, material)
    return _authority(policy, material, told, now)


def _authority(policy: Policy, material: Material, told: Told, now: dt.datetime) -> str:
    breach, words = material.breach, material.words
    named = authorities_for([policy.controller.country])
    to = "the controller" if told is Told.CONTROLLER else named[0].name if named else "[the supervisory authority]"
    heading = "Notification of a personal data breach"
    late = (now - breach.noticed_at) > dt.timedelta(hours=72)
    lines = [
        f"To: {to}",
        f"From: {policy.controller.name}, {policy.controller.country}",
        f"Our number: {breach.number}",
        "",
        heading,
        "=" * len(heading),
        "",
        f"Noticed: {_instant(breach.noticed_at)}",
        f"It began: {_instant(breach.began_at) if breach.began_at else '[not known yet]'}",
        f"It ended: {_instant(breach.ended_at) if breach.ended_at else '[not known yet]'}",
        "",
        "1. What happened (Art. 33(3)(a))",
        "",
        words["what"],
        "",
        f"Kind of breach: {', '.join(breach.kinds)}.",
        f"People concerned: {_number(breach.people)}. Records concerned: {_number(breach.rows)}.",
        f"Kinds of data: {_labels(material.categories)}.",
        "",
        "2. Who answers questions (Art. 33(3)(b))",
        "",
        _contact(policy),
        "",
        "3. What may come of it (Art. 33(3)(c))",
        "",
        words["consequences"] or "[not weighed yet; follows]",
        "",
        "4. What was done and will be done (Art. 33(3)(d))",
        "",
        words["measures"] or "[follows]",
        "",
    ]
    if late and told is Told.AUTHORITY:
        lines += ["5. Why this comes later than 72 hours (Art. 33(1))", "", "[the reasons]", ""]
    lines += ["What is not known yet will follow without further delay (Art. 33(4)).", ""]
    return "\n".join(lines)


def _people(policy: Policy, material: Material) -> str:
    words = material.words
    return "\n".join(
        [
            f"From: {policy.controller.name}",
            "Subject: Something happened to your data",
            "",
            f"On {material.breach.noticed_at:%d %B %Y} we noticed that an incident at our company concerned your data.",
            "",
            "What happened",
            "",
            words["what"],
            "",
            f"Which of your data: {_labels(material.categories)}.",
            "",
            "What may come of it",
            "",
            words["consequences"] or "[what people should expect]",
            "",
            "What we did, and what you can do",
            "",
            words["measures"] or "[what was done]",
            "[what people can do themselves, in plain words]",
            "",
            "Who answers your questions",
            "",
            _contact(policy),
            "",
            "You may complain to the data protection authority. We are sorry.",
            "",
        ]
    )


def _contact(policy: Policy) -> str:
    found = (
        policy.by_id[sentence.clause_id].text or sentence.text
        for channel in (Channel.OFFICER, Channel.MAIL)
        for sentence in policy.sentences
        if sentence.meaning.channel is channel and sentence.clause_id in policy.by_id
    )
    return f"Data protection officer: {next(found, '[name and address]')}"


def _labels(categories: Sequence[str]) -> str:
    return ", ".join(CATEGORIES[each].label for each in categories if each in CATEGORIES) or "[which]"


def _number(count: int | None) -> str:
    return "[not known yet]" if count is None else f"about {count:,}"


def _instant(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
