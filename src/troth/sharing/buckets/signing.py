"""Sign a request as AWS Signature Version 4 says, which every store with the protocol of S3 understands.

A pure rule; the secret goes into the signature and nowhere else.

Source: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from troth.foundation.proof import NothingToObserve

if TYPE_CHECKING:
    from troth.policy.sharingsettings import BucketSettings

_NOTHING = hashlib.sha256(b"").hexdigest()
_SERVICE = "s3"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account of the storage asks with; `token` belongs to keys that pass."""

    key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def credentials_of(settings: BucketSettings, folder: Path) -> Credentials:
    """Those of the settings, or of the file that they name. Raises NothingToObserve where the file has none."""
    if settings.credentials is None:
        return Credentials(settings.key or "", settings.secret or "", settings.token)
    import configparser

    read = configparser.ConfigParser(interpolation=None)
    try:
        read.read_string((folder / settings.credentials).read_text(encoding="utf-8"))
        found = read["default"]
        return Credentials(
            found["aws_access_key_id"], found["aws_secret_access_key"], found.get("aws_session_token") or None
        )
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        raise NothingToObserve(
            "the file of credentials is not there, or has none",
            where=settings.recipient,
            repair="Correct `credentials` under [[sharing.buckets]] in troth.toml.",
        ) from None


def headers_for(url: str, credentials: Credentials, region: str, at: dt.datetime) -> dict[str, str]:
    """The headers by which a GET of `url` without a body is signed at `at`; the store allows 15 minutes either way."""
    parts = urlsplit(url)
    stamp = f"{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
    signed = {"host": parts.netloc.lower(), "x-amz-content-sha256": _NOTHING, "x-amz-date": stamp}
    if credentials.token is not None:
        signed["x-amz-security-token"] = credentials.token
    sent = {name: value for name, value in signed.items() if name != "host"}
    return sent | {"Authorization": _authorization("GET", url, signed, credentials, region)}


def _authorization(method: str, url: str, headers: dict[str, str], credentials: Credentials, region: str) -> str:
    """The value of `Authorization` for these headers, whose names are in small letters, date and hash among them."""
    parts, names = urlsplit(url), sorted(headers)
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in _query(parts.query))
    asked = "\n".join(
        (
            method,
            parts.path or "/",
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{headers[name].strip()}" for name in names),
            "",
            ";".join(names),
            headers["x-amz-content-sha256"],
        )
    )
    stamp = headers["x-amz-date"]
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(asked.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = _keyed(key, part)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"AWS4-HMAC-SHA256 Credential={credentials.key}/{scope},SignedHeaders={';'.join(names)},Signature={signature}"
    )


def _query(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
