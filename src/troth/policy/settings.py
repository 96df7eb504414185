"""Settings of one instance: troth.toml. Secrets never stand in the file: `${NAME}` reads the environment.

Every path in it is taken from the folder the file stands in, so that a command can be run from anywhere.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from troth.errors import DeclarationFaults, Fault, UnreadableFile
from troth.policy import documents
from troth.policy.declared import Declared
from troth.policy.documents import nearest
from troth.policy.model import Period
from troth.policy.periods import Duration
from troth.policy.protecting import AuditSettings, ProtectionSettings, TrainingSettings
from troth.policy.recordkeeping import RecordSettings
from troth.policy.sharingsettings import SharingSettings
from troth.policy.usesettings import ConsentSettings, MarketingSettings, MessageSettings, ViewSettings

FILE = "troth.toml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class PolicySettings(Declared):
    """Which file is the policy."""

    file: str = "policy.yaml"


class MapSettings(Declared):
    """Which file says where personal data lives."""

    file: str = "datamap.yaml"


class KeySettings(Declared):
    """Where the key of this instance comes from, where it stands in no file.

    `command` is a program with its arguments, run without a shell in the folder of this file: it prints the key on its
    standard output, as it would stand in `troth.key`. Nothing secret belongs into the arguments, which others can see:
    what it needs it takes from its environment, or from its own sign-in at the vault.
    """

    command: tuple[str, ...] = ()


class StoreSettings(Declared):
    """Where troth keeps its own facts: SQLite (default) or PostgreSQL."""

    url: str = "sqlite:///troth.sqlite3"


class SiteSettings(Declared):
    """The company's public pages, as a visitor reaches them, and how probes find the hosts.

    `resolve` maps a host to `address:port` for hosts that a probe must reach by another way than public DNS;
    `trust` is a file of certificate authorities beside those of the machine. `forms` are pages on which people type
    something in, `pages` those that are read for links and cookies. `gpc` is the day since which the whole site honours
    Global Privacy Control: from then on `/.well-known/gpc.json` says so. `change_password` is the page for it.
    """

    url: str = "http://localhost:8000"
    policy: str = "/privacy"
    centre: str = "/privacy/centre"
    console: str = "/console"
    pages: tuple[str, ...] = ("/",)
    forms: dict[str, dict[str, str]] = Field(default_factory=dict)
    login: str | None = None
    resolve: dict[str, str] = Field(default_factory=dict)
    trust: str | None = None
    gpc: dt.date | None = None
    change_password: str | None = Field(None, pattern="^/")


class SecuritySettings(Declared):
    """What `/.well-known/security.txt` says (RFC 9116); without `contact` there is none.

    `contact` are addresses to tell a weakness to (`mailto:`, `https:` or `tel:`), the preferred first; `expires` the
    day until which this holds, less than a year ahead.
    """

    contact: tuple[Annotated[str, Field(pattern="^(mailto:|https://|tel:)")], ...] = ()
    expires: dt.date | None = None
    encryption: str | None = None
    acknowledgments: str | None = None
    policy: str | None = None
    hiring: str | None = None
    languages: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.contact and self.expires is None:
            raise ValueError("`contact` needs `expires`, the day until which it holds")
        return self


class MailSettings(Declared):
    """How mail leaves, and who is told when a verdict turns.

    `trust` is a file of certificate authorities beside those of the machine, for a mail server with one of its own.
    """

    server: str | None = None
    port: int = 587
    security: str = Field("starttls", pattern="^(starttls|tls|none)$")
    user: str | None = None
    password: str | None = None
    sender: str = "troth@localhost"
    owner: str | None = None
    trust: str | None = None


class ScheduleSettings(Declared):
    """How often `troth serve` looks by itself. `ledger`: how often the whole ledger is verified, one and all.

    `remind`: the owner hears of attestations, assessments, trainings, holds and the like this long before they end.
    """

    check: Period | None = None
    ledger: Period | None = Duration(1, "day")
    remind: Period | None = Duration(30, "day")


class RequestSettings(Declared):
    """How people's requests are handled.

    `cooling_off` is how long an erasure that was asked for in the privacy centre waits, while every known address has
    been told and can cancel it; `0 days` is allowed. `approval` has staff look at each erasure before it runs, and
    `four_eyes` two of them. `freeze`: a request that follows a change of address within this time is looked at by
    staff. `confirm_within`: a request that nobody confirmed lapses after it. `remind`: staff hear of a request this
    long before its day. `holidays` is a table of public holidays (CSV: date, name, kind).
    """

    cooling_off: Period = Duration(3, "day")
    approval: bool = False
    four_eyes: bool = False
    freeze: Period = Duration(14, "day")
    confirm_within: Period = Duration(14, "day")
    remind: Period = Duration(7, "day")
    holidays: str | None = None


class ErasureSettings(Declared):
    """What bounds erasures.

    `row_limit`: a run that would touch more rows of one store than this is refused before it changes anything.
    `sweep_inline`: up to so many rows of all stores, the sweep belongs to the request; beyond, one pass a day looks for
    all who wait. Cooling-off and four eyes stand under `[requests]`. `tombstones`: the file outside the store that
    remembers who is gone, as keyed hashes; beside the store by default. Back it up apart from the store.
    `accountability`: for how long after a proven erasure it can still be opened what proves that the company did its
    duty (the digest of a copy handed over); then that key is destroyed too.
    """

    row_limit: int = Field(100_000, ge=1)
    sweep_inline: int = Field(1_000_000, ge=0)
    tombstones: str | None = None
    accountability: Period = Duration(3, "year")


class RetentionSettings(Declared):
    """How what is past its time goes.

    `run`: when it runs by itself, such as `daily 03:00` by the clocks of the controller; left out, it never does. With
    `approval` each run waits until somebody has looked at its plan. `row_limit`: a run that would touch more rows than
    this is refused before it changes anything. `part`: about how long one transaction may hold rows, in seconds;
    `timeout`: how long one question to a store may take.
    """

    run: str | None = Field(None, pattern=r"^(daily ([01]\d|2[0-3]):[0-5]\d|every [0-9]{1,5} (hour|day|week)s?)$")
    approval: bool = False
    row_limit: int = Field(5_000_000, ge=1)
    part: float = Field(0.5, gt=0, le=1)
    timeout: float = Field(300.0, gt=0)


class PackageSettings(Declared):
    """Where the copies that people ask for wait, sealed, and for how long they can be fetched."""

    folder: str = "packages"
    keep: Period = Duration(30, "day")


class ProviderSettings(Declared):
    """The company's own provider of sign-ins (OpenID Connect), by which staff may come in.

    `role_claim` names the claim that says what somebody is in the company, and `roles` which role that gives here:
    who is new gets an account of that role, and whose role has changed there has it changed here. Without it, staff
    link their account by themselves, once. `local` says who may still come in another way, by a password, a link or a
    passkey: `administrators`, for the day on which the provider is away, or `everybody`. `trust` is a file of
    certificate authorities beside those of the machine.
    """

    issuer: str
    client_id: str
    client_secret: str
    role_claim: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    local: str = Field("administrators", pattern="^(administrators|everybody)$")
    trust: str | None = None


class StaffSettings(Declared):
    """How staff show that it is they.

    `second_factor` is `required` or `optional`: where it is required, who has none sees nothing but the page on which
    they set one up. Who has one is asked for it either way.
    """

    second_factor: str = Field("optional", pattern="^(required|optional)$")
    oidc: ProviderSettings | None = None


class Settings(Declared):
    """All of troth.toml; every part may be left out."""

    policy: PolicySettings = PolicySettings()
    map: MapSettings = MapSettings()
    store: StoreSettings = StoreSettings()
    key: KeySettings = KeySettings()
    site: SiteSettings = SiteSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    mail: MailSettings = MailSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    schedule: ScheduleSettings = ScheduleSettings()
    requests: RequestSettings = RequestSettings()
    erasure: ErasureSettings = ErasureSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    retention: RetentionSettings = RetentionSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    packages: PackageSettings = PackageSettings()
    security: SecuritySettings = SecuritySettings()
    consent: ConsentSettings = ConsentSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    marketing: MarketingSettings = MarketingSettings()
    sharing: SharingSettings = SharingSettings()
    messages: MessageSettings = MessageSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    views: ViewSettings = ViewSettings()
    staff: StaffSettings = StaffSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    training: TrainingSettings = TrainingSettings()
    audits: AuditSettings = AuditSettings()
    record: RecordSettings = RecordSettings()
    protection: ProtectionSettings = ProtectionSettings()  # type: ignore[call-arg] # pydantic fills the defaults


@dataclass(frozen=True)
class Instance:
    """One company's troth: the folder it lives in, its settings, and the environment that holds its secrets."""

    folder: Path
    settings: Settings
    environ: Mapping[str, str] = field(repr=False)

    @property
    def policy_file(self) -> Path:
        return self.folder / self.settings.policy.file

    @property
    def map_file(self) -> Path:
        return self.folder / self.settings.map.file

    @property
    def package_folder(self) -> Path:
        """Where sealed copies wait."""
        return self.folder / self.settings.packages.folder

    @property
    def tombstone_file(self) -> Path:
        """The file of tombstones outside the store: where the settings say, else beside a SQLite store, else here."""
        named = self.settings.erasure.tombstones
        if named is not None:
            return self.folder / named
        prefix = "sqlite:///"
        url = self.store_url
        beside = Path(url.removeprefix(prefix)) if url.startswith(prefix) else self.folder / "troth"
        return beside.with_suffix(".tombstones")

    @property
    def store_url(self) -> str:
        """The URL of troth's own store, a relative SQLite file made absolute in the folder."""
        url = self.settings.store.url
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/"):
            return prefix + str((self.folder / url.removeprefix(prefix)).resolve())
        return url


def read(folder: Path, environ: Mapping[str, str]) -> Instance:
    """Read `troth.toml` in `folder`; without one, every setting has its default.

    Raises UnreadableFile or DeclarationFaults with file and line; a `${NAME}` that is not set is a fault.
    """
    path = folder / FILE
    if not path.exists():
        return Instance(folder, Settings(), environ)
    import tomllib

    text = documents.text_of(documents.read_bytes(path), FILE)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UnreadableFile(f"not TOML: {problem}.", where=FILE) from None
    faults: list[Fault] = []
    value = _filled(value, environ, text, faults, ())
    try:
        settings = Settings.model_validate(value)
    except ValidationError as problem:
        for error in problem.errors(include_url=False):
            name = str(error["loc"][-1])
            known = _names_beside(error["loc"])
            near = nearest(name, known) if error["type"] == "extra_forbidden" else None
            unknown = error["type"] == "extra_forbidden"
            message = "this setting does not exist." if unknown else f"{error['msg'].removeprefix('Value error, ')}."
            faults.append(Fault(FILE, _line_of(text, name), 1, ".".join(map(str, error["loc"])), message, None, near))
        raise DeclarationFaults(faults) from None
    if faults:
        raise DeclarationFaults(faults)
    if settings.staff.oidc is not None and settings.staff.oidc.trust is not None:
        trusted = settings.staff.oidc.model_copy(update={"trust": str((folder / settings.staff.oidc.trust).resolve())})
        settings = settings.model_copy(update={"staff": settings.staff.model_copy(update={"oidc": trusted})})
    if settings.mail.trust is not None:
        absolute = settings.mail.model_copy(update={"trust": str((folder / settings.mail.trust).resolve())})
        settings = settings.model_copy(update={"mail": absolute})
    return Instance(folder, settings, environ)


def _filled(value: Any, environ: Mapping[str, str], text: str, faults: list[Fault], path: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environ, text, faults, (*path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environ, text, faults, path) for each in value]
    if not isinstance(value, str):
        return value

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name not in environ:
            line = _line_of(text, path[-1])
            faults.append(Fault(FILE, line, 1, ".".join(path), f"the environment has no {name}.", f"{name} to be set"))
            return ""
        return environ[name]

    return _VARIABLE.sub(put, value)


def _names_beside(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in location[:-1]:
        model = model.model_fields[part].annotation if part in getattr(model, "model_fields", {}) else None
    return list(getattr(model, "model_fields", {}))


def _line_of(text: str, name: str) -> int:
    """The line on which `name` is first set; TOML readers give no places, so the key is looked for."""
    pattern = re.compile(rf'^\s*(\[[^\]]*\b{re.escape(name)}\b[^\]]*\]|"?{re.escape(name)}"?\s*=)', re.MULTILINE)
    match = pattern.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else 1
