"""Read policy.yaml into a `Policy`, or tell everything that is wrong with it at once.

A mapping in the file is a clause. Its keys are either fields of the language (`text`, `purpose`, `basis`, ...) or
names of clauses below it. Numbers that are not written are derived: list items take letters ("3.1a"), table rows
count on ("4.2.1"), sentences of one text take letters ("3.2b"); below a letter stand digits ("3.1a2"). A heading
prints its number where it is written, and nothing where it is not.
"""

from __future__ import annotations

import hashlib
import string
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from troth.errors import UnknownName, UnreadableFile
from troth.policy import documents, noise
from troth.policy.documents import Document, Faults, Path_, nearest
from troth.policy.law.table import known_laws
from troth.policy.model import SCHEMA_VERSION, SECTIONS, Clause, Controller, Meaning, Policy, Sentence
from troth.policy.validation import report

WORDS = ("number", "mark", "title", "label", "text", "cells", "columns", "sentences")
"""The fields that are printed; all others are meaning."""

_TEXTS = frozenset({".md", ".markdown", ".html", ".htm", ".txt"})
_MEANINGS = tuple(Meaning.model_fields)
_FIELDS = frozenset((*WORDS, *_MEANINGS))
_ROOT = ("troth", "title", "lead", "controller", "laws", "rights_for", *SECTIONS)


def read(path: Path) -> Policy:
    """Read the policy at `path`.

    Raises UnreadableFile (missing, binary, too large, empty, a policy as text) or DeclarationFaults with every fault of
    the file.
    """
    if path.suffix.lower() in _TEXTS and path.is_file():
        raise UnreadableFile(
            "this is the text of a policy, not policy.yaml.",
            where=path.name,
            repair=f"Make one of it: `troth policy import {path.name} -o policy.yaml`.",
        )
    return parse(documents.read_bytes(path), path.name)


def parse(data: bytes, file: str = "policy.yaml") -> Policy:
    """Read a policy from its bytes; see `read`."""
    document = documents.load(data, file)
    faults = Faults(document)
    policy = _Reader(document, faults).policy(hashlib.sha256(data).hexdigest())
    faults.raise_if_any()
    return policy


def find_sentence(policy: Policy, name: str) -> Sentence:
    """The sentence called `name`: its number ("3.2a") or its id; raises UnknownName with the nearest."""
    found = policy.by_number.get(name) or next((s for s in policy.sentences if s.id == name), None)
    if found is None:
        names = [*policy.by_number, *(s.id for s in policy.sentences)]
        raise UnknownName(f'"{name}" is no sentence of this policy.', where=policy.file, nearest=nearest(name, names))
    return found


def find_sentences(policy: Policy, name: str) -> tuple[Sentence, ...]:
    """The sentence called `name`, or all that stand below the heading of that number or id; raises UnknownName."""
    if name not in policy.by_number and all(each.id != name for each in policy.sentences):
        below = tuple(each for each in policy.sentences if each.id.startswith(f"{name}.") or _under(name, each.number))
        if name and below:
            return below
    return (find_sentence(policy, name),)


def _under(heading: str, number: str) -> bool:
    """Whether `number` ("3.1a2") is one below the number `heading` ("3", "3.1"), and not another ("31")."""
    return number.startswith(heading) and not number.removeprefix(heading)[:1].isdigit()


@dataclass(frozen=True, slots=True)
class _Where:
    """What a clause inherits from the place it stands in."""

    path: Path_
    number: str
    item: int  # position among list items of the same heading, from 0
    row: int  # position among table rows, from 1
    heading: int  # position among headings, from 1


class _Reader:
    def __init__(self, document: Document, faults: Faults) -> None:
        self.document = document
        self.faults = faults

    def policy(self, sha256: str) -> Policy:
        root = self.document.value
        if not isinstance(root, dict):
            self.faults.add((), "a policy is a mapping of its sections.", expected=", ".join(SECTIONS))
            root = {}
        for key in root:
            if key not in _ROOT:
                self.faults.add(
                    (key,),
                    f'"{key}" is not a part of a policy.',
                    expected=f"one of: {', '.join(_ROOT)}",
                    nearest=nearest(key, _ROOT),
                    at_key=True,
                )
        if root and root.get("troth") != SCHEMA_VERSION:
            self.faults.add(
                ("troth",),
                f"`troth: {root.get('troth')}` is not a version this troth reads.",
                expected=f"troth: {SCHEMA_VERSION}",
            )
        sections = []
        for position, name in enumerate((key for key in root if key in SECTIONS), start=1):
            value = root[name]
            if isinstance(value, dict):
                sections.append(self._clause(value, _Where((name,), "", 0, 0, position)))
            else:
                self.faults.add((name,), "a section is a mapping of clauses.")
        title = self._text(root, (), "title") or "Privacy Policy"
        lead = self._text(root, (), "lead")
        laws = self._laws(root)
        rights_for = root.get("rights_for", "everyone")
        if rights_for not in ("everyone", "by-law"):
            self.faults.add(("rights_for",), f'"{rights_for}" is not a choice.', expected="everyone or by-law")
        policy = Policy(
            file=self.document.file,
            title=title,
            lead=self._lead(lead, tuple(sections)) if lead else None,
            controller=self._controller(root),
            laws=laws,
            rights_for=rights_for,
            sections=tuple(sections),
            sha256=sha256,
        )
        self._distinct(policy)
        noise.find_faults(policy, self.faults)
        return policy

    def _controller(self, root: dict[str, Any]) -> Controller:
        try:
            return Controller.model_validate(root.get("controller"))
        except ValidationError as problem:
            report(self.faults, ("controller",), problem, _FIELDS)
            return Controller.model_construct(name="", country="ZZ")

    def _laws(self, root: dict[str, Any]) -> tuple[str, ...]:
        laws = root.get("laws", [])
        known = known_laws()
        if not isinstance(laws, list):
            self.faults.add(("laws",), "laws is a list.", expected=f"any of: {', '.join(known)}")
            return ()
        for index, law in enumerate(laws):
            if law not in known:
                self.faults.add(
                    ("laws", index),
                    f'"{law}" is not a law that troth knows.',
                    expected=f"one of: {', '.join(known)}",
                    nearest=nearest(str(law), known),
                )
        return tuple(str(law) for law in laws)

    def _lead(self, text: str, sections: tuple[Clause, ...]) -> Sentence:
        meaning = Meaning()
        return Sentence(
            "0", "policy", text, "policy", meaning, _numbers_directly_below(sections), self.document.place(("lead",))[0]
        )

    def _clause(self, value: dict[str, Any], where: _Where) -> Clause:
        path = where.path
        words = {key: value[key] for key in value if key in WORDS}
        meant = {key: value[key] for key in value if key in _MEANINGS}
        number = self._number(words, where)
        children = self._children({key: value[key] for key in value if key not in _FIELDS}, path, number)
        clause_id = ".".join(str(part) for part in path)
        meaning = self._meaning(meant, path)
        line = self.document.key_place(path)[0]
        text = self._text(words, path, "text")
        label = self._text(words, path, "label")
        cells = self._texts(words, path, "cells")
        parts = self._sentence_parts(words, path, number, clause_id, meaning)
        if parts:
            joined = join_sentences(part.text for part in parts)
            if text is not None and text != joined:
                self.faults.add(
                    (*path, "text"), "the text differs from its sentences joined.", expected="leave `text` out"
                )
            text = joined
            sentences: tuple[Sentence, ...] = parts
        elif text is not None or cells:
            printed = " | ".join(cells) if cells else (f"{label}: {text}" if label else text or "")
            sentences = (
                Sentence(number, clause_id, printed, clause_id, meaning, _numbers_directly_below(children), line),
            )
        else:
            sentences = ()
        if not sentences and not children and "title" not in words:
            self.faults.add(
                path,
                "a clause needs a text, cells, sentences or clauses below it.",
                nearest=nearest(str(path[-1]), _FIELDS),
                at_key=True,
            )
        return Clause(
            id=clause_id,
            number=number,
            title=self._text(words, path, "title"),
            label=label,
            text=text,
            cells=cells,
            columns=self._texts(words, path, "columns"),
            meaning=meaning,
            sentences=sentences,
            children=children,
            line=line,
            mark=self._mark(words, path),
        )

    def _children(self, entries: dict[str, Any], path: Path_, number: str) -> tuple[Clause, ...]:
        children: list[Clause] = []
        items = rows = headings = 0
        for name, value in entries.items():
            place = (*path, name)
            if not isinstance(value, dict):
                self.faults.add(
                    place,
                    f'"{name}" is not a field of a clause.',
                    expected="a field of the language, or a clause of its own",
                    nearest=nearest(name, _FIELDS),
                    at_key=True,
                )
                continue
            if "cells" in value:
                rows += 1
            elif "title" in value:
                headings += 1
            children.append(self._clause(value, _Where(place, number, items, rows, headings)))
            items += "cells" not in value and "title" not in value
        return tuple(children)

    def _mark(self, words: dict[str, Any], path: Path_) -> str | None:
        if "mark" not in words and "title" in words and "number" not in words:
            return ""
        return self._text(words, path, "mark")

    def _number(self, words: dict[str, Any], where: _Where) -> str:
        written = words.get("number")
        if written is not None:
            if not isinstance(written, str):
                self.faults.add((*where.path, "number"), "a number is a text.", expected=f'number: "{written}"')
            return str(written)
        if not where.number:
            return str(where.heading)
        if "cells" in words:
            return f"{where.number}.{where.row}"
        if "title" in words:
            return f"{where.number}.{where.heading}"
        return where.number + place_below(where.number, where.item)

    def _meaning(self, meant: dict[str, Any], path: Path_) -> Meaning:
        try:
            meaning = Meaning.model_validate(meant)
        except ValidationError as problem:
            report(self.faults, path, problem, _FIELDS)
            return Meaning()
        noise.find_own_faults(meaning, self.faults, path)
        if meaning.purpose is not None and not meaning.uses:
            # the short form: one purpose, its data and its ground, stand on the clause itself
            try:
                use = {"purpose": meaning.purpose, "data": meaning.data, "basis": meaning.basis}
                uses = Meaning.model_validate(
                    {"uses": [{**use, "opt_out": meaning.opt_out, "statute": meaning.statute}]}
                ).uses
            except ValidationError:
                self.faults.add((*path, "purpose"), "a purpose needs the data it uses.", expected="data: [categories]")
                return meaning
            return meaning.model_copy(update={"uses": uses, "data": ()})
        return meaning

    def _sentence_parts(
        self, words: dict[str, Any], path: Path_, number: str, clause_id: str, around: Meaning
    ) -> tuple[Sentence, ...]:
        parts = words.get("sentences")
        if parts is None:
            return ()
        place = (*path, "sentences")
        if not isinstance(parts, dict) or not parts:
            self.faults.add(
                place, "sentences is a mapping of a letter to a text.", expected="sentences: {a: ..., b: ...}"
            )
            return ()
        found: list[Sentence] = []
        for index, (letter, value) in enumerate(parts.items()):
            at = (*place, letter)
            if isinstance(value, str):
                text, meaning = value, around
            elif isinstance(value, dict) and isinstance(value.get("text"), str):
                own = {key: value[key] for key in value if key != "text"}
                for key in [key for key in own if key not in _MEANINGS]:
                    self.faults.add(
                        (*at, key),
                        f'"{key}" is not a field of a sentence.',
                        nearest=nearest(key, _MEANINGS),
                        at_key=True,
                    )
                    del own[key]
                text = value["text"]
                meaning = self._meaning(own, at) if own else around
            else:
                self.faults.add(at, "a sentence is a text, or a mapping with `text`.")
                continue
            if letter != _letters(index):
                self.faults.add(
                    at, f'sentences are lettered in order: "{letter}".', expected=_letters(index), at_key=True
                )
            found.append(
                Sentence(
                    number + place_below(number, index),
                    f"{clause_id}.{letter}",
                    text,
                    clause_id,
                    meaning,
                    (),
                    self.document.key_place(at)[0],
                )
            )
        return tuple(found)

    def _text(self, words: dict[str, Any], path: Path_, name: str) -> str | None:
        value = words.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            self.faults.add((*path, name), f"{name} is a text.")
            return None
        self.faults.add((*path, name), f"{name} is a text; put it in quotes.", expected=f'{name}: "{value}"')
        return str(value)

    def _texts(self, words: dict[str, Any], path: Path_, name: str) -> tuple[str, ...]:
        value = words.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(cell, str) for cell in value):
            self.faults.add((*path, name), f"{name} is a list of texts.")
            return ()
        return tuple(value)

    def _distinct(self, policy: Policy) -> None:
        seen: dict[str, int] = {}
        for sentence in policy.sentences:
            if sentence.number in seen:
                path = tuple(sentence.id.split("."))
                self.faults.add(
                    path, f"the number {sentence.number} stands in line {seen[sentence.number]} already.", at_key=True
                )
            seen.setdefault(sentence.number, sentence.line)


def join_sentences(texts: Iterable[str]) -> str:
    """The sentences of one text as they are printed: a space between them, none after a full-width stop."""
    joined = ""
    for text in texts:
        joined += f" {text}" if joined and unicodedata.east_asian_width(joined[-1]) not in "WF" else text
    return joined


def place_below(number: str, index: int) -> str:
    """What follows `number` for its item or sentence at `index`; digits behind a letter, so that no two are equal."""
    return str(index + 1) if number[-1:].isalpha() else _letters(index)


def _letters(index: int) -> str:
    """0 → a, 25 → z, 26 → aa: an alphabet never ends a list."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = string.ascii_lowercase[rest] + text
    return text


def _numbers_directly_below(children: tuple[Clause, ...]) -> tuple[str, ...]:
    """The numbers that a sentence above `children` sums up: the nearest sentences below, through silent headings."""
    numbers: list[str] = []
    for child in children:
        if child.sentences:
            numbers.extend(sentence.number for sentence in child.sentences)
            if len(child.sentences) > 1:
                # a text of several sentences sums up nothing itself; what hangs below it belongs to the sum above
                numbers.extend(_numbers_directly_below(child.children))
        else:
            numbers.extend(_numbers_directly_below(child.children))
    return tuple(numbers)
