"""Read a published mailbox, postal address or telephone number, and tell what is wrong with it by its form.

An eye without a network: words in, faults out. Each function gives the fault as a sentence, or None. Nothing that
stands before the `@` is ever repeated: a mailbox can bear a person's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[^\s@,;:<>()\[\]\"]{1,255})")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
_RESERVED = frozenset({"test", "invalid", "localhost", "example", "local", "onion", "alt", "internal"})
_RESERVED_DOMAINS = frozenset({"example.com", "example.net", "example.org"})
_PLACEHOLDER = re.compile(
    r"""to\ be\ (?:filled|completed|added|determined|announced|confirmed) | \bTB[ADC]\b | \bTODO\b | \bFIXME\b | x{3,}
      | lorem | ipsum | \byour\ (?:company|street|address|city)\b | \bplaceholder\b | \[[^\]]*\] | <[^>]*> | \{[^}]*\}
      | _{3,} | \.{4,} | \b(?:insert|enter|fill\ in)\b | \bmuster(?:stra(?:ß|ss)e|stadt|firma)\b
      | \banytown\b | 待填 | 待定 | 待补 | xx路""",
    re.IGNORECASE | re.VERBOSE,
)
_SEPARATORS = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_FICTION = re.compile(r"\+1[2-9][0-9]{2}55501[0-9]{2}\Z|\+447700900[0-9]{3}\Z|\+442079460[0-9]{3}\Z|\+613555[0-9]{5}\Z")
_NOBODY = re.compile(r"\+999|0{7,}\Z")
_REMARK = re.compile(r"\((?=[^()]*[^\W\d_])(?![^()]*[X#?]{2})[^()]*\)")
_EXTENSION = re.compile(r"[\s,;]*\b(?:ext(?:ension)?|durchwahl|DW)\b\.?:?\s*\d{1,6}(?=\s*(?:/|\Z))", re.IGNORECASE)
_SEVERAL = re.compile(r"\s+/\s+(?=\+)|\s+or\s+(?=\+)|[,;]\s*(?=\+)")
_PARTS = re.compile(r"[,;\n\uff0c\u3001\uff1b]+")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_ALIASES = {
    "GB": ("UK", "Great Britain", "England", "Scotland", "Wales", "Northern Ireland"),
    "US": ("USA", "U.S.A.", "United States of America"),
    "CN": ("PRC", "P.R. China", "中国"),
    "KR": ("Korea",),
    "CZ": ("Czech Republic",),
    "NL": ("The Netherlands", "Holland"),
}


def mail_domain(text: str) -> str | None:
    """The domain of the one mailbox in `text`, in lower case and ASCII (RFC 5321, IDNA); None when there is no such."""
    found = [match["domain"].rstrip(".") for match in _MAIL.finditer(text)]
    if len(found) != 1:
        return None
    domain = found[0].lower()
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return None
    labels = domain.split(".")
    return domain if len(labels) > 1 and all(_LABEL.match(label) for label in labels) else None


def reserved(domain: str) -> str | None:
    """The reserved name that `domain` lies under: nobody can ever receive mail there (RFC 2606, RFC 6761)."""
    labels = domain.lower().rstrip(".").split(".")
    if ".".join(labels[-2:]) in _RESERVED_DOMAINS:
        return ".".join(labels[-2:])
    return f".{labels[-1]}" if labels[-1] in _RESERVED else None


def placeholder(text: str) -> str | None:
    """The words in `text` that stand for something still to be written; None when there are none."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else None


def phone_fault(text: str) -> str | None:
    """What is wrong with a telephone number: not E.164, still with letters in it, or set aside for fiction.

    An extension may follow, and in brackets when somebody answers. Of several numbers, with `/` or `or` between them,
    each is looked at.
    """
    bare = _EXTENSION.sub("", _REMARK.sub("", text))
    faults = (_number_fault(_SEPARATORS.sub("", each)) for each in _SEVERAL.split(bare))
    return next((fault for fault in faults if fault is not None), None)


def _number_fault(number: str) -> str | None:
    if re.search(r"[A-Za-z*#?]", number):
        return "the number has letters where digits belong"
    if not number.startswith("+"):
        return "the number does not begin with + and the country"
    if not _E164.match(number):
        return "the number is not one of E.164: + and 7 to 15 digits"
    if _NOBODY.search(number):
        return "the number is a form still to be filled in, or of no country"
    if _FICTION.match(number):
        return "the number is of a range set aside for fiction"
    return None


def address_fault(text: str, country: str, names: Iterable[str]) -> str | None:
    """What is missing in a postal address of the country with this code, which goes by these names."""
    filler = placeholder(text)
    if filler is not None:
        return f'"{filler}" stands where the address belongs'
    if not re.search(r"\d", text):
        return "it has no number of a house, a box or a postal district"
    ideographic = bool(_IDEOGRAPH.search(text))
    if len([part for part in _PARTS.split(text) if part.strip()]) < (1 if ideographic else 3):
        return "it has no street, place and country as parts of their own"
    if not any(_says(text, name) for name in chain(_ALIASES.get(country, ()), names)):
        return f"it does not name the country ({country})"
    return None


def _says(text: str, name: str) -> bool:
    if _IDEOGRAPH.search(name):
        return name in text
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))
