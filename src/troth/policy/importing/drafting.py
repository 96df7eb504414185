"""`import_policy`: the bytes of an existing policy into the text of a first policy.yaml, with what is to be asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from troth.errors import DeclarationFaults, UnreadableFile
from troth.policy import reading
from troth.policy.importing.arrangement import PART, Draft, Page, arrange
from troth.policy.importing.blocks import Found, FoundHeading, FoundTable, Source
from troth.policy.importing.company import Company, find_company
from troth.policy.importing.decoding import Form, decode
from troth.policy.importing.meanings import Guesser
from troth.policy.importing.naming import name_children
from troth.policy.importing.numbering import number_sections
from troth.policy.importing.sections import Run, spread
from troth.policy.importing.writing import write
from troth.policy.rendering.text import render_text

MAX_TEXT = 512 * 1024
MAX_BLOCKS = 3000
MAX_BLOCK = 20_000
DEFAULT_TITLE = "Privacy Policy"

_WORD = re.compile(r"\w", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know or, where `question` is true, to answer. `line` is that of the source, None for the whole."""

    text: str
    line: int | None = None
    question: bool = False

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return f"{place}{self.text}"


@dataclass(frozen=True, slots=True)
class ImportedPolicy:
    """The text of a policy.yaml, and what the company has to look at before it is its policy."""

    yaml: str
    notes: tuple[Note, ...]


def import_policy(data: bytes, name: str) -> ImportedPolicy:
    """Draft a policy.yaml from the bytes of a policy in plain text, Markdown or HTML.

    `name` is the file's name: its ending says what it is, where it has one that is known; otherwise its content does.
    The result reads back (`reading.parse`), holds every word of the source, and printed as text gives its lines again,
    but for blank lines, wrapping, indentation and runs of spaces. Notes come in the order of the source, those about
    the whole first.

    Raises UnreadableFile: empty, binary, not text, larger than 2 MiB, or no words of a policy in it.
    """
    file = PurePath(name).name
    form, text = decode(data, file)
    if form is not Form.HTML and (len(text) > 2 * MAX_TEXT or text.count("\n") > 4 * MAX_BLOCKS):
        raise _too_long(file)
    source = _read(form, text, file)
    _limit(source, file)
    page = arrange(source)
    runs = spread(page.parts)
    guesser = _guess(runs)
    sections = [_section(run) for run in runs]
    for section in sections:
        name_children(section)
    number_sections(sections, lead=page.lead is not None)
    company = find_company("\n".join(_texts(source.blocks)), page.title)
    notes = tuple(_notes(page, source, runs, company, guesser))
    yaml = write(_head(file, notes), _root(page), company, sections)
    return ImportedPolicy(yaml, (*notes, *_checked(yaml, source, file)))


def _read(form: Form, text: str, file: str) -> Source:
    if form is Form.HTML:
        from troth.policy.importing.webpage import read_html

        return read_html(text, file)
    if form is Form.MARKDOWN:
        from troth.policy.importing.markdown import read_markdown

        return read_markdown(text, file)
    from troth.policy.importing.plaintext import read_text

    return read_text(text)


def _limit(source: Source, file: str) -> None:
    texts = list(_texts(source.blocks))
    if not any(_WORD.search(text) for text in texts):
        raise UnreadableFile(
            "there are no words of a policy in it.", where=file, repair="Name the file that holds the policy's text."
        )
    if len(texts) > MAX_BLOCKS or sum(map(len, texts)) > MAX_TEXT:
        raise _too_long(file)
    long = next((block for block in source.blocks if any(len(text) > MAX_BLOCK for text in _texts((block,)))), None)
    if long is not None:
        raise UnreadableFile(
            f"a paragraph of more than {MAX_BLOCK} characters.",
            where=f"{file}:{long.line}",
            repair="Break it into paragraphs.",
        )


def _too_long(file: str) -> UnreadableFile:
    return UnreadableFile(
        f"longer than a policy: more than {MAX_BLOCKS} lines or {MAX_TEXT // 1024} KiB of words.",
        where=file,
        repair="Cut out the policy and import that.",
    )


def _texts(blocks: tuple[Found, ...]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, FoundTable):
            yield from (cell for row in (block.columns, *block.rows) for cell in row)
        else:
            yield block.words


def _guess(runs: list[Run]) -> Guesser:
    guesser = Guesser()
    parts = [(part, kind) for run in runs for part, kind in zip(run.parts, run.kinds, strict=True)]
    guesser.gather(parts)
    for part, kind in parts:
        guesser.guess(part, kind)
    return guesser


def _section(run: Run) -> Draft:
    """The clause of a section: its one part, or a part without words of its own that holds several."""
    if len(run.parts) == 1 and (run.parts[0].title is not None or run.parts[0].text is None):
        section = run.parts[0]
    else:
        section = Draft(PART, run.parts[0].line)
        for part in run.parts:
            section.children.extend([part] if part.title is not None else part.children)
    section.name = run.section
    return section


def _root(page: Page) -> dict[str, str]:
    root = {"title": page.title or DEFAULT_TITLE}
    return root | ({"lead": page.lead.text} if page.lead is not None and page.lead.text else {})


def _head(file: str, notes: tuple[Note, ...]) -> Iterator[str]:
    yield f"Imported from {file}. The words are those of the source."
    yield "Each `guess: true` is a guess from the words alone: correct the meaning, then take the line out."
    questions = [note for note in notes if note.question]
    if questions:
        yield ""
        yield "To be answered:"
        yield from (f"- {note}" for note in questions)


def _notes(page: Page, source: Source, runs: list[Run], company: Company, guesser: Guesser) -> Iterator[Note]:
    if "name" not in company.sure:
        yield Note("the source names no company: write its name under `controller`.", question=True)
    else:
        yield Note(f'is "{company.name}" the company that decides about the data?', question=True)
    if "country" not in company.sure:
        yield Note("the source tells no country: write its code under `controller` (ZZ is none).", question=True)
    else:
        yield Note(f"is {company.country} the country that the company is established in?", question=True)
    bound = ", ".join(company.laws) or "none"
    yield Note(f"which laws bind the company? Guessed: {bound}.", question=True)
    if page.title is None:
        yield Note(f'the source has no title; "{DEFAULT_TITLE}" was put at its head.')
    if page.title is not None and page.title == source.named:
        yield Note(f'the title "{page.title}" is not printed in the source; it is what the source calls itself.')
    if page.moved:
        yield Note("the source prints something before its title; it was put behind it.")
    if not any(isinstance(block, FoundHeading) for block in source.blocks):
        yield Note("the source has no headings: look where its paragraphs were put.", question=True)
    if source.left_out:
        yield Note(f"left out as not part of the policy: {', '.join(source.left_out)}.")
    for run in runs:
        for part, kind in zip(run.parts, run.kinds, strict=True):
            if kind != run.section and part.title is not None:
                yield Note(
                    f'"{part.title}" reads like {kind} and stands under {run.section}, to keep the order of the page.',
                    part.line,
                )
    for doubt in guesser.doubts:
        yield Note(doubt.text, doubt.line, question=True)


def _checked(yaml: str, source: Source, file: str) -> Iterator[Note]:
    """Read the draft back: count what was guessed, and name each line of the source that its print does not hold."""
    try:
        policy = reading.parse(yaml.encode(), "policy.yaml")
    except DeclarationFaults as problem:
        fault = problem.faults[0]
        raise UnreadableFile(
            f"the draft of it does not read back (line {fault.line}: {fault.message}).",
            where=file,
            repair="Please report this with the file; a simpler layout may help until then.",
        ) from None
    guessed = sum(not sentence.meaning.empty for sentence in policy.sentences)
    left = len(policy.sentences) - guessed
    many = "sentence" if len(policy.sentences) == 1 else "sentences"
    yield Note(f"{len(policy.sentences)} {many}: with a guessed meaning {guessed}, with none yet {left}.")
    printed = _bare(render_text(policy))
    for block in source.blocks:
        for text in _texts((block,)):
            if _bare(text) not in printed:
                yield Note("these words could not be carried over whole.", block.line, question=True)


def _bare(text: str) -> str:
    """Letters and digits only: what must never be lost."""
    return "".join(re.findall(r"\w+", text))
