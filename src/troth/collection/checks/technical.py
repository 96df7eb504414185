"""What stands in the traces that technology leaves: devices, access logs, places, events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from troth.collection.checks.contents import speaks_for
from troth.collection.checks.values import Contents, columns_with, contents
from troth.foundation.proof import Check, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import expand
from troth.use import answering

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.datamap import TableMap
    from troth.policy.model import Policy, Sentence

_COARSE = ("device.type", "device.os", "device.browser")
_PAGE = "usage.page"
_PLACE = "location.approximate"

_LONGEST_NAME = 40
_AGENT = re.compile(r"Mozilla/\d|AppleWebKit|\bGecko/|[A-Za-z]+/\d+(?:\.\d+){2,}|\([^)]*;[^)]*\)")
_MARK = re.compile(r"(?=[^0-9]*[0-9])(?:[0-9a-f]{16,}|[A-Za-z0-9+/_-]{24,})={0,2}\Z")
_FILES = "png|jpe?g|gif|webp|avif|svg|ico|m?js|css|map|woff2?|ttf|html?|json|wasm|mp4|pdf"
_MAIL = re.compile(
    rf"[^\s/?&=@]+(?:@|%(?:25)*40)(?![\w.-]*\.(?:{_FILES})(?:[?#]|\Z))[^\s/?&=@]+\.[A-Za-z]{{2,}}", re.IGNORECASE
)
_SECRET = re.compile(
    r"[?&;#](?:[a-z_]*token|api_?key|auth|secret|passw(?:or)?d|pwd|session(?:_?id)?|sid|jwt"
    r"|e-?mail|phone|user(?:_?name)?)=[^&;#]+|\beyJ[A-Za-z0-9_-]{10,}\."
    r"|[?&;](?:code|key|sig(?:nature)?|hash|ticket|otp)=[A-Za-z0-9_.~%-]{16,}"  # short ones are coupons and countries
    r"|/(?:reset|recover|confirm|verify|verification|activate|invite|magic|log-?in|sign-?in|password)[a-z_-]*/"
    r"(?:[a-z_-]+/)?(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{16,}(?:[/?#]|\Z)"
    r"|(?:=|/)(?:%2B|\+)\d{8,14}(?!\d)",
    re.IGNORECASE,
)
_FINE = re.compile(
    r"(?<![\d.,])[-+]?\d{1,3}(?:\.\d0*[1-9]\d*|,\d{4,})"  # a second decimal of nought says nothing more
    r"|\d{1,3}\s?°\s?\d{1,2}\s?['\u2032]"
    r"|(?<![\d.,])-?\d{7,9}\s*[,;]\s*-?\d{7,9}(?!\d)"
    r"|\b[2-9CFGHJMPQRVWX]{8}\+[2-9CFGHJMPQRVWX]{2,3}\b"
)
_MANY = 100
_MANY_OF_ROWS = 20
"""Kinds of devices are few: more than a hundred different ones, and more than one in twenty rows, are marks."""


@check(
    id="collection.raw-device",
    promise="the kind of device is collected",
    applies=speaks_for(*_COARSE),
    reference="GDPR Art. 5(1)(c), 25(1)",
)
def raw_device(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Of the device only its kind is kept: no raw browser identification, no mark that tells one device from another.

    What it proves: no value in the columns of device type, system and browser is a raw user agent, a long version or a
    fingerprint (a long run of letters and digits), and none is longer than 40 letters; where all rows were read, there
    are not more than a hundred different values that are more than a twentieth of the rows.

    What it does not prove: that scripts do not read more from the device; columns of other kinds (1.2 looks for those).

    Repair: read the user agent once, and keep the words. Before: `Mozilla/5.0 (X11; Linux x86_64) ...`.
    After: `desktop`, `Linux`, `Firefox`.
    """
    mine = [each for each in _COARSE if each in expand(sentence.meaning.data)]
    for column in (contents(seen, place) for place in columns_with(seen, mine)):
        if column.whole and len(column.values) > max(_MANY, column.rows // _MANY_OF_ROWS):
            yield broken(
                str(column.place),
                f"{len(column.values)} different values in {column.looked_at}: they tell one device from another",
                repair="keep the kind of device only",
            )
    yield from _judge(
        sentence,
        [contents(seen, place) for place in columns_with(seen, mine)],
        lambda value: len(value) > _LONGEST_NAME or bool(_AGENT.search(value) or _MARK.match(value)),
        fault="are more than a kind of device: raw browser identification or a mark of one device",
        repair="keep the kind of device only, and drop the raw text",
        fine="kinds of device only",
    )


@check(
    id="collection.log-holds-more",
    promise="access logs are collected",
    applies=speaks_for(_PAGE),
    reference="GDPR Art. 5(1)(c), 25(2)",
)
def log_holds_more(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Access logs hold what the sentence names, and no page address in them holds a person or a key.

    What it proves: in each table with visited pages and an address or a time, every personal column is of a kind that
    the sentence names; no logged page holds an e-mail address, a telephone number with its country, a token behind a
    word such as `reset`, or a parameter with a name for one.

    What it does not prove: logs outside the connected stores (of a web server, of a load balancer); names of people and
    keys of another form within a path.

    Repair: log the path without its query, and the declared columns only. Before: `/reset?token=9f...`.
    After: `/reset`.
    """
    logs = [
        table
        for table in seen.need_map().tables()
        if (kinds := _kinds(table)) and _PAGE in kinds and kinds & {"device.ip", "usage.visit_time"}
    ]
    yield from _only_declared(seen, sentence, logs)
    pages = [place for place in columns_with(seen, (_PAGE,)) if any(place.table == log.name for log in logs)]
    yield from _judge(
        sentence,
        [contents(seen, place) for place in pages],
        lambda value: bool(_MAIL.search(value) or _SECRET.search(value)),
        fault="are page addresses that hold an e-mail address, a token or a person's data",
        repair="log the path without its query, and cut the rows that are there",
        fine="pages without any person's data in their address",
    )


@check(
    id="collection.location-too-exact",
    promise="approximate location is collected",
    applies=speaks_for(_PLACE),
    reference="GDPR Art. 5(1)(a), (c)",
)
def location_too_exact(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """A place that is called approximate is a region or a town, not a point on the map.

    What it proves: no value in the columns of approximate location has coordinates with two or more decimals (one
    decimal is about ten kilometres), with minutes of a degree, in millionths of one, or as an open location code.

    What it does not prove: how the place was found; that it is no street, post code or geohash; that pages do not ask
    the device for its exact position.

    Repair: keep the region. Before: `52.5163, 13.3777`. After: `DE-BE`.
    """
    yield from _judge(
        sentence,
        [contents(seen, place) for place in columns_with(seen, (_PLACE,))],
        lambda value: bool(_FINE.search(value)),
        fault="are exact points, not approximate places",
        repair="keep a region code, or coordinates with one decimal at most",
        fine="regions or towns",
    )


def _gated(sentence: Sentence, _: Policy) -> bool:
    return sentence.id.startswith("collection") and sentence.meaning.gate not in (None, answering.ESSENTIAL)


@check(
    id="collection.event-without-choice",
    promise="a sentence of section 1 collects only with a choice",
    applies=_gated,
    reference="GDPR Art. 6(1)(a), 7(1); ePrivacy Directive Art. 5(3)",
)
def event_without_choice(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Events exist only of people whose choice stood when they happened, and hold only what the sentence names.

    What it proves: in each table whose rows are uses for the purpose that the sentence is gated by, every row came
    while its person's consent to that purpose stood and no objection did; every personal column is of a kind that the
    sentence names.

    What it does not prove: events that leave no row; what happened to visitors whom no row leads to.

    Repair: ask before recording. Before: `insert into click_events ...`.
    After: `if troth.may(person, "analytics", "usage.click"): ...`.
    """
    gate = sentence.meaning.gate or ""
    if gate not in answering.gated(seen.policy):
        yield unproven(
            sentence.id,
            f"its gate {gate} is no purpose that rests on consent alone",
            repair="name the purpose under `gate` whose consent must stand",
        )
        return
    tables = answering.tables_with_uses(seen, frozenset((gate,)))
    if not tables:
        yield unproven(
            sentence.id,
            f"no table is named whose rows are uses for {gate}",
            repair=f"add `uses: {{purpose: {gate}, at: ...}}` to the tables of events in datamap.yaml",
        )
        return
    yield from _only_declared(seen, sentence, [table for table, _ in tables])
    from troth.use import log_reading

    rows = 0
    judged: list[Saw] = []
    for table, use in tables:
        for looked in log_reading.uses_without_choice(seen, table, use):
            rows += looked.rows
            judged.extend(log_reading.judged(looked, repair=f"ask `troth may` for {gate} before an event is recorded"))
    yield from judged
    if not rows:
        yield unproven(sentence.id, "no event is recorded yet", repair="look again when there are some")


def _kinds(table: TableMap) -> set[str]:
    return {column.category for column in table.columns.values() if column.category is not None}


def _only_declared(seen: Observation, sentence: Sentence, tables: Sequence[TableMap]) -> Iterator[Saw]:
    """A kind of data that section 1 names elsewhere, but not this sentence, in these tables."""
    from troth.policy.datamap import Place

    mine = set(expand(sentence.meaning.data))
    for table in tables:
        for column in table.columns.values():
            # what no sentence of section 1 names is told there as undeclared
            if column.category in seen.policy.collected and column.category not in mine:
                yield broken(
                    str(Place(table.store, table.name, column.name)),
                    f"holds {column.category}, which {sentence.number} does not name",
                    repair=f"drop the column, or declare {column.category} under {sentence.number} in policy.yaml",
                )


def _judge(
    sentence: Sentence,
    columns: Sequence[Contents],
    wrong: Callable[[str], bool],
    *,
    fault: str,
    repair: str,
    fine: str,
) -> Iterator[Saw]:
    """Count the rows whose value is `wrong`, column by column."""
    for column in columns:
        bad = sum(rows for value, rows in column.values.items() if wrong(value))
        if bad:
            yield broken(str(column.place), f"{bad} of {column.looked_at} {fault}", repair=repair)
        elif column.rows:
            yield kept(str(column.place), f"{column.looked_at}: {fine}")
    if not any(column.rows for column in columns):
        yield unproven(sentence.id, "no column of it holds a value yet", repair="map the columns, and look again")


CHECKS: tuple[Check, ...] = (raw_device, log_holds_more, location_too_exact, event_without_choice)
