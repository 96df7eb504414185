"""Settings of one instance: troth.toml. Secrets never stand in the file: `${NAME}` reads the environment.

Every path in it is taken from the folder the file stands in, so that a command can be run from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from troth.errors import DeclarationFaults, Fault, UnreadableFile
from troth.policy import documents
from troth.policy.documents import nearest
from troth.policy.model import Declared, Period
from troth.policy.periods import Duration

FILE = "troth.toml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class PolicySettings(Declared):
    """Which file is the policy."""

    file: str = "policy.yaml"


class MapSettings(Declared):
    """Which file says where personal data lives."""

    file: str = "datamap.yaml"


class StoreSettings(Declared):
    """Where troth keeps its own facts: SQLite (default) or PostgreSQL."""

    url: str = "sqlite:///troth.sqlite3"


class SiteSettings(Declared):
    """The company's public pages, as a visitor reaches them, and how probes find the hosts.

    `resolve` maps a host to `address:port` for hosts that a probe must reach by another way than public DNS;
    `trust` is a file of certificate authorities beside those of the machine. `forms` are pages on which people type
    something in, `pages` those that are read for links and cookies.
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
    """How often `troth serve` looks by itself."""

    check: Period | None = None


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
    all who wait. Cooling-off and four eyes stand under `[requests]`.
    """

    row_limit: int = Field(100_000, ge=1)
    sweep_inline: int = Field(1_000_000, ge=0)


class PackageSettings(Declared):
    """Where the copies that people ask for wait, sealed, and for how long they can be fetched."""

    folder: str = "packages"
    keep: Period = Duration(30, "day")


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


class Settings(Declared):
    """All of troth.toml; every part may be left out."""

    policy: PolicySettings = PolicySettings()
    map: MapSettings = MapSettings()
    store: StoreSettings = StoreSettings()
    site: SiteSettings = SiteSettings()
    mail: MailSettings = MailSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    schedule: ScheduleSettings = ScheduleSettings()
    requests: RequestSettings = RequestSettings()
    erasure: ErasureSettings = ErasureSettings()  # type: ignore[call-arg] # pydantic fills the defaults
    packages: PackageSettings = PackageSettings()
    training: TrainingSettings = TrainingSettings()
    audits: AuditSettings = AuditSettings()


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
