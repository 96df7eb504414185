"""4.2.3 where the storage is: what a bucket answers by the protocol of S3, over TLS, to who signs and to who does not."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from starlette.applications import Starlette
from starlette.routing import Route

from tests.example.running import serving
from tests.policies import policy_of, said
from tests.protection.hosts import _serving
from tests.shopworld import own_verdict
from troth.example import certificates, storage
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import run_checks
from troth.policy.settings import Settings
from troth.policy.sharingsettings import BucketSettings
from troth.sharing.buckets import policies, signing
from troth.sharing.buckets.reading import Bucket
from troth.sharing.buckets.signing import Credentials
from troth.sharing.checks.storage import storage_unread

POLICY = policy_of(
    f"""
    use:
      number: "2"
      title: Use
      purposes:
        number: "2.1"
        title: Purposes
        provide: {{text: Provide, purpose: service.provide, basis: contract, data: [profile.bio]}}
    protection:
      number: "3"
      title: Protection
      retention:
        number: "3.2"
        title: Retention
        text: Only as long as necessary.
        periods: {{profile: {{data: [profile.*], after: account-closed, keep: 90 days, why: to settle what is open}}}}
    sharing:
      number: "4"
      title: Sharing
      processors:
        number: "4.2"
        title: Third Parties
        columns: [Type, Purpose, Protection]
        storage:
          cells: [Storage, Backup, Encryption]
          safeguard: encrypted
          recipients: [{{name: Example Storage, host: {storage.HOST}, purpose: service.provide, data: [profile.bio], country: SG}}]
    """
)
[NUMBER] = [each.number for each in POLICY.sentences if each.meaning.recipients]
ALLOWED = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{storage.BUCKET}/*",
}


@dataclass
class Storage:
    """The bucket, as a test sets it up; `settings` is how troth is told of it."""

    folder: Path
    network: Network | None
    settings: dict[str, Any]

    def set(self, **parts: Any) -> None:
        path = self.folder / storage.STATE
        path.write_text(json.dumps(json.loads(path.read_text()) | parts))

    def policy(self, *statements: dict[str, Any]) -> None:
        self.set(
            policy={
                "Statement": [
                    *json.loads((self.folder / storage.STATE).read_text())["policy"]["Statement"],
                    *statements,
                ]
            }
        )

    def judged(self) -> tuple[str, str]:
        settings = Settings.model_validate({"sharing": {"buckets": [self.settings]}})
        seen = Observation(POLICY, dt.datetime.now(dt.UTC), self.folder, network=self.network, settings=settings)
        found = run_checks(POLICY, [storage_unread], seen).of(NUMBER)
        return own_verdict(found), said(found)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Network]]:
    folder = tmp_path_factory.mktemp("storage")
    made = certificates.make(folder, storage.HOST, now=dt.datetime.now(dt.UTC))
    app = Starlette(routes=[Route(storage.PATH, lambda request: storage.answer(folder, request))])
    with serving(app, certificate=made.certificate) as port:
        yield folder, Network({storage.HOST: ("127.0.0.1", port)}, trust=made.authority)


@pytest.fixture
def bucket(reached: tuple[Path, Network]) -> Storage:
    folder, network = reached
    storage.prepare(folder)
    url = f"https://{storage.HOST}{storage.PATH}"
    settings = {
        "recipient": "Example Storage",
        "url": url,
        "region": storage.REGION,
        "credentials": storage.CREDENTIALS,
        "places": {storage.REGION: "SG", storage.ABROAD: "US"},
    }
    return Storage(folder, network, settings)


def test_a_bucket_that_is_set_up_as_promised_is_kept(bucket: Storage) -> None:
    verdict, told = bucket.judged()

    assert verdict == "kept"
    assert told == (
        "Example Storage, bucket example-company-backups: encrypts by default (aws:kms); refuses connections without "
        "TLS; closed to strangers; old versions go after 30 days; in SG"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encryption": None}, "it does not encrypt objects by default"),
        ({"policy": None}, "its policy lets connections without TLS in"),
        ({"publicAccessBlock": None}, "public access is not blocked"),
        ({"publicAccessBlock": {"BlockPublicAcls": True, "IgnorePublicAcls": True}}, "public access is not blocked"),
        ({"publicAccessBlock": None, "acl": ["READ"]}, "its access list gives everybody READ"),
        ({"listed": True}, "it shows a stranger the list of what it holds"),
        ({"lifecycle": None}, "it keeps what was deleted or written over, for ever"),
        ({"lifecycle": 91}, "it keeps what was deleted for 91 days, longer than 90 days"),
        ({"location": "us-west-2"}, "it stands in US, and SG is declared"),
    ],
)
def test_a_bucket_that_protects_less_breaks_the_sentence(bucket: Storage, change: dict[str, Any], words: str) -> None:
    bucket.set(**change)

    verdict, told = bucket.judged()

    assert verdict == "broken"
    assert words in told


def test_a_policy_that_lets_everybody_in_breaks_the_sentence_unless_it_is_blocked(bucket: Storage) -> None:
    bucket.policy(ALLOWED)

    assert bucket.judged()[0] == "kept"
    bucket.set(publicAccessBlock={"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True})
    verdict, told = bucket.judged()
    assert verdict == "broken"
    assert "its policy lets everybody in" in told


def test_old_versions_that_are_not_kept_need_no_end(bucket: Storage) -> None:
    bucket.set(versioning=None, lifecycle=None)

    assert "keeps no old versions" in bucket.judged()[1]


def test_whoever_may_not_read_the_configuration_proves_nothing(bucket: Storage) -> None:
    bucket.settings = bucket.settings | {"credentials": None, "key": "EXAMPLE", "secret": "guessed"}

    verdict, told = bucket.judged()

    assert verdict == "unproven"
    assert "its encryption may not be read (status 403, AccessDenied)" in told
    assert "guessed" not in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"location": "moon-1"}, "nobody says in which country its region moon-1 lies"),
        ({"location": "eu-west-1"}, "nobody says in which country its region eu-west-1 lies"),
        ({"location": ""}, "nobody says in which country its region without a name lies"),
        ({"unknown": ["policy"]}, "its policy cannot be read, the store does not know it"),
        ({"unknown": ["encryption"]}, "its encryption cannot be read, the store does not know it"),
        ({"unknown": ["lifecycle"]}, "its lifecycle cannot be read, the store does not know it"),
    ],
)
def test_what_a_bucket_does_not_tell_is_unproven(bucket: Storage, change: dict[str, Any], words: str) -> None:
    bucket.set(**change)

    verdict, told = bucket.judged()

    assert verdict == "unproven"
    assert words in told


def test_a_store_without_blocks_is_judged_by_what_opens_the_bucket(bucket: Storage) -> None:
    bucket.set(unknown=["publicAccessBlock", "policyStatus"])

    assert bucket.judged()[0] == "kept"
    bucket.policy(ALLOWED)
    assert "its policy lets everybody in" in bucket.judged()[1]


def test_what_is_wrong_is_told_beside_what_cannot_be_read(bucket: Storage) -> None:
    bucket.set(location="moon-1", encryption=None)

    verdict, told = bucket.judged()

    assert verdict == "broken"
    assert "does not encrypt" in told
    assert "moon-1" in told


def test_a_region_of_another_provider_lies_where_the_settings_say(bucket: Storage) -> None:
    bucket.set(location="moon-1")
    bucket.settings = bucket.settings | {"places": {"moon-1": "SG"}}

    assert bucket.judged()[0] == "kept"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<LocationConstraint xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>eu-central-2</LocationConstraint>", ("eu-central-2", "CH")),
        (b"<LocationConstraint/>", ("us-east-1", "US")),
        (b"<LocationConstraint>EU</LocationConstraint>", ("eu-west-1", "IE")),
        (b"<LocationConstraint>eu-new-1</LocationConstraint>", ("eu-new-1", None)),
    ],
)  # fmt: skip
def test_a_region_of_aws_lies_where_its_operator_says(
    tmp_path: Path, body: bytes, found: tuple[str, str | None]
) -> None:
    host, authority = "backups.s3.eu-central-2.amazonaws.com", trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    settings = BucketSettings(recipient="Example Storage", url=f"https://{host}", key="k", secret="s")

    with _serving(lambda _: (200, {"Content-Type": "application/xml"}, body), context) as port:
        network = Network({host: ("127.0.0.1", port)}, trust=tmp_path / "authority.pem")
        bucket = Bucket(network, settings, tmp_path)

        assert bucket.name == "backups"
        assert bucket.country() == found


def test_a_bucket_that_is_not_reached_is_unproven(bucket: Storage) -> None:
    bucket.network = Network({storage.HOST: ("127.0.0.1", 9)})

    verdict, told = bucket.judged()

    assert verdict == "unproven"
    assert "nothing listens there" in told


def test_a_bucket_somewhere_else_says_nothing_of_this_recipient(bucket: Storage) -> None:
    bucket.settings = bucket.settings | {"url": "https://other.example.org/backups"}

    verdict, told = bucket.judged()

    assert verdict == "unproven"
    assert "it is not asked at storage.example.net" in told


def test_without_credentials_nothing_is_asked(bucket: Storage) -> None:
    (bucket.folder / storage.CREDENTIALS).write_text("[other]\n")

    assert "the file of credentials is not there, or has none" in bucket.judged()[1]


# --- signatures, and policies -----------------------------------------------------------------------------------------

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_requests_are_signed_as_the_published_examples_are(query: str, signature: str) -> None:
    at = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)

    headers = signing.headers_for(f"https://examplebucket.s3.amazonaws.com/?{query}", EXAMPLE, "us-east-1", at)

    assert headers["Authorization"].endswith(f"Signature={signature}")
    assert EXAMPLE.secret not in repr(EXAMPLE) + str(headers)


def test_a_passing_key_sends_its_token_signed() -> None:
    passing = Credentials(EXAMPLE.key, EXAMPLE.secret, "passing")

    headers = signing.headers_for("https://b.s3.amazonaws.com/?acl", passing, "us-east-1", dt.datetime.now(dt.UTC))

    assert headers["x-amz-security-token"] == "passing"
    assert "x-amz-security-token," in headers["Authorization"]


WHOLE = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
REFUSAL = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["s3:*"],
    "Resource": WHOLE,
    "Condition": {"Bool": {"aws:SecureTransport": False}},
}


@pytest.mark.parametrize(
    ("change", "refuses"),
    [
        ({}, True),
        ({"Principal": "*", "Action": "*", "Resource": "*"}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Resource": WHOLE[1]}, False),
        ({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/private/*"]}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}}, False),
    ],
)  # fmt: skip
def test_plain_connections_are_refused_by_a_statement_that_holds_for_all(change: dict[str, Any], refuses: bool) -> None:
    assert policies.refuses_plain({"Statement": REFUSAL | change}, "b") is refuses
    assert policies.refuses_plain({"Statement": [{"Effect": "Allow"}, REFUSAL | change]}, "b") is refuses


@pytest.mark.parametrize(
    ("change", "public"),
    [
        ({}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/0"]}}}, True),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}, True),
        ({"Condition": {"StringLike": {"aws:Referer": "https://shop.example.com/*"}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
    ],
)
def test_a_policy_is_public_where_nothing_narrows_down_who_comes(change: dict[str, Any], public: bool) -> None:
    assert policies.lets_everybody_in({"Statement": ALLOWED | change}) is public


@pytest.mark.parametrize("policy", [None, [], {}, {"Statement": "all"}, {"Statement": [1, {"Effect": "Deny"}]}])
def test_a_policy_that_says_nothing_refuses_nobody_and_lets_nobody_in(policy: Any) -> None:
    assert (policies.refuses_plain(policy, "b"), policies.lets_everybody_in(policy)) == (False, False)
