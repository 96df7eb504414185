"""Let a batch out: to a file, into a stream, or to the recipient's own host by HTTP over TLS.

A host must be the very one that the policy declares. It is reached as the probes reach it: a name that leads inside
(loopback, private, link-local) is refused unless `[site.resolve]` says where it is, and a redirect is not followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from troth.errors import DeliveryFailed, GateClosed, NetworkUnreachable, TrothError
from troth.sharing.words import State

if TYPE_CHECKING:
    from troth.policy.settings import Instance
    from troth.sharing.spool import Spool

PATIENCE_S = 120.0
"""How long a recipient's host may take for one batch."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One place: a path, an address, or an open stream. `text` is how the record calls it."""

    text: str
    path: Path | None = None
    url: str | None = None
    stream: IO[bytes] | None = None


def destination_of(to: str | Path | IO[bytes], host: str | None, folder: Path) -> Destination:
    """Where `to` leads: an address of `host`, or a file, taken from `folder`. Raises: GateClosed."""
    if not isinstance(to, (str, Path)):
        return Destination("stream", stream=to)
    if isinstance(to, Path) or "://" not in to:
        path = folder / to
        if not path.parent.is_dir() or path.is_dir():
            raise GateClosed("there is no folder to put the file in", where=path.parent.name or ".", repair="Make it.")
        inside = path.resolve().is_relative_to(folder.resolve())
        name = str(path.resolve().relative_to(folder.resolve())) if inside else str(path.resolve())
        return Destination(f"file:{name}", path=path)
    try:
        parts = urlsplit(to)
        named = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise GateClosed("this is not an address to send to", expected="https://host/path") from None
    if parts.scheme != "https" or parts.username is not None or parts.password is not None:
        raise GateClosed("data are sent over TLS only, and nobody is named in an address", expected="https://host/path")
    if host is None or named != host.lower():
        raise GateClosed(
            "this is not the host that the policy declares for the recipient; nothing has left",
            expected=f"https://{host}/..." if host else "a file, or `host` declared beside the recipient",
        )
    return Destination(f"https://{named}", url=to)


def deliver(spool: Spool, destination: Destination, instance: Instance) -> tuple[State, TrothError | None]:
    """Let it go; gives how it ended, and the error to raise once that is on record."""
    if destination.path is not None:
        try:
            spool.place()
        except OSError as problem:
            return State.STOPPED, DeliveryFailed(f"the file cannot be put there: {problem.strerror}; nothing has left")
        return State.DONE, None
    if destination.stream is not None:
        try:
            spool.copy_to(destination.stream)
        except OSError:
            return State.UNCERTAIN, DeliveryFailed("the stream was closed before all of it had passed")
        return State.DONE, None
    return _post(spool, destination, instance)


def _post(spool: Spool, destination: Destination, instance: Instance) -> tuple[State, TrothError | None]:
    from troth.foundation.network import Network

    assert destination.url is not None
    network = Network.of(instance, timeout_s=PATIENCE_S)
    where = destination.text.removeprefix("https://")
    try:
        status = network.send(
            destination.url, spool.content(), spool.size, headers={"Content-Type": "application/octet-stream"}
        )
    except NetworkUnreachable as problem:
        return State.STOPPED, DeliveryFailed(f"{problem.message}; nothing has left", where=where, repair=problem.repair)
    except ConnectionError:
        return State.UNCERTAIN, DeliveryFailed(
            "the connection broke while the batch was on its way; it counts as disclosed",
            where=where,
            repair="Ask the recipient what arrived before you share it again.",
        )
    if 200 <= status < 300:
        return State.DONE, None
    said = (
        "it wanted the batch elsewhere, where nothing is sent" if 300 <= status < 400 else "it did not take the batch"
    )
    return State.UNCERTAIN, DeliveryFailed(
        f"{said} (status {status}); what it got counts as disclosed",
        where=where,
        repair="Ask the recipient what arrived before you share it again.",
    )
