"""The two smaller files of a copy: `facts.json` for programs, and `README.txt` for whoever opens the folder first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from troth.foundation.clock import stamp
from troth.policy.periods import Duration
from troth.rights.facts import SOURCES, CategoryFact, Facts
from troth.rights.packaging.contents import Copy, Passing

FACTS_SCHEMA = "troth/copy-facts/1"


def facts_json(copy: Copy, passed: Sequence[Passing], redactions: Mapping[str, int]) -> dict[str, Any]:
    """All that the page says beside the rows, in the order of Art. 15(1)(a) to (h) and (2)."""
    facts, held = copy.facts, held_in(passed)
    return {
        "schema": FACTS_SCHEMA,
        "request": copy.request,
        "made_at": stamp(copy.made_at),
        "controller": {
            "name": facts.controller,
            "country": facts.country,
            "contacts": [_plain(contact) for contact in facts.contacts],
        },
        "policy": {
            "title": facts.policy_title,
            "sha256": facts.policy_sha256,
            "updated": _plain(facts.policy_updated),
        },
        "laws": list(facts.laws),
        "purposes": [_plain(each) for each in facts.purposes],
        "categories": [
            _plain(each) | {"from": SOURCES[each.source], "held": each.category in held} for each in facts.categories
        ],
        "held_without_a_sentence": sorted(held - {each.category for each in facts.categories}),
        "recipients": [_plain(each) for each in facts.recipients],
        "disclosures": [_plain(each) for each in copy.told],
        "sharing": [_plain(each) for each in facts.circumstances],
        "periods": [_plain(each) for each in facts.periods],
        "rights": [_plain(each) for each in facts.rights],
        "withdrawal": _plain(facts.withdrawal),
        "complaint": {"sentence": _plain(facts.complaint), "authorities": [_plain(each) for each in facts.authorities]},
        "automated_decisions": facts.automated_decisions,
        "transfers": [each.name for each in facts.transfers],
        "choices": [_plain(each) for each in copy.choices],
        "requests": [_plain(each) for each in copy.asked],
        "holdings": [_holding(each) for each in passed],
        "redactions": dict(sorted(redactions.items())),
    }


def held_in(passed: Sequence[Passing]) -> frozenset[str]:
    """The kinds of data of which the person has at least one value."""
    return frozenset().union(*(each.categories for each in passed))


def unnamed(facts: Facts, held: frozenset[str]) -> frozenset[str]:
    """Kinds of data that are held and that no sentence of the policy names."""
    named: set[str] = {each.category for each in facts.categories}
    return held - named


def sources(facts: Facts, held: frozenset[str]) -> dict[str, list[CategoryFact]]:
    """The kinds that are held, by where they come from."""
    found: dict[str, list[CategoryFact]] = {}
    for each in facts.categories:
        if each.category in held:
            found.setdefault(SOURCES[each.source], []).append(each)
    return found


def readme(copy: Copy, key_id: str) -> str:
    """The text that says what the files are and how to verify them."""
    facts = copy.facts
    mail = next((contact.text for contact in facts.contacts if contact.channel == "mail"), None)
    lines = [
        f"{facts.controller}: the copy of your personal data",
        f"Request {copy.request}, made {copy.made_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "",
        "Open index.html in any browser. It needs no network and sends nothing anywhere.",
        "",
        "  index.html      what we hold about you, why, since when, until when, and who receives it",
        "  data/*.csv      every row, for a spreadsheet; a text that a spreadsheet would run as a formula",
        "                  has an apostrophe before it",
        "  data/*.json     every row again, each value exactly as we hold it, for programs",
        "  schemas/*.json  the JSON Schema of each file above",
        "  facts.json      what index.html says beside the rows, for programs",
        "  manifest.*      each file with its SHA-256, signed by us",
        "",
        "These files hold your personal data in clear. Keep them where only you can read them.",
        "",
        "To verify that nothing was changed since we made it (OpenSSL 3, in this folder):",
        "",
        "  openssl pkeyutl -verify -pubin -inkey manifest.pem -rawin -in manifest.json -sigfile manifest.sig",
        "  then compare the SHA-256 of a file (sha256sum FILE) with the one in manifest.json.",
        "",
        f"The signature is made with our key {key_id}. Compare it with the one that we publish.",
    ]
    if mail:
        lines += ["", f"Questions, or something wrong? {mail}"]
    return "\r\n".join(lines) + "\r\n"


def _holding(passing: Passing) -> dict[str, Any]:
    holding, until = passing.holding, passing.until
    return {
        "store": holding.store,
        "table": holding.table,
        "role": holding.role,
        "title": holding.title,
        "section": holding.section or None,
        "rows": passing.count,
        "from": None if passing.first is None else stamp(passing.first),
        "to": None if passing.last is None else stamp(passing.last),
        "kept_until": None if until is None else [stamp(moment) for moment in until],
        "files": [f"data/{passing.name}.json", f"data/{passing.name}.csv", f"schemas/{passing.name}.json"]
        if passing.count
        else [],
    }


def _plain(value: Any) -> Any:
    """A fact as JSON has it."""
    if is_dataclass(value) and not isinstance(value, (type, Duration)):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dt.datetime):
        return stamp(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value
