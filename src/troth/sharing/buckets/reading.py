"""Ask a bucket how it is set up, one question at a time, so that what may not be read hides nothing else.

Each answer is a fact, or None where the store says that nothing of the kind is set. What the account may not read, or
the store does not know, raises `NothingToObserve`; a store that is not reached raises NetworkUnreachable. Objects and
their names are never asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from troth.foundation.clock import SystemClock
from troth.foundation.proof import NothingToObserve
from troth.sharing.buckets import policies, regions, signing

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree import ElementTree as ET

    from troth.foundation.clock import Clock
    from troth.foundation.network import Network, Page
    from troth.policy.sharingsettings import BucketSettings

_EVERYBODY = "/groups/global/"
"""`AllUsers` and `AuthenticatedUsers`: the second is anybody with an account of the provider."""

_NOT_SET = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
_NOT_KNOWN = frozenset({405, 501})


@dataclass(frozen=True, slots=True)
class Block:
    """Which parts of what would open the bucket to strangers are blocked."""

    acls: bool
    policies: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """What becomes of objects that were deleted or written over: kept at all, and for how many days at most."""

    kept: bool
    days: int | None


class Unknown(NothingToObserve):
    """The store does not know this part of the protocol."""


@dataclass(slots=True)
class Bucket:
    """One bucket, asked by one account. `name` is how its policy calls it."""

    network: Network
    settings: BucketSettings
    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    """Signatures go by the machine's clock: the store compares them with its own."""

    @property
    def name(self) -> str:
        parts = urlsplit(self.settings.url)
        path = parts.path.strip("/")
        return path or (parts.hostname or "").partition(".s3")[0]

    def encryption(self) -> str | None:
        """By what objects are encrypted when nobody asks for it (`AES256`, `aws:kms`); None by nothing."""
        found = self._xml("encryption", "ServerSideEncryptionConfiguration")
        return None if found is None else found.findtext(".//{*}SSEAlgorithm") or None

    def policy(self) -> Any:
        """The policy as it is written; None where there is none."""
        page = self._ask("policy")
        if page is None:
            return None
        try:
            found = json.loads(page.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or "Statement" not in found:
            raise Unknown("its policy cannot be read, the store does not know it", where=self.settings.recipient)
        return found

    def refuses_plain(self) -> bool:
        """Whether its policy refuses whoever comes without TLS."""
        return policies.refuses_plain(self.policy(), self.name)

    def lets_everybody_in(self) -> bool:
        """Whether its policy is public, by the store's own judgement where it gives one, and by ours."""
        policy = self.policy()
        if policy is None:
            return False
        if policies.lets_everybody_in(policy):
            return True
        try:
            found = self._xml("policyStatus", "PolicyStatus")
        except Unknown:
            return False
        return found is not None and (found.findtext("{*}IsPublic") or "").lower() == "true"

    def opened_by_acl(self) -> tuple[str, ...]:
        """What its access list gives to everybody (`READ`, `WRITE`), or to everybody with an account there."""
        found = self._xml("acl", "AccessControlPolicy")
        if found is None:
            return ()
        return tuple(
            dict.fromkeys(
                grant.findtext("{*}Permission") or "?"
                for grant in found.iterfind(".//{*}Grant")
                if _EVERYBODY in (grant.findtext(".//{*}URI") or "")
            )
        )

    def block(self) -> Block | None:
        """What it blocks of public access; None where it blocks nothing."""
        found = self._xml("publicAccessBlock", "PublicAccessBlockConfiguration")
        if found is None:
            return None

        def on(*names: str) -> bool:
            return all((found.findtext(f"{{*}}{name}") or "").lower() == "true" for name in names)

        acls, policy = on("IgnorePublicAcls"), on("RestrictPublicBuckets")
        return Block(acls, policy, acls and policy and on("BlockPublicAcls", "BlockPublicPolicy"))

    def versions(self) -> Versions:
        """What becomes of old versions. A rule counts that holds for the whole bucket."""
        found = self._xml("versioning", "VersioningConfiguration")
        if found is None or not found.findtext("{*}Status"):
            return Versions(kept=False, days=None)
        rules = self._xml("lifecycle", "LifecycleConfiguration")
        ends = []
        for rule in rules.iterfind("{*}Rule") if rules is not None else ():
            days = rule.findtext("{*}NoncurrentVersionExpiration/{*}NoncurrentDays") or ""
            some = rule.findtext("{*}NoncurrentVersionExpiration/{*}NewerNoncurrentVersions")
            if rule.findtext("{*}Status") == "Enabled" and days.isdecimal() and not some and _is_for_all(rule):
                ends.append(int(days))
        return Versions(kept=True, days=min(ends, default=None))

    def country(self) -> tuple[str, str | None]:
        """(region, country) in which it lies; None for a region of which neither AWS nor the settings say it.

        Other providers have regions of the same names elsewhere; of theirs the settings alone say where they lie.
        """
        found = self._xml("location", "LocationConstraint", "CreateBucketConfiguration")
        texts = [] if found is None else [each.text or "" for each in found.iter()]
        said = "".join(texts).strip()
        if not (urlsplit(self.settings.url).hostname or "").endswith(regions.HOSTS):
            return said, self.settings.places.get(said)
        region = regions.OLDER.get(said, said)
        return region, self.settings.places.get(region) or regions.COUNTRIES.get(region)

    def shows_a_stranger_its_list(self) -> bool:
        """Whether somebody without an account is given the list of its objects; none of it is asked for."""
        return self.network.fetch(self._at("list-type=2&max-keys=0")).status == 200

    def _at(self, question: str) -> str:
        parts = urlsplit(self.settings.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/'}?{question}"

    def _xml(self, what: str, *roots: str) -> ET.Element | None:
        page = self._ask(what)
        if page is None:
            return None
        found = _parsed(page.body)
        if found is None or _name(found) not in roots:
            raise Unknown(f"its {what} cannot be read, the store does not know it", where=self.settings.recipient)
        return found

    def _ask(self, what: str) -> Page | None:
        """The answer to `?what`; None where the store says that nothing is set."""
        credentials = signing.credentials_of(self.settings, self.folder)
        url = self._at(what)
        headers = signing.headers_for(url, credentials, self.settings.region, self.clock.now())
        page = self.network.fetch(url, headers=headers)
        if page.status == 200:
            return page
        error = _parsed(page.body)
        code = (error.findtext("{*}Code") or "") if error is not None else ""
        if page.status == 404 and code in _NOT_SET:
            return None
        if page.status in _NOT_KNOWN:
            raise Unknown(f"its {what} cannot be read, the store does not know it", where=self.settings.recipient)
        said = f"status {page.status}" + (f", {code}" if code.isalnum() else "")
        raise NothingToObserve(
            f"its {what} may not be read ({said})" if page.status == 403 else f"its {what} cannot be read ({said})",
            where=self.settings.recipient,
            repair="correct [[sharing.buckets]] in troth.toml, or let its account read the bucket's configuration",
        )


def _is_for_all(rule: ET.Element) -> bool:
    """Whether a rule of the lifecycle is for every object: its filter is empty, or names the empty prefix."""
    if rule.findtext("{*}Prefix"):
        return False
    chosen = rule.find("{*}Filter")
    return chosen is None or not any(_name(each) != "Prefix" or each.text for each in chosen)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parsed(body: bytes) -> ET.Element | None:
    """An answer as XML; None where it is none. One with a document type is none: entities could be nested in it."""
    from xml.etree import ElementTree as ET

    if b"<!DOCTYPE" in body.upper():
        return None
    try:
        return ET.fromstring(body)  # noqa: S314 - no document type, no entities
    except ET.ParseError:
        return None
