"""The bytes of a source as text, and whether it is plain text, Markdown or HTML."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

from troth.errors import UnreadableFile
from troth.policy.documents import MAX_BYTES


class Form(StrEnum):
    """What a source is written in."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


_ENDINGS = {
    "html": Form.HTML, "htm": Form.HTML, "xhtml": Form.HTML, "md": Form.MARKDOWN, "markdown": Form.MARKDOWN,
    "mdown": Form.MARKDOWN, "txt": Form.TEXT, "text": Form.TEXT,
}  # fmt: skip
_OTHERS = {
    "pdf": (b"%PDF", "a PDF"),
    "docx": (b"PK\x03\x04", "a Word document or an archive"),
    "doc": (b"\xd0\xcf\x11\xe0", "a Word document"),
    "rtf": (b"{\\rtf", "an RTF document"),
}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_CHARSETS = frozenset(
    {
        "iso-8859-1", "iso-8859-15", "windows-1252", "windows-1250", "windows-1251", "gb2312", "gbk", "gb18030", "big5",
        "shift_jis", "euc-jp", "euc-kr", "iso-8859-2", "koi8-r",
    }
)  # fmt: skip
_LOOKS_LIKE_HTML = re.compile(
    r"\s*(?:<!doctype html|<html[\s>]|<(?:head|body|div|h1|p|article|main)[\s>])", re.IGNORECASE
)
_LOOKS_LIKE_MARKDOWN = re.compile(r"^(?:#{1,6} \S|\[[^\]\n]+\]\([^)\n]+\)|\*\*[^*\n]+\*\*\s*$)", re.MULTILINE)
_HEAD = 4096


def decode(data: bytes, file: str) -> tuple[Form, str]:
    """What the source is, and its text with plain line ends.

    UTF-8, UTF-16 with a byte order mark, and for HTML the encoding that the page names for itself.
    Raises UnreadableFile: empty, larger than 2 MiB, binary, another kind of document, or in an unknown encoding.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            f"larger than {MAX_BYTES // 1024 // 1024} MiB.", where=file, repair="Cut out the policy and import that."
        )
    if not data.strip():
        raise UnreadableFile("empty.", where=file, repair="Name the file that holds the policy's text.")
    for magic, kind in _OTHERS.values():
        if data.startswith(magic):
            raise UnreadableFile(
                f"{kind}, not text, Markdown or HTML.", where=file, repair="Save it as text or HTML and import that."
            )
    text = _text(data, file)
    if "\0" in text:
        raise UnreadableFile("binary, not text.", where=file, repair="Save the policy as text or HTML and import that.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _form(text, file), text


def _text(data: bytes, file: str) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        place = problem.start
    named = _CHARSET.search(data[:_HEAD])
    charset = named[1].decode().lower() if named else ""
    if charset in _CHARSETS:
        return data.decode(charset, errors="replace")
    raise UnreadableFile(f"not UTF-8 text (byte {place}).", where=file, repair="Save it as UTF-8 text.")


def _form(text: str, file: str) -> Form:
    ending = file.rpartition(".")[2].lower() if "." in file else ""
    form = _ENDINGS.get(ending)
    head = text[:_HEAD]
    if form in (Form.HTML, Form.MARKDOWN):
        return form
    if _LOOKS_LIKE_HTML.match(head):
        return Form.HTML
    return Form.MARKDOWN if _LOOKS_LIKE_MARKDOWN.search(text[: _HEAD * 4]) else Form.TEXT
