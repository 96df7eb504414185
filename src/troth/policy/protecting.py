"""Settings of section 3: trainings, audits, and what probes look at, or try, on the company's own servers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from troth.policy.declared import Declared
from troth.policy.model import Period
from troth.policy.periods import Duration

PORTS = (
    21,
    22,
    23,
    25,
    80,
    110,
    143,
    443,
    445,
    1433,
    1521,
    2375,
    3306,
    3389,
    5432,
    5900,
    6379,
    8080,
    9200,
    11211,
    27017,
)
"""What servers answer on that was meant for themselves: remote shells and screens, databases, caches, mail, the web."""


class TrainingSettings(Declared):
    """Whether staff need a training that holds to see people's data, and how long new accounts may go without one.

    `required` left out: where the policy promises training. `new_staff`: an account younger than this does not count
    against the promised share; it sees no data meanwhile.
    """

    required: bool | None = None
    new_staff: Period = Duration(30, "day")


class AuditSettings(Declared):
    """How long a hole that a scanner found may stay open, by how grave it is."""

    critical: Period = Duration(14, "day")
    high: Period = Duration(90, "day")


class BackupSettings(Declared):
    """Where the backups come to lie, and how old the newest may be.

    `files` is a pattern of paths, from the folder of this file (`backups/*.age`). That a backup was put back on trial
    is attested: `troth attest backup-restore`.
    """

    files: str
    within: Period = Duration(1, "day")


class ProtectionSettings(Declared):
    """What probes look at beside the declared hosts, and what they may try.

    `login_tries`: how many wrong passwords in a row are tried at the log-in of the site, for an account that does not
    exist, to see that it slows down; 0 tries none. `try_default_credentials`: whether the passwords that servers come
    with are tried at the company's own stores. `try_ports`: which ports of a host are knocked at, beside the declared.

    `machine` says how much of what the policy calls its servers is the machine that troth runs on: `all`, `part` or
    `none`; what troth can see of it then counts. `root` is where its files are found, for a troth in a container that
    has them under another path. `volumes` are folders of that machine in which personal data lie, beside those that
    troth knows, such as where a database server keeps its files. `patch_within`: how long a security update may wait.

    `caches` are those that hold personal data and are no store of the data map, each under a name of its own, by the
    address that the company's programs use: `rediss://user@host:6380/0?ssl_ca_certs=authority.pem` (from the folder of
    this file), or `${NAME}` where it has a password.

    `mail_domains` are those at which people write to the company: their mail servers are looked at for encryption.

    `closed` are patterns of paths that other users of the machine may not open; `logs` are those of log files in which
    no number of a payment card may stand. Both start from the folder of this file.
    """

    login_tries: int = Field(0, ge=0, le=30)
    try_default_credentials: bool = False
    try_ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = Field(PORTS, max_length=200)
    machine: Literal["all", "part", "none"] = "none"
    root: str = "/"
    volumes: tuple[Annotated[str, Field(pattern="^/")], ...] = ()
    patch_within: Period = Duration(7, "day")
    caches: dict[str, str] = Field(default_factory=dict, repr=False)
    mail_domains: tuple[Annotated[str, Field(pattern=r"^[^@\s/]+$")], ...] = ()
    closed: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    backups: BackupSettings | None = None
