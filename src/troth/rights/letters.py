"""The letters about requests: plain words that stand apart, so that they can be translated, put into the outbox.

A letter goes to addresses that were on file when we learned who asks, and to no other. Each is queued in the
transaction of the move that it tells of, under a name of its own: what is repeated is sent once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from troth.errors import TrothError
from troth.foundation import mail
from troth.policy import documents
from troth.policy.law.authorities import authorities_for
from troth.policy.vocabulary import Channel
from troth.rights import labels

if TYPE_CHECKING:
    from troth.policy.model import Policy
    from troth.rights.desk import Desk
    from troth.rights.requests import Request

_ENGLISH = "en"
_OWED = frozenset(
    {
        "cooling",
        "held-erasure",
        "done-erasure",
        "done-rectification",
        "done-portability",
        "refused",
        "extended",
    }
)
"""Letters that follow from a link that was mailed, or from what staff did. INVARIANT: none that a form alone causes."""
_MOST_AUTHORITIES = 5


def send(
    tx: Connection, desk: Desk, request: Request, letter: str, to: Iterable[str], *, once: str = "", **facts: Any
) -> int:
    """Queue `letter` to each of `to`; gives how many were queued. `once` tells two of one kind apart.

    An address that cannot be one is passed over: it stood so in a store. Raises: StoreError.
    """
    office = desk.office
    words = wording(language_of(office.policy))
    said = _facts(desk, request, words) | facts
    text = words[letter]
    queued = 0
    for place, address in enumerate(dict.fromkeys(to)):
        sent = mail.Letter(
            address,
            text["subject"].format_map(said).strip(),
            text["text"].format_map({**said, **_own(facts, place)}),
            reference=f"request {request.number}",
            once=f"request {request.number} {letter} {once}{place}",
            person=request.person,
            owed=letter in _OWED,
        )
        try:
            queued += mail.queue(tx, office.keyring, sent, office.clock.now()) is mail.MailState.WAITING
        except TrothError:
            continue
    return queued


def remind(tx: Connection, desk: Desk, due: date, open_: Iterable[Request], to: str) -> bool:
    """Tell staff at `to` of open requests that are due by `due`, once for each set; gives whether it was queued."""
    words = wording(language_of(desk.office.policy))
    numbered = list(open_)
    site = desk.instance.settings.site
    language = language_of(desk.office.policy)
    lines = "\n".join(
        f"{one.number}  {labels.RIGHTS[one.right]}, {labels.of(one)}, due {day(one.due, language)}" for one in numbered
    )
    count = f"{len(numbered)} request{'' if len(numbered) == 1 else 's'}"
    said = {
        "count": count,
        "due": day(due, language),
        "lines": lines,
        "console": f"{site.url.rstrip('/')}{site.console}/requests",
    }
    text = words["reminder"]
    sent = mail.Letter(
        to,
        text["subject"].format_map(said),
        text["text"].format_map(said),
        reference="requests due soon",
        once=f"requests due {sha256(lines.encode()).hexdigest()}",
    )
    return mail.queue(tx, desk.office.keyring, sent, desk.office.clock.now()) is mail.MailState.WAITING


def language_of(policy: Policy) -> str:
    """The first of the policy's languages that there are letters in; English where there is none."""
    return next((language for language in policy.controller.languages if _exists(language)), _ENGLISH)


@cache
def wording(language: str) -> Mapping[str, Any]:
    """The letters in one language, by name."""
    name = f"letters.{language}.yaml"
    document = documents.load((resources.files("troth.rights") / name).read_bytes(), name)
    assert isinstance(document.value, dict)
    return document.value


def day(value: date, language: str) -> str:
    """A day as people of that language write it."""
    from babel.dates import format_date

    return str(format_date(value, "long", locale=language))


def until(said: str, language: str) -> str:
    """Until when something is kept, as people write it: a day in ISO 8601 as `day` does, other words as they are."""
    try:
        return day(date.fromisoformat(said), language)
    except ValueError:
        return said


def authorities(policy: Policy) -> str:
    """Where people may complain: the authority of the controller's country, then those of the laws that bind it."""
    own = authorities_for([policy.controller.country])
    found = own or authorities_for(laws=policy.laws)
    return "\n".join(f"{each.name}: {each.website}" for each in found[:_MOST_AUTHORITIES])


def contact_of(policy: Policy) -> str:
    """The address that section 9 of the policy names for questions; empty where it names none."""
    return next((clause.text or "" for clause in policy.clauses() if clause.meaning.channel is Channel.MAIL), "")


def _facts(desk: Desk, request: Request, words: Mapping[str, Any]) -> dict[str, Any]:
    policy, site = desk.office.policy, desk.instance.settings.site
    contact = contact_of(policy)
    return {
        "company": policy.controller.name,
        "number": request.number,
        "right": words["rights"][request.right],
        "due": day(request.due, language_of(policy)),
        "article": request.article,
        "centre": f"{site.url.rstrip('/')}{site.centre}",
        "contact": f" ({contact})" if contact else "",
        "authorities": authorities(policy),
        "note": "",
    }


def _own(facts: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What differs by address: a fact given as a list has one value for each."""
    return {name: value[place] for name, value in facts.items() if isinstance(value, list)}


def _exists(language: str) -> bool:
    return (resources.files("troth.rights") / f"letters.{language}.yaml").is_file()
