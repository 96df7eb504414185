"""How a recipient's storage is set up: read where it is, or from what the company exports of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.foundation.proof import Check, NothingToObserve, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import Safeguard, expand
from troth.sharing import observed
from troth.sharing.buckets.reading import Bucket, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from troth.foundation.observation import Observation
    from troth.policy.model import Recipient, Sentence
    from troth.policy.periods import Duration
    from troth.policy.sharingsettings import BucketSettings

_FRESH = dt.timedelta(days=35)
Fault = tuple[str, str]
"""What is wrong, and what mends it."""


@check(
    id="sharing.storage-unread",
    promise="data are stored encrypted with a recipient",
    applies=lambda sentence, _: sentence.meaning.safeguard is Safeguard.ENCRYPTED and not sentence.sums,
    reference="GDPR Art. 32(1)(a)",
)
def storage_unread(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """The recipient's storage is set up to encrypt, to speak TLS only, to be private, and stands where declared.

    What it proves: each bucket under `[[sharing.buckets]]` was asked, by the protocol of S3: it encrypts objects when
    nobody asks for it; its policy refuses everybody who comes without TLS; it blocks public access, no access list and
    no policy opens it, and a stranger is not given its list; it keeps no old versions, or they go within the longest
    period of the data; its region lies in the declared country. For storage that cannot be asked, the exported
    configuration that `[sharing.storage]` names is fresh and says so.

    What it does not prove: that older objects are encrypted; who holds the keys; what accounts of the company itself
    may do there; for an export, that the storage is set up as it says.

    Repair: set the bucket up so. Before: no bucket policy. After: one that denies `s3:*` to `*` on the bucket and
    `/*` of it where `aws:SecureTransport` is false.
    """
    for recipient in sentence.meaning.recipients:
        buckets = [each for each in seen.settings.sharing.buckets if each.recipient == recipient.name]
        name = seen.settings.sharing.storage.get(recipient.name)
        for settings in buckets:
            yield from _judge_bucket(seen, recipient, settings)
        if not buckets and name is not None:
            yield from _judge_export(seen, recipient, name)
        elif not buckets:
            yield unproven(
                recipient.name,
                "nobody has read the storage's configuration: encryption, private access, region",
                repair="name its bucket under [[sharing.buckets]] in troth.toml",
            )


def _judge_bucket(seen: Observation, recipient: Recipient, settings: BucketSettings) -> Iterator[Saw]:
    bucket = Bucket(seen.need_network(), settings, seen.folder)
    where = f"{recipient.name}, bucket {bucket.name}"
    host = (urlsplit(settings.url).hostname or "").lower()
    if recipient.host and not observed.is_one_of(host, {recipient.host.lower(), f"*.{recipient.host.lower()}"}):
        yield unproven(
            where,
            f"it is not asked at {recipient.host}, where the policy says that the recipient is",
            repair="correct `url` under [[sharing.buckets]], or `host` in section 4",
        )
        return
    held: list[str] = []
    doubts: list[NothingToObserve] = []
    faults: list[Fault] = []
    for look in _LOOKS:
        try:
            found = look(seen, bucket, recipient)
        except NothingToObserve as problem:
            doubts.append(problem)
            continue
        if isinstance(found, str):
            held.append(found)
        else:
            faults += found
    for fault, repair in faults:
        yield broken(where, fault, repair=repair)
    for doubt in doubts:
        yield unproven(where, doubt.message, repair=doubt.repair or "use a store that can be asked, or export it")
    if not faults and not doubts:
        yield kept(where, "; ".join(held))


def _encryption(_: Observation, bucket: Bucket, __: Recipient) -> str | list[Fault]:
    algorithm = bucket.encryption()
    if algorithm is None:
        return [("it does not encrypt objects by default", "set its default encryption (AES256 or a key of your own)")]
    return f"encrypts by default ({algorithm})"


def _transport(_: Observation, bucket: Bucket, __: Recipient) -> str | list[Fault]:
    if not bucket.refuses_plain():
        repair = "deny `s3:*` to everybody where `aws:SecureTransport` is false, on the bucket and all in it"
        return [("its policy lets connections without TLS in", repair)]
    return "refuses connections without TLS"


def _privacy(_: Observation, bucket: Bucket, __: Recipient) -> str | list[Fault]:
    try:
        block, known = bucket.block(), True
    except Unknown:
        block, known = None, False
    faults = []
    if bucket.shows_a_stranger_its_list():
        faults.append(("it shows a stranger the list of what it holds", "take the public access away"))
    if not (block and block.acls) and (given := bucket.opened_by_acl()):
        faults.append((f"its access list gives everybody {', '.join(given)}", "take these grants away"))
    if not (block and block.policies) and bucket.lets_everybody_in():
        faults.append(("its policy lets everybody in", "name in it who may come"))
    if known and not (block and block.whole):
        faults.append(("public access is not blocked", "switch all four blocks of public access on"))
    return faults or "closed to strangers"


def _versions(seen: Observation, bucket: Bucket, recipient: Recipient) -> str | list[Fault]:
    found = bucket.versions()
    if not found.kept:
        return "keeps no old versions"
    limit = _longest(seen, recipient)
    repair = "give it a rule for all objects by which old versions expire (NoncurrentDays)"
    if found.days is None:
        return [("it keeps what was deleted or written over, for ever", repair)]
    if limit is not None and seen.now + dt.timedelta(days=found.days) > limit.after(seen.now):
        return [(f"it keeps what was deleted for {found.days} days, longer than {limit}", repair)]
    return f"old versions go after {found.days} days"


def _country(_: Observation, bucket: Bucket, recipient: Recipient) -> str | list[Fault]:
    region, country = bucket.country()
    if country is None:
        named = region or "without a name"
        repair = "say under `places` of the bucket in which country it lies"
        raise NothingToObserve(f"nobody says in which country its region {named} lies", repair=repair)
    if country != recipient.country:
        fault = f"it stands in {country}, and {recipient.country} is declared"
        return [(fault, "move it, or declare the country and the ground of the transfer")]
    return f"in {country}"


_LOOKS: tuple[Callable[[Observation, Bucket, Recipient], str | list[Fault]], ...] = (
    _encryption,
    _transport,
    _privacy,
    _versions,
    _country,
)


def _longest(seen: Observation, recipient: Recipient) -> Duration | None:
    """The longest period that the policy gives the data that the recipient gets; None where it gives none."""
    kinds = set(expand(recipient.data))
    found = [each.keep for each in seen.policy.periods.values() if kinds & set(expand(each.data))]
    return max(found, key=lambda each: each.after(seen.now), default=None)


def _judge_export(seen: Observation, recipient: Recipient, name: str) -> Iterator[Saw]:
    try:
        told = json.loads((seen.folder / name).read_bytes())
        read_at = dt.datetime.fromisoformat(told["read_at"])
        facts = {each: told[each] for each in ("encrypted", "tls_only", "private", "country")}
        old = read_at < seen.now - _FRESH
    except (OSError, ValueError, KeyError, TypeError):
        yield unproven(name, "the configuration cannot be read", repair="export it as the how-to on recipients says")
        return
    if old:
        yield unproven(name, f"it was read on {read_at:%Y-%m-%d}", repair="export it anew")
        return
    faults = [f"`{each}` is not set" for each in ("encrypted", "tls_only", "private") if facts[each] is not True]
    if facts["country"] != recipient.country:
        faults.append(f"it stands in {facts['country']}, and {recipient.country} is declared")
    for fault in faults:
        yield broken(f"{recipient.name}, {name}", fault, repair="set it so at the recipient, then export it anew")
    if not faults:
        saw = kept(name, "encrypted, TLS only, private, in the declared country")
        yield replace(saw, max_age=max(read_at + _FRESH - seen.now, dt.timedelta()))


CHECKS: tuple[Check, ...] = (storage_unread,)
