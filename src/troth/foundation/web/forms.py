"""Forms: what was typed, what was wrong with it, and that it was typed on a page of ours.

Every state change carries a token, signed and bound to the visitor's session (or, without one, to a random cookie that
only pages with a form set), and must not come from another site by what the browser says (ASVS 5.0: 3.5.1, 3.5.2).
Nothing is changed by GET. The one exception, one-click unsubscribe (RFC 8058), is declared by its own route.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message, Receive

from troth.foundation.keys import Keyring

FIELD = "form_token"
ANONYMOUS = "troth_form"
"""The cookie that binds the forms of a visitor without a session."""

LARGEST_BODY = 1024 * 1024
MOST_FIELDS = 100
_LIFE_S = 12 * 3600


class ForgedForm(HTTPException):
    """A form that was not sent from a page of ours, or from one that is too old."""

    def __init__(self) -> None:
        super().__init__(
            403, "This form is too old, or did not come from this site. Go back, reload the page and try again."
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent with a form. Name and kind are what the sender says."""

    name: str
    kind: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Form:
    """The fields of one form. Values are single lines of clean text unless asked for as `text`; files apart.

    `faults` holds one message a field; a page that shows the form again shows them beside what was typed.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    files: Mapping[str, Upload] = field(default_factory=dict, repr=False)
    faults: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """The field as one line: blanks at the ends gone, line breaks made blanks; `default` when it was not sent."""
        values = self.values.get(name)
        return " ".join(values[0].split()) if values else default

    def text(self, name: str) -> str:
        """The field as text of several lines, each ended by a line feed only."""
        values = self.values.get(name)
        return values[0].replace("\r\n", "\n").replace("\r", "\n").strip() if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be ticked several times."""
        return tuple(self.values.get(name, ()))

    def need(self, name: str, message: str) -> str:
        """The field as one line; an empty one is a fault with that message."""
        value = self.get(name)
        if not value:
            self.fault(name, message)
        return value

    def choice(self, name: str, choices: Sequence[str], message: str) -> str:
        """The field when it is one of `choices`; anything else is a fault, and gives ''."""
        value = self.get(name)
        if value in choices:
            return value
        self.fault(name, message)
        return ""

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a field; the first word about it stands."""
        self.faults.setdefault(name, message)

    @property
    def sound(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults


def form_token(keyring: Keyring, binding: str) -> str:
    """A token for forms shown to the holder of `binding` (a session token or the anonymous cookie); good for 12
    hours.
    """
    from itsdangerous import TimestampSigner

    return TimestampSigner(_secret(keyring)).sign(_bound(binding)).decode("ascii")


def require_own_form(keyring: Keyring, headers: Headers, binding: str | None, token: str) -> None:
    """Make sure that a state change was asked for on a page of ours. Raises: ForgedForm."""
    if not _from_our_site(headers) or not binding or not _holds(keyring, binding, token):
        raise ForgedForm


async def read(headers: Headers, receive: Receive, largest: int = LARGEST_BODY) -> Form:
    """Read an urlencoded or multipart body of at most `largest` bytes and 100 fields.

    Raises: HTTPException 400 (not readable), 413 (too large) or 415 (no form).
    """
    body = await _body(headers, receive, largest)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs: list[tuple[str, str | UploadFile]] = []
            pairs += parse_qsl(body.decode("ascii"), True, max_num_fields=MOST_FIELDS, errors="strict")
        elif kind == "multipart/form-data":
            parser = MultiPartParser(headers, _once(body), max_files=5, max_fields=MOST_FIELDS)
            pairs = (await parser.parse()).multi_items()
        else:
            raise HTTPException(415, "A form is expected.")
    except (MultiPartException, ValueError, LookupError):
        raise HTTPException(400, "The form could not be read.") from None
    values: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    for name, value in pairs:
        if isinstance(value, str):
            values.setdefault(name, []).append(_clean(value))
        elif value.filename:
            files[name] = Upload(_clean(value.filename), value.content_type or "", await value.read())
            await value.close()
    return Form(values, files)


async def _body(headers: Headers, receive: Receive, largest: int) -> bytes:
    """The whole body; what says or turns out to be larger than `largest` is not read to its end."""
    said = headers.get("content-length", "0")
    if not said.isascii() or not said.isdigit() or int(said) > largest:
        raise HTTPException(413, "This is larger than the form takes.")
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            raise HTTPException(400, "The form broke off.")
        body += message.get("body", b"")
        if len(body) > largest:
            raise HTTPException(413, "This is larger than the form takes.")
        if not message.get("more_body", False):
            return bytes(body)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _clean(text: str) -> str:
    """The text composed (NFC), without control characters other than line ends and tabs."""
    kept = (letter for letter in text if letter in "\t\r\n" or unicodedata.category(letter) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", "".join(kept))


def _from_our_site(headers: Headers) -> bool:
    """What the browser says about where the form was: `Sec-Fetch-Site`, else `Origin`; silence is left to the token."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _holds(keyring: Keyring, binding: str, token: str) -> bool:
    from itsdangerous import BadSignature, TimestampSigner

    try:
        signed = TimestampSigner(_secret(keyring)).unsign(token, max_age=_LIFE_S)
    except BadSignature:
        return False
    return hmac.compare_digest(signed, _bound(binding))


def _secret(keyring: Keyring) -> bytes:
    return keyring.pseudonym("form", b"signs form tokens")


def _bound(binding: str) -> bytes:
    return hashlib.sha256(binding.encode("utf-8", "surrogatepass")).hexdigest()[:32].encode("ascii")
