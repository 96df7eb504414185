"""A plan as a picture: SVG drawn on the server, one line a step, with the same facts as the words beside it.

Bars grow with the logarithm of the count, so that one row and ten thousand both show. Nothing depends on colour: each
line says what happens. Colours are those of the page that it stands on, as attributes: a page's Content-Security-Policy
forbids styles inside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from troth.foundation.records.erasureplan import ErasurePlan, Step, StorePlan

WIDTH = 720
_ROW, _HEAD, _BAR, _LONGEST = 26, 34, 210, 200
_DO = {"delete": "deleted", "change": "changed", "keep": "kept, the rest cut", "cut": "cut off"}
_FILL = {
    "delete": "var(--broken,#a8281e)",
    "change": "var(--unproven,#84620a)",
    "keep": "var(--kept,#1b6b4f)",
    "cut": "var(--soft,#5d5a54)",
}


def picture(plan: ErasurePlan) -> str:
    """The plan as one `<svg>` element, with a title and the whole plan in words as its text alternative."""
    lines: list[str] = []
    y = 0
    for store in plan.stores:
        lines += _store(store, y)
        y += _HEAD + _ROW * (max(len(store.steps), 1) + len(store.kept))
    height = max(y, _ROW)
    words = escape(plan.words(), quote=False)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="erasure-title erasure-words" font-family="system-ui, sans-serif" '
        f'font-size="14" fill="currentColor">'
        f'<title id="erasure-title">What the erasure will do: {plan.rows} rows</title>'
        f'<desc id="erasure-words">{words}</desc>{"".join(lines)}</svg>'
    )


def _store(store: StorePlan, top: int) -> Iterator[str]:
    yield _text(0, top + 20, f"{store.store}: one transaction", 'font-weight="600"')
    most = max((step.n or 0 for step in store.steps), default=0)
    y = top + _HEAD
    if not store.steps:
        yield _text(0, y + 14, "nothing is changed", 'font-size="12"')
    for number, step in enumerate(store.steps, 1):
        yield from _step(number, step, y, most)
        y += _ROW
    for kept in store.kept:
        yield _text(0, y + 14, f"{kept.where}: {kept.n} kept for {kept.ground} until {kept.until}", 'font-size="12"')
        y += _ROW


def _step(number: int, step: Step, y: int, most: int) -> Sequence[str]:
    n = step.n or 0
    width = round(_LONGEST * math.log1p(n) / math.log1p(most), 1) if n else 0
    fill = _FILL.get(step.do, "currentColor")
    bar = f'<rect x="{_BAR}" y="{y + 2}" width="{max(width, 2)}" height="16" rx="2" fill="{fill}"/>'
    said = f"{'?' if step.n is None else n} {_DO.get(step.do, step.do)}"
    return (
        _text(0, y + 14, f"{number}. {_short(step.table, 26)}"),
        bar,
        _text(_BAR + max(width, 2) + 8, y + 14, said),
    )


def _text(x: float, y: float, words: str, look: str = "") -> str:
    return f'<text x="{x}" y="{y}"{look and " "}{look}>{escape(words, quote=False)}</text>'


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
