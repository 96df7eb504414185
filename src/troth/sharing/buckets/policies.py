"""Judge a bucket's policy: whom it lets in, and whether it refuses whoever comes without TLS.

Rules over the JSON of the policy; nothing is asked. A statement that this does not understand counts for nothing when
it forbids, and against the bucket when it allows.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage" (the meaning of "public"), and
"Enforce encryption of data in transit".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_ARN = re.compile(r"^arn:[a-z-]+:s3:::")
_NARROWING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
    }
)
_WIDE = frozenset({"*", "0.0.0.0/0", "::/0"})
_OPERATORS = re.compile(r"^(ForAnyValue:)?(StringEquals|StringLike|ArnEquals|ArnLike|IpAddress)$")


def refuses_plain(policy: Any, bucket: str) -> bool:
    """Whether a statement denies everybody everything in `bucket` when no TLS is spoken, under no other condition."""
    return any(
        each.get("Effect") == "Deny"
        and _everybody(each.get("Principal"))
        and bool({"*", "s3:*"} & {action.lower() for action in _texts(each.get("Action"))})
        and _is_whole(each.get("Resource"), bucket)
        and _only_without_tls(each.get("Condition"))
        for each in _statements(policy)
    )


def lets_everybody_in(policy: Any) -> bool:
    """Whether a statement allows something to everybody, with nothing that narrows down who comes."""
    return any(
        each.get("Effect") != "Deny"
        and ("NotPrincipal" in each or _everybody(each.get("Principal")))
        and not _narrows(each.get("Condition"))
        for each in _statements(policy)
    )


def _statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    found = policy.get("Statement") if isinstance(policy, dict) else None
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict):
            yield each


def _everybody(principal: Any) -> bool:
    if isinstance(principal, dict):
        return any("*" in _texts(each) for each in principal.values())
    return "*" in _texts(principal)


def _is_whole(resource: Any, bucket: str) -> bool:
    """Whether the bucket itself and every object in it are meant."""
    named = {_ARN.sub("", each) for each in _texts(resource)}
    return bool(named & {"*", f"{bucket}*"}) or {bucket, f"{bucket}/*"} <= named


def _only_without_tls(condition: Any) -> bool:
    if not isinstance(condition, dict) or len(condition) != 1:
        return False
    [(operator, keys)] = condition.items()
    if operator not in ("Bool", "BoolIfExists") or not isinstance(keys, dict) or len(keys) != 1:
        return False
    [(key, value)] = keys.items()
    return key.lower() == "aws:securetransport" and [each.lower() for each in _texts(value)] == ["false"]


def _narrows(condition: Any) -> bool:
    for operator, keys in condition.items() if isinstance(condition, dict) else ():
        if not _OPERATORS.match(operator) or not isinstance(keys, dict):
            continue
        for key, value in keys.items():
            values = _texts(value)
            if key.lower() in _NARROWING and values and not _WIDE & set(values):
                return True
    return False


def _texts(value: Any) -> list[str]:
    """One text or several; a truth value as it is spelled."""
    several = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else each for each in several if isinstance(each, str | bool)]
