"""Forms: what was typed, which file was sent with it, and that it was typed on a page of ours.

Every state change carries a token, signed and bound to a random cookie that only pages with a form set, and must not
come from another site by what the browser says (ASVS 5.0: 3.5.1, 3.5.2). Nothing is changed by GET.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from troth.errors import AccessDenied, TrothError

COOKIE = "privacy_form"
"""The cookie that a visitor's forms are bound to."""

FIELD = "form_token"
LARGEST = 256 * 1024
MOST_FIELDS = 200
_LIFE_S = 12 * 3600
_Page = TypeVar("_Page", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a request: the fields of its form, and the bytes of its files. What a file was called is not kept:
    names of files speak of people.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def takes_file(largest: int) -> Callable[[_Page], _Page]:
    """Mark a page as one that takes a file of up to `largest` bytes, from a form of the kind multipart/form-data."""

    def mark(page: _Page) -> _Page:
        page.takes_file = largest  # type: ignore[attr-defined]
        return page

    return mark


class FormTooLarge(TrothError):
    """More was sent than the form takes; nothing was done."""


class Guard:
    """Signs and checks the hidden field of forms. One for each site, keyed by its `secret`."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def fresh_cookie(self) -> str:
        """A new random value for the form cookie, 192 bits."""
        return secrets.token_urlsafe(24)

    def token(self, cookie: str) -> str:
        """The hidden field for the holder of `cookie`; good for 12 hours."""
        from itsdangerous import TimestampSigner

        return TimestampSigner(self._secret, salt="troth.form").sign(_bound(cookie)).decode("ascii")

    def require(self, request: Request, form: Mapping[str, str]) -> None:
        """Make sure that a state change was asked for on a page of ours.

        Raises: AccessDenied, for a missing, foreign or old token, and for a form that another site sent.
        """
        cookie = request.cookies.get(COOKIE)
        if not from_our_site(request.headers) or not cookie or not self._holds(cookie, form.get(FIELD, "")):
            raise AccessDenied(
                "This form is too old, or was not sent from this site; nothing was done.",
                repair="Go back, reload the page and try again.",
            )

    def _holds(self, cookie: str, token: str) -> bool:
        from itsdangerous import BadSignature, TimestampSigner

        signer = TimestampSigner(self._secret, salt="troth.form")
        try:
            signed = signer.unsign(token, max_age=_LIFE_S)
        except BadSignature:
            return False
        # Base64 leaves bits of its last letter unread: a signature has one spelling here, the one that was given out.
        said, _, signature = token.encode("ascii", "replace").rpartition(b".")
        as_given = hmac.compare_digest(signature, signer.get_signature(said))
        return as_given and hmac.compare_digest(signed, _bound(cookie))


async def read(request: Request, *, file_of: int = 0) -> Sent:
    """The fields of an urlencoded form of at most 256 KiB: each name once, the last value; control characters gone.

    Where the page takes a file of up to `file_of` bytes, those of a multipart form with one file, too. A request
    without a form, or with one that cannot be read, has no fields. Raises: FormTooLarge.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return Sent()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data" and file_of:
        return await _read_parts(request, file_of)
    if kind != "application/x-www-form-urlencoded":
        return Sent()
    body = bytearray()
    async for chunk in _up_to(request, LARGEST):
        body += chunk
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        return Sent()
    return Sent(MappingProxyType({name: _clean(value) for name, value in pairs}))


async def _read_parts(request: Request, file_of: int) -> Sent:
    from starlette.datastructures import UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    stream = _up_to(request, LARGEST + file_of)
    parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError):  # a part without a name, a charset that is none
        return Sent()
    try:
        fields, files = {}, {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
            else:
                fields[name] = _clean(value)
    finally:
        await form.close()
    if any(len(content) > file_of for content in files.values()):
        raise FormTooLarge
    return Sent(MappingProxyType(fields), MappingProxyType(files))


async def _up_to(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises: FormTooLarge once it is, or says it is, longer than `most` bytes."""
    said, came = request.headers.get("content-length", "0"), 0
    if said.isascii() and said.isdigit() and int(said) > most:
        raise FormTooLarge
    async for chunk in request.stream():
        came += len(chunk)
        if came > most:
            raise FormTooLarge
        yield chunk


def from_our_site(headers: Headers) -> bool:
    """What the browser says about where the form was: `Sec-Fetch-Site` and `Origin`; silence is left to the token."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False


def _bound(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()[:32].encode("ascii")


def _clean(text: str) -> str:
    """The text composed (NFC), without control characters other than line ends and tabs."""
    kept = (letter for letter in text if letter in "\t\r\n" or unicodedata.category(letter) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", "".join(kept))
