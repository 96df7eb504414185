"""What a line probably means, guessed from its words and from what its part is about.

Every guess is one that the words themselves carry; nothing is filled in that the company would have to know (a host, a
recipient's name, a statute). A line that says what is *not* done is left without meaning. A line that only opens a
list is left to the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from troth.policy.importing.arrangement import ITEM, PARAGRAPH, PART, ROW, Draft
from troth.policy.importing.dates import find_date, find_interval, find_length
from troth.policy.importing.lexicon import READ, TYPICAL_BASIS, TYPICAL_DATA, first_in, found_in, says
from troth.policy.importing.sections import titled
from troth.policy.vocabulary import CATEGORIES, LegalBasis, expand

_INFERRED = re.compile(
    r"\b(?:inferred|derived|estimated|guessed) (?:from|by)\b.*|(?:根据|通过).{1,20}?(?:推断|推算|推测)", re.IGNORECASE
)
_MAILBOX = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(r"\+[0-9][0-9X ()/-]{5,}|\(?0[0-9]{1,4}\)?[ /-][0-9 -]{5,}|[0-9]{3,4}-[0-9]{4}")
_HOST = re.compile(r"https?://([\w-]+(?:\.[\w-]+)+)")
_EVENTS = (
    (re.compile(r"account|销户|注销|账[户号]", re.IGNORECASE), "account-closed"),
    (re.compile(r"order|purchase|transaction|invoice|订单|交易", re.IGNORECASE), "order"),
    (re.compile(r"visit|\blogs?\b|access|访问", re.IGNORECASE), "visit"),
    (re.compile(r"message|contact|enquir|inquir|request|ticket|消息|咨询", re.IGNORECASE), "message"),
)
_ANY_EVENT = "event"


def _source(words: str) -> dict[str, Any]:
    """Which way the data of a list come, where its opening words tell one way and no other."""
    ways = tuple(found_in("sources", words[:READ]))
    return {"source": ways[0]} if len(ways) == 1 else {}


@dataclass(slots=True)
class Doubt:
    """A guess that the words leave open, with the line it was made for."""

    line: int
    text: str


@dataclass(slots=True)
class Guesser:
    """Guesses line by line; what the source says it collects, and the grounds it names, are gathered beforehand."""

    collected: frozenset[str] = frozenset()
    bases: frozenset[str] = frozenset()
    doubts: list[Doubt] = field(default_factory=list)

    def gather(self, parts: Iterable[tuple[Draft, str]]) -> None:
        """Read what all parts say is collected, and which legal grounds they name anywhere."""
        collected: list[str] = []
        bases: list[str] = []
        for part, kind in parts:
            for draft in part.walk():
                if kind == "collection":
                    collected.extend(_data(draft.words))
                bases.extend(found_in("bases", draft.words))
        self.collected, self.bases = frozenset(collected), frozenset(bases)

    def guess(self, part: Draft, kind: str) -> None:
        """Put a guessed meaning on every line of a part that is about `kind` (one of the nine sections)."""
        self._below(part, kind, _Around(top=True))

    def _below(self, draft: Draft, kind: str, around: _Around) -> None:
        if draft.kind == PART and not around.top:
            kind = titled(draft) or kind
        self._one(draft, kind, around)
        inner = around.under(draft)
        for child in draft.children:
            self._below(child, kind, inner)

    def _one(self, draft: Draft, kind: str, around: _Around) -> None:
        opens = any(child.kind != PART for child in draft.children)
        if opens and draft.kind != ROW:
            if kind == "collection":
                draft.meaning = _source(draft.words)
            return
        if draft.sentences:
            draft.sentence_meanings = [self._meaning(draft, kind, around, text) for text in draft.sentences]
            draft.meaning = _gathered_periods(draft.sentence_meanings)
        elif draft.text is not None or draft.cells:
            draft.meaning = self._meaning(draft, kind, around, draft.text or " | ".join(draft.cells))

    def _meaning(self, draft: Draft, kind: str, around: _Around, text: str) -> dict[str, Any]:
        line = _Line(draft, around, text[:READ], sums=any(child.kind == PART for child in draft.children))
        dates = self._dates(line)
        if dates:
            return dates
        if kind != "contact" and says("negative", text):
            return {}
        meaning: dict[str, Any] = _GUESSES[kind](self, line)
        return meaning

    # --- one for each section ---------------------------------------------------------------------------------

    def collection(self, line: _Line) -> dict[str, Any]:
        data = _data(line.whole)
        return {"data": data} if data else {}

    def use(self, line: _Line) -> dict[str, Any]:
        bases = tuple(found_in("bases", line.whole))
        if line.around.titled("basis-title", line.draft) and line.draft.kind != ROW:
            return {"basis": bases[0]} if len(bases) == 1 else {}
        purposes = found_in("purposes", line.column("purpose") or line.whole)
        if not purposes:
            return {}
        if line.sums:
            return {"names_purposes": list(purposes)}
        if "legal" in purposes:
            bases = tuple(
                basis for basis in bases if basis != LegalBasis.LEGAL_OBLIGATION
            )  # the purpose, not the ground
        uses = [use for purpose in purposes if (use := self._use(purpose, line, bases))]
        if len(uses) < len(purposes):
            return {"names_purposes": list(purposes)}
        return uses[0] if len(uses) == 1 else {"uses": uses}

    def _use(self, purpose: str, line: _Line, bases: tuple[str, ...]) -> dict[str, Any] | None:
        data = _data(line.column("data") or line.whole) or [
            category for category in expand(TYPICAL_DATA.get(purpose, ())) if category in self.collected
        ]
        if not data:
            return None
        use: dict[str, Any] = {"purpose": purpose, "data": data}
        typical = TYPICAL_BASIS.get(purpose)
        if len(bases) == 1:
            use["basis"] = bases[0]
        elif typical in self.bases and not bases:
            use["basis"] = str(typical)
        if purpose in ("marketing", "advertising") and says("opt-out", line.whole):
            use["opt_out"] = "at-once"
        return use

    def protection(self, line: _Line) -> dict[str, Any]:
        measure = None if line.sums else first_in("measures", line.label, line.text)
        length = find_length(line.whole)
        data = _data(line.whole)
        if measure is not None:
            every = find_interval(line.text)
            return {"measure": measure} | ({"every": str(every)} if every else {})
        if length is None or not data:
            return {}
        event = next((name for form, name in _EVENTS if form.search(line.whole)), _ANY_EVENT)
        name = CATEGORIES[data[0]].family
        return {"periods": {name: {"data": data, "after": event, "keep": str(length)}}}

    def sharing(self, line: _Line) -> dict[str, Any]:
        if line.sums:
            return {}
        if line.draft.kind == ROW:
            safeguard = first_in("safeguards", line.whole)
            return {"safeguard": safeguard} if safeguard else {}
        circumstance = first_in("circumstances", line.label)
        named = found_in("circumstances", line.text)
        circumstance = circumstance or (named[0] if len(named) == 1 else None)
        return {"circumstance": circumstance} if circumstance else {}

    def rights(self, line: _Line) -> dict[str, Any]:
        if says("complaint", line.whole):
            return {"complaint": "authority"}
        head = line.label or line.title or (line.draft.cells[0] if line.draft.cells else None)
        if line.sums:
            return {}
        right = first_in("rights", head) if head else None
        named = found_in("rights", line.text)
        right = right or (named[0] if len(named) == 1 else None)
        return {"right": right} if right else {}

    def cookies(self, line: _Line) -> dict[str, Any]:
        if line.sums:
            return {}
        head = line.label or line.title or (line.draft.cells[0] if line.draft.cells else None)
        if head is None and line.draft.kind == ITEM:
            head = line.text
        category = first_in("cookies", head, line.column("purpose")) if head else None
        items = self._cookie(line)
        return ({"category": category} if category else {}) | ({"items": items} if items else {})

    @staticmethod
    def _cookie(line: _Line) -> list[dict[str, Any]]:
        """The cookie that a row of a cookie table describes: its name and how long it lives must be told."""
        name, life = line.column("cookie") or line.column("name"), line.column("life")
        if not name or not life or " " in name:
            return []
        length = find_length(life)
        lives = "session" if "session" in life.lower() else str(length) if length else None
        purposes = found_in("purposes", line.column("purpose") or line.whole)
        return [{"name": name, "life": lives, "purpose": purposes[0]}] if lives and purposes else []

    def links(self, line: _Line) -> dict[str, Any]:
        links = (link for link in line.draft.links if link.words in line.text)
        hosts = dict.fromkeys(host for link in links for host in _HOST.findall(link.address))
        return {"partners": [{"host": host} for host in hosts]} if hosts else {}

    def updates(self, line: _Line) -> dict[str, Any]:
        length = find_length(line.whole)
        if length is None or not re.search(
            r"notif|notice|tell|inform|before|in advance|通知|提前", line.text, re.IGNORECASE
        ):
            return {}
        ways = {
            "mail": r"e-?mail|邮件",
            "banner": r"banner|in[- ]app|弹窗",
            "page": r"\bpost|\bpage\b|website|本页|网站",
        }
        by = [way for way, words in ways.items() if re.search(words, line.text, re.IGNORECASE)]
        return {"notice": {"material": str(length)} | ({"by": by} if by else {})}

    def contact(self, line: _Line) -> dict[str, Any]:
        if says("complaint", line.whole):
            return {"complaint": "authority"}
        if line.sums:
            return {}
        channel = first_in("channels", line.label) if line.label else None
        if channel is None:
            if not (_MAILBOX.search(line.text) or _PHONE.search(line.text)):
                return {}
            officer = first_in("channels", line.title, line.text)
            channel = "officer" if officer == "officer" else "mail" if _MAILBOX.search(line.text) else "phone"
        return {"channel": channel}

    def _dates(self, line: _Line) -> dict[str, Any]:
        """The days of the last change and of the beginning, wherever a source prints them."""
        head = line.label or line.text
        found = find_date(line.text)
        if found is None or len(line.text) > 160:
            return {}
        meaning = {name: found.day for name in ("updated", "effective") if says(name, head)}
        if meaning and found.doubtful:
            self.doubts.append(
                Doubt(line.draft.line, f"read as {found.day.isoformat()}, day before month; is that right?")
            )
        return meaning


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a line stands: the titles above it, and the head of its table."""

    titles: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    top: bool = False

    def under(self, draft: Draft) -> _Around:
        titles = (*self.titles, draft.title) if draft.title else self.titles
        if draft.kind == PARAGRAPH and draft.text:
            titles = (*titles, draft.text)
        return _Around(titles, draft.columns, top=self.top and draft.title is None)

    def titled(self, sign: str, draft: Draft) -> bool:
        """Whether the nearest title over the line bears a sign."""
        nearest = draft.title or (self.titles[-1] if self.titles else "")
        return says(sign, nearest)


_COLUMNS = {
    "purpose": re.compile(r"purpose|why|use\b|used for|目的|用途", re.IGNORECASE),
    "data": re.compile(r"data|information|categor|数据|信息", re.IGNORECASE),
    "cookie": re.compile(r"cookie|名称", re.IGNORECASE),
    "name": re.compile(r"\bname\b", re.IGNORECASE),
    "life": re.compile(r"duration|expir|life|retention|stored for|kept|期限|有效期", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of one line: a whole text, or one of its sentences. `sums` where headings stand below it."""

    draft: Draft
    around: _Around
    text: str
    sums: bool

    @property
    def label(self) -> str | None:
        return self.draft.label

    @property
    def title(self) -> str | None:
        return self.draft.title

    @property
    def whole(self) -> str:
        return f"{self.draft.label}: {self.text}" if self.draft.label else self.text

    def column(self, name: str) -> str | None:
        """The cell of a row under the head of that sort, or None."""
        for head, cell in zip(self.around.columns, self.draft.cells, strict=False):
            if _COLUMNS[name].search(head):
                return cell
        return None


def _gathered_periods(meanings: list[dict[str, Any]]) -> dict[str, Any]:
    """The periods of all sentences of a text, taken from them: they are declared for the text as a whole."""
    periods: dict[str, Any] = {}
    for meaning in meanings:
        for name, period in meaning.pop("periods", {}).items():
            count = sum(known.partition("-")[0] == name for known in periods)
            periods[f"{name}-{count + 1}" if count else name] = period
    return {"periods": periods} if periods else {}


def _data(text: str) -> list[str]:
    return list(found_in("categories", _INFERRED.sub("", text)))


_GUESSES: Mapping[str, Any] = {
    "collection": Guesser.collection,
    "use": Guesser.use,
    "protection": Guesser.protection,
    "sharing": Guesser.sharing,
    "rights": Guesser.rights,
    "cookies": Guesser.cookies,
    "links": Guesser.links,
    "updates": Guesser.updates,
    "contact": Guesser.contact,
}
