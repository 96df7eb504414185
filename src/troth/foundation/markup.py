"""An eye for HTML: what a visitor without scripts reads on a page, where it leads, what it loads and what it asks.

Reads with the standard library's parser in one pass over bounded bytes, and runs nothing. What is hidden (`hidden`,
`display:none`, `<template>`, `<noscript>`) is not text that somebody reads; what it loads or links is still told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from troth.foundation.markuptext import Attributes, Opened, Span, TextReader, plain

_IN_STYLE = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\"\s]+)", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([A-Za-z0-9_-]{2,40})""", re.IGNORECASE)
_NAMED_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]+)", re.IGNORECASE)
_LOADING = frozenset(
    {
        "stylesheet", "icon", "preload", "modulepreload", "prefetch", "prerender", "preconnect", "dns-prefetch",
        "manifest",
    }
)  # fmt: skip
_DATA_BLOCKS = frozenset({"application/ld+json", "application/json"})
_NOT_ASKED = frozenset({"hidden", "submit", "button", "reset", "image"})


@dataclass(frozen=True, slots=True)
class Link:
    """One way out of the page. `url` is absolute, `written` as it stands, `text` what the visitor reads on it."""

    url: str
    written: str
    text: str
    rel: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Embed:
    """One thing that the page loads by itself: `kind` is script, frame, image, style, media or other."""

    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class Field:
    """One place of a form. `label` is what names it to the visitor, empty when nothing does; values are never kept."""

    name: str
    kind: str
    label: str
    checked: bool = False
    required: bool = False

    @property
    def asks(self) -> bool:
        """Whether the visitor is asked for something here: not hidden, not a button."""
        return self.kind not in _NOT_ASKED


@dataclass(frozen=True, slots=True)
class Form:
    """One form; fields that stand outside every form are told as one form without `action` and `method`."""

    action: str
    method: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Markup:
    """One page as read. Texts have single spaces; the cells of a table row are parted by ` | `."""

    url: str
    language: str
    title: str
    links: tuple[Link, ...]
    embeds: tuple[Embed, ...]
    forms: tuple[Form, ...]
    metas: Mapping[str, str]
    inline_scripts: int
    _chunks: tuple[str, ...] = field(repr=False)
    _spans: Mapping[str, tuple[Span, ...]] = field(repr=False)
    sent_to: tuple[str, ...] = ()
    """The addresses to which forms of the page, or buttons of them, send what is typed."""

    @property
    def text(self) -> str:
        """All that is read on the page."""
        return plain(self._chunks)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id of the page; one that stands twice is told once."""
        return tuple(self._spans)

    def texts(self, element_id: str) -> tuple[str, ...]:
        """What is read in each element with this id, in order; a hidden element reads as the empty text."""
        spans = self._spans.get(element_id, ())
        return tuple(plain(self._chunks[start:end]) if visible else "" for start, end, visible in spans)

    def text_of(self, element_id: str) -> str | None:
        """What is read in the one element with this id; None when there is none, or more than one."""
        found = self.texts(element_id)
        return found[0] if len(found) == 1 else None

    @property
    def scripted(self) -> bool:
        """Whether the page runs any script: a script element, an inline handler or a `javascript:` address."""
        return bool(self.inline_scripts) or any(embed.kind == "script" for embed in self.embeds)


def read(body: bytes, *, url: str, content_type: str = "") -> Markup:
    """Read the page that `url` answered with. Never raises: what is not HTML reads as a page of text."""
    reader = _Reader(url)
    reader.feed(_decoded(body, content_type))
    reader.finish()
    return reader.markup()


def is_html(content_type: str) -> bool:
    """Whether an answer with this Content-Type is a page."""
    return content_type.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}


def host_of(url: str) -> str:
    """The host of an absolute http(s) URL in lower case without `www.`; empty for any other URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host.lower().rstrip(".").removeprefix("www.") if parts.scheme in {"http", "https"} else ""


def _decoded(body: bytes, content_type: str) -> str:
    named = _NAMED_CHARSET.search(content_type)
    written = _CHARSET.search(body[:2048])
    for charset in (named[1] if named else "", written[1].decode("ascii") if written else ""):
        try:
            if charset:
                return body.decode(charset, "replace")
        except LookupError:
            continue
    return body.decode("utf-8", "replace")


@dataclass(slots=True)
class _Asked:
    """One field while the page is read: its label, and the form it names, may come later."""

    attributes: Attributes
    kind: str
    label: int | None
    form: int | None


class _Reader(TextReader):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = self.base = url
        self.language = ""
        self.links: list[Link] = []
        self.embeds: list[Embed] = []
        self.metas: dict[str, str] = {}
        self.scripts = 0
        self.forms: list[Attributes] = []
        self.form: int | None = None
        self.elsewhere: list[str] = []
        self.asked: list[_Asked] = []
        self.labels: list[tuple[str, int, int]] = []
        self.labels_begun: list[int] = []

    def began(self, tag: str, attributes: Attributes) -> None:
        self._count_scripts(tag, attributes)
        self._note_loads(tag, attributes)
        if "style" in attributes:
            self.styled(attributes["style"])
        if tag == "html":
            self.language = attributes.get("lang", "").strip()
        elif tag == "base" and attributes.get("href"):
            self.base = self._absolute(attributes["href"])
        elif tag == "meta":
            self._note_meta(attributes)
        elif tag == "area" and attributes.get("href"):
            self._link(attributes["href"], attributes.get("alt", ""))
        elif tag == "form":
            self.forms.append(attributes)
            self.form = len(self.forms) - 1
        elif tag == "label":
            self.labels.append((attributes.get("for", ""), 0, 0))
            self.labels_begun.append(len(self.labels) - 1)
        elif tag in {"input", "select", "textarea", "button"}:
            default = {"input": "text", "button": "submit"}.get(tag, tag)
            kind = attributes.get("type", default).lower() if tag in {"input", "button"} else tag
            label = self.labels_begun[-1] if self.labels_begun else None
            self.asked.append(_Asked(attributes, kind, label, self.form))
            if attributes.get("formaction"):
                self.elsewhere.append(self._absolute(attributes["formaction"]))

    def ended(self, opened: Opened) -> None:
        if opened.tag == "a" and opened.attributes.get("href"):
            rel = frozenset(opened.attributes.get("rel", "").lower().split())
            self._link(opened.attributes["href"], plain(self.chunks[opened.start :]), rel)
        elif opened.tag == "label" and self.labels_begun:
            label = self.labels_begun.pop()
            self.labels[label] = (self.labels[label][0], opened.start, len(self.chunks))
        elif opened.tag == "form":
            self.form = None

    def styled(self, style: str) -> None:
        for match in _IN_STYLE.finditer(style):
            self._embed("style", match[1])

    def _count_scripts(self, tag: str, attributes: Attributes) -> None:
        if tag == "script" and not attributes.get("src") and attributes.get("type", "").lower() not in _DATA_BLOCKS:
            self.scripts += 1
        for name, value in attributes.items():
            runs = name in {"href", "src", "action", "formaction"} and value.strip().lower().startswith("javascript:")
            self.scripts += name.startswith("on") or runs

    def _note_meta(self, attributes: Attributes) -> None:
        name = (attributes.get("name") or attributes.get("http-equiv") or "").lower()
        if name:
            self.metas[name] = attributes.get("content", "")
        if name == "refresh" and (target := _REFRESH.search(self.metas[name])):
            self._link(target[1], "")

    def _note_loads(self, tag: str, attributes: Attributes) -> None:
        source = attributes.get("src", "")
        self._embed("image", attributes.get("background", ""))
        for written in attributes.get("ping", "").split():
            self._embed("other", written)
        if tag == "iframe" and attributes.get("srcdoc"):
            inner = _Reader(self.base)
            inner.feed(attributes["srcdoc"])
            inner.close()
            self.embeds += inner.embeds
        if tag == "script":
            self._embed("script", source)
        elif tag in {"iframe", "frame", "embed", "object"}:
            self._embed("frame", attributes.get("data", "") if tag == "object" else source)
        elif tag == "link":
            rels = set(attributes.get("rel", "").lower().split())
            if rels & _LOADING:
                self._embed("style" if "stylesheet" in rels else "other", attributes.get("href", ""))
        elif tag in {"use", "image"}:
            self._embed("image", attributes.get("href") or attributes.get("xlink:href", ""))
        elif tag in {"img", "source", "video", "audio", "track", "input"}:
            kind = "image" if tag in {"img", "source", "input"} else "media"
            candidates = [each.split()[0] for each in attributes.get("srcset", "").split(",") if each.strip()]
            for written in (source, attributes.get("poster", ""), *candidates):
                self._embed(kind, written)

    def _embed(self, kind: str, written: str) -> None:
        if written:
            self.embeds.append(Embed(kind, self._absolute(written)))

    def _link(self, written: str, text: str, rel: frozenset[str] = frozenset()) -> None:
        self.links.append(Link(self._absolute(written), written, text, rel))

    def _absolute(self, written: str) -> str:
        try:
            return urljoin(self.base, written.strip())
        except ValueError:
            return ""

    def markup(self) -> Markup:
        return Markup(
            url=self.url,
            language=self.language,
            title=plain(self.title),
            links=tuple(self.links),
            embeds=tuple(self.embeds),
            forms=tuple(self._forms()),
            metas=MappingProxyType(self.metas),
            inline_scripts=self.scripts,
            _chunks=tuple(self.chunks),
            _spans=MappingProxyType({name: tuple(spans) for name, spans in self.spans.items()}),
            sent_to=(*(self._absolute(each.get("action", "")) for each in self.forms), *self.elsewhere),
        )

    def _forms(self) -> Iterator[Form]:
        numbers = {attributes["id"]: number for number, attributes in enumerate(self.forms) if attributes.get("id")}
        fields: dict[int | None, list[Field]] = {}
        for asked in self.asked:
            given = asked.attributes
            owner = numbers.get(given["form"]) if given.get("form") else asked.form
            one = Field(
                given.get("name", ""), asked.kind, self._label_of(asked), "checked" in given, "required" in given
            )
            fields.setdefault(owner, []).append(one)
        for number, attributes in enumerate(self.forms):
            method = attributes.get("method", "get").lower()
            yield Form(self._absolute(attributes.get("action", "")), method, tuple(fields.get(number, ())))
        if None in fields:
            yield Form("", "", tuple(fields[None]))

    def _label_of(self, asked: _Asked) -> str:
        own = asked.attributes.get("id")
        spans = [(start, end) for target, start, end in self.labels if own and target == own]
        if asked.label is not None:
            spans.append(self.labels[asked.label][1:])
        for element_id in asked.attributes.get("aria-labelledby", "").split():
            spans.extend((start, end) for start, end, visible in self.spans.get(element_id, ()) if visible)
        texts = (plain(self.chunks[start:end]) for start, end in spans)
        said = asked.attributes.get("aria-label") or asked.attributes.get("title") or ""
        return next((text for text in texts if text), said.strip())
