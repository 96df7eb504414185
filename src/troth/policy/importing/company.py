"""Who publishes a policy, where, in which language and under which laws: guessed from its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from troth.policy.importing.blocks import is_wide
from troth.policy.importing.lexicon import says, table

UNKNOWN_NAME = "Name of the company"
UNKNOWN_COUNTRY = "ZZ"

_NAME = (
    r"\b(?P<name>[A-Z][\w&.'-]{0,40}(?: (?:and |of |& )?[A-Z][\w&.'-]{0,40}){0,5}"
    r"(?:,? (?:Ltd|Limited|GmbH|Inc|LLC|AG|SE|BV|SAS|Pty)\.?)*)"
)
_NAMES = (
    re.compile(rf"{_NAME} ?\((?i:hereinafter |together )?[\"'\u201c\u2018]?(?i:we|us|our|the company)\b"),
    re.compile(rf"(?:controller (?:is|of your data is)|operated by|provided by|run by|published by):? {_NAME}"),
    re.compile(rf"{_NAME},? (?:is|acts as) the (?:data )?controller"),
    re.compile(r"(?P<name>[\u4e00-\u9fff]{2,30}?(?:有限责任公司|股份有限公司|有限公司))"),
    re.compile(rf"(?:©|\(c\)) ?(?:[0-9]{{4}}(?: ?[-\u2013] ?[0-9]{{4}})?,? )?{_NAME}"),
    re.compile(rf"{_NAME}[,.]? (?:Privacy Department|Legal Department|Data Protection)\b"),
    re.compile(
        r"\b(?P<name>[A-Z][\w&.'-]{0,40}(?: [A-Z][\w&.'-]{0,40}){0,4},? "
        r"(?:Ltd|Limited|GmbH|Inc|LLC|AG|B\.V\.|S\.A\.|SAS|ApS|Oy|Corporation)\b\.?)"
    ),
    re.compile(rf"(?:Address|Contact):? {_NAME},"),
    re.compile(rf"\b(?:At|by) {_NAME},? (?:we|our)\b"),
)
_LEADING = re.compile(
    r"(?:(?:We|Us|Our|This|That|Here|At|By) (?:are |is )?)*(?:The |the )?|(?:.*(?:我们是|我们|由|是))?"
)
_NOT_NAMES = re.compile(
    r"(?:(?:we|us|our|you|the|this|company|privacy|policy|notice|website|site)\b\s*)+\Z", re.IGNORECASE
)

_DIALLING = (
    ("86", "CN"), ("852", "HK"), ("886", "TW"), ("81", "JP"), ("82", "KR"), ("91", "IN"), ("65", "SG"), ("61", "AU"),
    ("64", "NZ"), ("44", "GB"), ("49", "DE"), ("43", "AT"), ("41", "CH"), ("33", "FR"), ("32", "BE"), ("31", "NL"),
    ("34", "ES"), ("351", "PT"), ("39", "IT"), ("353", "IE"), ("45", "DK"), ("46", "SE"), ("47", "NO"), ("358", "FI"),
    ("48", "PL"), ("420", "CZ"), ("421", "SK"), ("36", "HU"), ("30", "GR"), ("40", "RO"), ("359", "BG"), ("385", "HR"),
    ("386", "SI"), ("370", "LT"), ("371", "LV"), ("372", "EE"), ("352", "LU"), ("356", "MT"), ("357", "CY"),
    ("354", "IS"), ("423", "LI"), ("55", "BR"), ("52", "MX"), ("54", "AR"), ("56", "CL"), ("57", "CO"), ("598", "UY"),
    ("27", "ZA"), ("234", "NG"), ("254", "KE"), ("972", "IL"), ("90", "TR"), ("381", "RS"), ("66", "TH"), ("60", "MY"),
)  # fmt: skip
_PHONE = re.compile(r"\+ ?([0-9]{1,3})(?=[ ()X-])|\+([0-9]{6,})")
_DOMAIN = re.compile(
    r"@[\w-]+(?:\.[\w-]+)*\.(?P<end>[a-z]{2})\b|https?://[\w.-]+\.(?P<site>[a-z]{2})(?=[/\s]|\Z)", re.IGNORECASE
)
_NO_COUNTRIES = frozenset({"EU", "IO", "CO", "ME", "TV", "AI"})
_LANGUAGES: Mapping[str, str] = {
    "en": "the and of to your we you our with for",
    "de": "und der die das ihre wir sie unsere für mit",
    "fr": "et les des vos nous vous notre pour avec une",
    "es": "y los las sus nosotros usted nuestra para con una",
    "it": "e gli dei vostri noi della nostra per con una",
    "nl": "en de het uw wij van onze voor met een",
    "pt": "e os das seus nós você nossa para com uma",
}


@dataclass(frozen=True, slots=True)
class Company:
    """What is written under `controller:` and `laws:`; `sure` names the parts that the words told plainly."""

    name: str
    country: str
    language: str
    laws: tuple[str, ...]
    sure: frozenset[str]


def find_company(text: str, title: str | None) -> Company:
    """The company behind a policy with these words; what they don't tell has a placeholder and is not sure."""
    sure: set[str] = set()
    name = _name(text, title)
    if name is not None:
        sure.add("name")
    language = _language(text)
    country = next(_countries(text, language), None)
    if country is not None:
        sure.add("country")
    named = tuple(law for law, words in table("laws").items() if words.search(text))
    if named:
        sure.add("laws")
    laws = dict.fromkeys((*named, *_laws_of(country), *(("gdpr",) if says_gdpr(text) else ())))
    known = [law for law in table("laws") if law in laws]
    return Company(name or UNKNOWN_NAME, country or UNKNOWN_COUNTRY, language, tuple(known), frozenset(sure))


def says_gdpr(text: str) -> bool:
    """Whether the text uses words that only the GDPR and its sisters have."""
    return table("signs")["gdpr"].search(text) is not None or says("gdpr", text)


def _name(text: str, title: str | None) -> str | None:
    for form in _NAMES:
        for found in form.finditer(text[:200_000]):
            name = _LEADING.sub("", found["name"].strip(" ,.'\""))
            if _is_name(name):
                return name
    around = re.match(
        r"(?P<name>.{2,40}?)(?:'s)? (?:Privacy|Data Protection) (?:Policy|Notice|Statement)\b", title or ""
    )
    after = re.search(r"(?:Policy|Notice|Statement)(?: of| for|:| [-\u2013|·]) (?P<name>.{2,40})\Z", title or "")
    for named in (around, after):
        if named is not None and _is_name(named["name"].strip()):
            return named["name"].strip()
    return None


def _is_name(name: str) -> bool:
    return len(name) > 1 and not _NOT_NAMES.match(name) and (name[0].isupper() or is_wide(name))


def _countries(text: str, language: str) -> Iterator[str]:
    """Countries that the text points at, the plainest sign first."""
    for found in _PHONE.finditer(text):
        digits = found[1] or found[2]
        for length in (3, 2):
            country = dict(_DIALLING).get(digits[:length]) if len(digits) >= length else None
            if country is not None:
                yield country
    for found in _DOMAIN.finditer(text):
        code = (found["end"] or found["site"]).upper()
        if code == "UK":
            yield "GB"
        elif code not in _NO_COUNTRIES and code in _known_countries():
            yield code
    yield from _ends_of_addresses(text)
    if language == "zh":
        yield "CN"


def _ends_of_addresses(text: str) -> Iterator[str]:
    """The country at the end of a line that has a number in it, as addresses have."""
    names = _country_names()
    for line in text.splitlines():
        last = line[-60:].rstrip(" .").rpartition(",")[2].strip().lower()
        if last in names and any(character.isdigit() for character in line):
            yield names[last]


@cache
def _country_names() -> dict[str, str]:
    from babel import Locale

    names = {
        str(name).lower(): str(code)
        for language in ("de", "en")
        for code, name in Locale(language).territories.items()
        if re.fullmatch("[A-Z]{2}", str(code))
    }
    return names | {"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "usa": "US"}


@cache
def _known_countries() -> frozenset[str]:
    from babel import Locale

    return frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code))


def _laws_of(country: str | None) -> Iterator[str]:
    from troth.policy.law.laws import law
    from troth.policy.law.table import known_laws

    return (name for name in known_laws() if country is not None and country in law(name).countries)


def _language(text: str) -> str:
    sample = text[:20_000]
    if is_wide(sample):
        if re.search("[\u3040-\u30ff]", sample):
            return "ja"
        return "ko" if re.search("[\uac00-\ud7af]", sample) else "zh"
    words = re.findall(r"[^\W\d_]+", sample.lower())
    counts = {language: sum(words.count(word) for word in common.split()) for language, common in _LANGUAGES.items()}
    return max(counts, key=lambda language: counts[language])
