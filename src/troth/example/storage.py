"""The stand-in of Example Company's storage: one bucket that says how it is set up, by the protocol of S3.

It holds nothing. What it says lies in `storage.json`, and only who signs as the company's own account is told.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from starlette.responses import Response

from troth.policy.sharingsettings import BucketSettings
from troth.sharing.buckets import signing

if TYPE_CHECKING:
    from starlette.requests import Request

HOST = "storage.example.net"
BUCKET = "example-company-backups"
PATH = f"/{BUCKET}"
REGION = "ap-southeast-1"
ABROAD = "us-west-2"
RECIPIENT = "Example Storage"
CREDENTIALS = "storage.credentials"
STATE = "storage.json"
_MOST_APART = dt.timedelta(minutes=15)
_ALL_BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_NOT_SET = {
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "lifecycle": "NoSuchLifecycleConfiguration",
}


def prepare(folder: Path) -> None:
    """Open the account (its credentials in a file of mode 0600), and set the bucket up as the company promises."""
    path = folder / CREDENTIALS
    path.touch(mode=0o600)
    path.write_text(
        f"[default]\naws_access_key_id = EXAMPLE{secrets.token_hex(6).upper()}\n"
        f"aws_secret_access_key = {secrets.token_urlsafe(30)}\n",
        encoding="utf-8",
    )
    whole = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    without_tls = {"Bool": {"aws:SecureTransport": "false"}}
    refusal = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": whole, "Condition": without_tls}
    state = {
        "encryption": "aws:kms",
        "policy": {"Version": "2012-10-17", "Statement": [refusal]},
        "publicAccessBlock": dict.fromkeys(_ALL_BLOCKED, True),
        "acl": [],
        "versioning": "Enabled",
        "lifecycle": 30,
        "location": REGION,
        "listed": False,
        "unknown": [],
    }
    (folder / STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")


def answer(folder: Path, request: Request) -> Response:
    """What the bucket answers, at its own name only."""
    if (request.url.hostname or "") != HOST:
        return Response("no such page", status_code=404, media_type="text/plain")
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    what = request.url.query.partition("&")[0].partition("=")[0]
    if not _is_signed(folder, request) and not (what == "list-type" and state["listed"]):
        return _refused(403, "AccessDenied")
    if what in state["unknown"]:  # as stores that speak a part of the protocol
        return _refused(501, "NotImplemented")
    body = _answers(state).get(what)
    if body is None:
        return _refused(404, _NOT_SET[what]) if what in _NOT_SET else _refused(501, "NotImplemented")
    return Response(body, media_type="application/json" if what == "policy" else "application/xml")


def _answers(state: Mapping[str, Any]) -> dict[str, str | None]:
    """The body for each part of the configuration; None for what is not set."""
    algorithm, policy, block = state["encryption"], state["policy"], state["publicAccessBlock"]
    everybody = policy is not None and any(each["Effect"] == "Allow" for each in policy["Statement"])
    rule = _tag("ApplyServerSideEncryptionByDefault", _tag("SSEAlgorithm", _text(algorithm)))
    old = _tag("NoncurrentVersionExpiration", _tag("NoncurrentDays", _text(state["lifecycle"])))
    grants = "".join(
        _tag(
            "Grant",
            "<Grantee><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>"
            + _tag("Permission", _text(each)),
        )
        for each in state["acl"]
    )
    return {
        "encryption": algorithm and _tag("ServerSideEncryptionConfiguration", _tag("Rule", rule)),
        "policy": policy and json.dumps(policy),
        "policyStatus": policy and _tag("PolicyStatus", _tag("IsPublic", _text(everybody))),
        "publicAccessBlock": block
        and _tag("PublicAccessBlockConfiguration", "".join(_tag(name, _text(on)) for name, on in block.items())),
        "acl": _tag("AccessControlPolicy", _tag("AccessControlList", grants)),
        "versioning": _tag("VersioningConfiguration", _tag("Status", _text(state["versioning"]))),
        "lifecycle": state["lifecycle"]
        and _tag("LifecycleConfiguration", _tag("Rule", _tag("Filter", "") + _tag("Status", "Enabled") + old)),
        "location": _tag("LocationConstraint", _text(state["location"])),
        "list-type": _tag("ListBucketResult", _tag("KeyCount", "0")),
    }


def _is_signed(folder: Path, request: Request) -> bool:
    """Whether the company's account signed this request, within a quarter of an hour of now."""
    settings = BucketSettings(recipient=RECIPIENT, url=f"https://{HOST}{PATH}", credentials=CREDENTIALS)
    try:
        at = dt.datetime.strptime(request.headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return False
    if abs(dt.datetime.now(dt.UTC) - at) > _MOST_APART:
        return False
    url = f"https://{request.headers['host']}{request.url.path}?{request.url.query}"
    expected = signing.headers_for(url, signing.credentials_of(settings, folder), REGION, at)["Authorization"]
    return hmac.compare_digest(expected, request.headers.get("authorization", ""))


def _refused(status: int, code: str) -> Response:
    return Response(_tag("Error", _tag("Code", code)), status_code=status, media_type="application/xml")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else escape(str(value))


def _tag(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"
