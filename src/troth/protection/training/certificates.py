"""The certificate of a passed course: what was taught, when, until when; signed, so that anybody can verify it."""

from __future__ import annotations

import base64
from typing import Any

from troth.foundation.canonical import canonical_json
from troth.foundation.clock import stamp
from troth.foundation.keys import Keyring, verify
from troth.protection.training.course import Course
from troth.protection.training.reading import Training

SCHEMA = 1


def certificate(keyring: Keyring, controller: str, holder: str, training: Training, course: Course) -> dict[str, Any]:
    """The certificate as JSON: `certificate` is what is signed (RFC 8785 bytes of it), with key and signature beside.

    It holds the holder's name: it is theirs to hand on.
    """
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "number": training.id,
        "company": controller,
        "holder": holder,
        "course": training.course,
        "course_sha256": course.sha256 if training.course == course.name else None,
        "passed_at": stamp(training.passed_at),
        "until": stamp(training.until),
        "right": training.right,
        "asked": training.asked,
    }
    return {
        "certificate": said,
        "key": keyring.signing_id,
        "public_key": base64.b64encode(keyring.public_key).decode(),
        "signature": base64.b64encode(keyring.sign(canonical_json(said))).decode(),
    }


def holds(signed: dict[str, Any]) -> bool:
    """Whether the signature is that of the named key over the certificate. Malformed ones do not hold."""
    try:
        raw = base64.b64decode(signed["public_key"]), base64.b64decode(signed["signature"])
        return verify(raw[0], raw[1], canonical_json(signed["certificate"]))
    except (KeyError, TypeError, ValueError):
        return False
