"""Settings of section 4: where it can be seen what leaves the company, and how a recipient keeps what it got."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from troth.policy.declared import Declared
from troth.policy.model import Period
from troth.policy.periods import Duration


class SupportSettings(Declared):
    """The support tool that checks look into, over HTTP.

    `recipient` is its name in the policy, `url` where its settings are read, `token` what it is asked with. `people`
    are the accounts that may sign in there, one for each of staff who answers questions.
    """

    recipient: str
    url: str
    token: str | None = None
    people: tuple[str, ...] = ()


class BucketSettings(Declared):
    """A bucket with people's data at a recipient; how it is set up is read there, by the protocol of S3.

    `recipient` is its name in the policy, `url` the bucket's own address (`https://NAME.s3.eu-west-1.amazonaws.com`, or
    `https://storage.example.net/NAME`), `region` the one that requests are signed for. `key`, `secret` and, where the
    key is a passing one, `token` are those of an account that may read the configuration and nothing else; or
    `credentials` is a file of them in the form of AWS (`[default]`, `aws_access_key_id = ...`), from the folder of
    this file. `places` says in which country a region of another provider lies: `{"example-1" = "DE"}`.
    """

    recipient: str
    url: Annotated[str, Field(pattern="^https://")]
    region: str = "us-east-1"
    key: str | None = None
    secret: str | None = Field(default=None, repr=False)
    token: str | None = Field(default=None, repr=False)
    credentials: str | None = None
    places: dict[str, Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.credentials is None) == (self.key is None or self.secret is None):
            raise ValueError("a bucket needs `key` and `secret`, or `credentials`, and not both")
        return self


class SharingSettings(Declared):
    """What leaves the company, and where that can be seen.

    `observed` are files that say which hosts were reached: a proxy's log, a log of DNS or flows, or a list. What is
    older than `observed_age` counts for nothing. `own` are the company's own hosts, `ignored` others, each with why;
    `*.example.com` stands for all below it. `keys` are the public keys for which recipients get data encrypted, by
    their names in the policy. `buckets` are those of recipients, whose configuration is read there; `storage` are files
    with the configuration of a recipient's storage, by its name, for one that cannot be asked. `notices` are the
    addresses (`https://` or `mailto:`) where recipients are told that somebody no longer agrees.
    """

    observed: tuple[str, ...] = ()
    observed_age: Period = Duration(2, "day")
    own: tuple[str, ...] = ()
    ignored: dict[str, str] = Field(default_factory=dict)
    keys: dict[str, str] = Field(default_factory=dict)
    buckets: tuple[BucketSettings, ...] = ()
    storage: dict[str, str] = Field(default_factory=dict)
    notices: dict[str, str] = Field(default_factory=dict)
    support: SupportSettings | None = None
