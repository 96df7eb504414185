"""The public's door: the policy page with a verdict beside each sentence, every version, and what changed between two.

`routes` gives the handlers; whoever builds the site says which policy is shown, which report stands beside it, and in
which store the versions are. A handler parses, asks one function, shows the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from troth.errors import DeclarationError, UnknownName
from troth.foundation.proof import Report, SentenceReport, Verdict
from troth.foundation.store import Store
from troth.foundation.web.pages import Ask, Handler
from troth.policy import retention
from troth.policy.model import Policy
from troth.policy.rendering.annexes import Annex, annexes
from troth.policy.rendering.html import clause_anchor, sentence_anchor
from troth.policy.rendering.jsonld import render_jsonld
from troth.policy.rendering.markdown import render_markdown
from troth.policy.rendering.outline import Block, Heading, Items, Paragraph, Table, outline
from troth.policy.rendering.text import render_text
from troth.sharing import transfer_reading
from troth.sharing.words import TransferState
from troth.updates import comparison, versions, wording
from troth.updates.versions import PublishedText, Version

Route = tuple[str, str, Handler]
"""Method, path, handler."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pages show: the policy in force, the last report on it if there is one, and the store of versions."""

    policy: Callable[[], Policy]
    report: Callable[[], Report | None]
    store: Store
    path: str = "/privacy"


@dataclass(frozen=True, slots=True)
class AnnexLine:
    """One row of an annex with its anchor, by which checks find it; `lead` is the anchor of what it spells out."""

    id: str
    cells: tuple[str, ...]
    number: str | None
    lead: str | None


def routes(
    policy: Callable[[], Policy], store: Store, report: Callable[[], Report | None], *, path: str = "/privacy"
) -> tuple[Route, ...]:
    """Every page of this door: `policy` gives the text in force, `report` the last check of it, asked at each visit."""
    shown = Shown(policy, report, store, path)
    base = path.rstrip("/")

    def get(path: str, handler: Callable[[Shown, Ask], Response]) -> Route:
        return "GET", base + path, lambda ask: handler(shown, ask)

    return (
        get("", policy_page),
        get("/print", print_page),
        get("/versions", versions_page),
        get("/versions/{number}", version_page),
        get("/compare", compare_page),
        *(get(f"/policy.{kind}", file_page) for kind in _FILES),
    )


def policy_page(shown: Shown, ask: Ask) -> Response:
    """The policy, each sentence beside its verdict and the evidence behind it."""
    policy, report = shown.policy(), shown.report()
    marks = report.as_of(ask.now) if report is not None else None
    known = versions.history(shown.store)
    version = next((each for each in reversed(known) if each.sha256 == policy.sha256), None)
    return _page(shown, ask, policy, marks=marks, version=version, plain=False)


def print_page(shown: Shown, ask: Ask) -> Response:
    """The policy and its annexes without marks, for paper."""
    return _page(shown, ask, shown.policy(), marks=None, version=None, plain=True)


def versions_page(shown: Shown, ask: Ask) -> Response:
    """Every published version, the newest first, with what changed."""
    known = tuple(reversed(versions.history(shown.store)))
    return ask.page("updates/versions.html", title="Versions of the policy", versions=known, base=shown.path)


def version_page(shown: Shown, ask: Ask) -> Response:
    """One published version as it was."""
    found = _load(shown.store, str(ask.request.path_params["number"]))
    if found is None:
        return ask.problem(404, "There is no such version of the policy.", "The page of versions lists all of them.")
    try:
        policy = found.policy()
    except DeclarationError:
        return ask.problem(
            404, "This version is kept, but it can no longer be shown as a page.", "Ask us for its text."
        )
    return _page(shown, ask, policy, marks=None, version=found.version, plain=False, former=True)


def compare_page(shown: Shown, ask: Ask) -> Response:
    """What changed from one version to another; without `from` and `to`, between the newest two."""
    known = versions.history(shown.store)
    asked = ask.request.query_params
    newest = known[-1].number if known else 0
    after = _load(shown.store, asked.get("to") or str(newest))
    before = _load(shown.store, asked.get("from") or str(newest - 1))
    if before is None or after is None:
        return ask.problem(404, "There are no two such versions to compare.", "The page of versions lists all of them.")
    try:
        old, new = before.policy(), after.policy()
    except DeclarationError:
        return ask.problem(404, "One of these versions can no longer be compared.", "Ask us for its text.")
    return ask.page(
        "updates/compare.html",
        title=f"What changed from version {before.version.number} to {after.version.number}",
        before=before.version,
        after=after.version,
        versions=known,
        changes=comparison.differences(old, new),
        reworded=wording.reworded(old, new),
        base=shown.path,
    )


def file_page(shown: Shown, ask: Ask) -> Response:
    """The policy as a file that programs read."""
    kind = ask.request.url.path.rpartition(".")[2]
    content_type, write = _FILES[kind]
    return Response(write(shown), media_type=content_type, headers=_headers(shown))


def _as_json(shown: Shown) -> str:
    policy, report = shown.policy(), shown.report()
    verdicts = {each.number: each.verdict.value for each in report.sentences} if report is not None else {}
    sentences = [
        {"number": each.number, "id": each.id, "text": each.text, "verdict": verdicts.get(each.number)}
        for each in policy.sentences
    ]
    whole = {"schema": "troth/policy/1", "title": policy.title, "sha256": policy.sha256, "sentences": sentences}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


_FILES: Mapping[str, tuple[str, Callable[[Shown], str]]] = {
    "txt": ("text/plain; charset=utf-8", lambda shown: render_text(shown.policy())),
    "md": ("text/markdown; charset=utf-8", lambda shown: render_markdown(shown.policy())),
    "json": ("application/json", _as_json),
    "jsonld": ("application/ld+json", lambda shown: render_jsonld(shown.policy())),
}


def _page(
    shown: Shown,
    ask: Ask,
    policy: Policy,
    *,
    marks: Report | None,
    version: Version | None,
    plain: bool,
    former: bool = False,
) -> Response:
    with shown.store.reading() as tx:
        sold = next((each for each in transfer_reading.every(tx) if each.state is not TransferState.ENDED), None)
    response = ask.page(
        "updates/policy.html",
        sold=sold if not former else None,
        title=policy.title,
        policy=policy,
        blocks=outline(policy),
        kind=_kind,
        anchor=sentence_anchor,
        clause_anchor=clause_anchor,
        marks=_marks(policy, marks),
        counts=tuple(marks.count(verdict) for verdict in Verdict) if marks is not None else None,
        checked_at=marks.checked_at if marks is not None else None,
        annexes=tuple((annex, tuple(annex_lines(annex, policy))) for annex in annexes(policy)),
        version=version,
        plain=plain,
        former=former,
        base=shown.path,
    )
    response.headers.update(_headers(shown))
    return response


def _headers(shown: Shown) -> dict[str, str]:
    """Where programs find the policy (RFC 6903, RFC 8288), and that a copy must be asked about before it is used."""
    base = shown.path.rstrip("/")
    return {
        "cache-control": "no-cache",
        "link": f'<{shown.path}>; rel="privacy-policy", '
        f'<{base}/policy.jsonld>; rel="describedby"; type="application/ld+json"',
    }


def annex_lines(annex: Annex, policy: Policy) -> Iterator[AnnexLine]:
    """The rows of an annex; those that a check looks for carry the name of what they show: `recipient-...`."""
    names: tuple[str, ...] = ()
    if annex.id == "annex-recipients":
        names = tuple(f"recipient-{_slug(recipient.name)}" for _, recipient in policy.recipients)
    elif annex.id == "annex-periods":
        names = tuple(f"period-{rule.id}" for rule in retention.rules(policy))
    elif annex.id == "annex-authorities":
        names = tuple(f"authority-{position}" for position in range(1, len(annex.rows) + 1))
    leads = {clause.number: clause_anchor(clause.id) for clause in policy.clauses() if clause.is_heading}
    leads |= {number: sentence_anchor(number) for number in policy.by_number}
    for position, row in enumerate(annex.rows):
        name = names[position] if len(names) == len(annex.rows) else f"{annex.id}-{position + 1}"
        yield AnnexLine(name, row.cells, row.number, leads.get(row.number or ""))


def _marks(policy: Policy, report: Report | None) -> dict[str, SentenceReport]:
    """By number, the mark of each sentence whose words are those that were checked."""
    if report is None:
        return {}
    texts = {sentence.number: sentence.text for sentence in policy.sentences}
    return {each.number: each for each in report.sentences if texts.get(each.number) == each.text}


def _kind(block: Block) -> str:
    match block:
        case Heading():
            return "heading"
        case Paragraph():
            return "paragraph"
        case Items():
            return "items"
        case Table():
            return "table"


def _load(store: Store, number: str) -> PublishedText | None:
    """The version of that number as it stands in an address; None for whatever is none."""
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        return None
    try:
        return versions.load(store, int(number))
    except UnknownName:
        return None


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
