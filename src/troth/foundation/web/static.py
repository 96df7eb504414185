"""Style sheets, scripts and pictures under names that hold their own hash, so that they may be kept for ever.

`troth.css` is served as `/static/troth.0f3a9c1b2d4e.css`. Every file is read once, at the start; nothing outside the
folder can be asked for. No asset comes from another host.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "/static/"
_FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is served."""

    body: bytes = field(repr=False)
    content_type: str


class StaticFiles:
    """The files of one folder by their hashed paths."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._paths: dict[str, str] = {}
        self._files: dict[str, StaticFile] = {}
        for file in sorted(folder.glob("*.*")):
            body = file.read_bytes()
            path = f"{PREFIX}{file.stem}.{hashlib.sha256(body).hexdigest()[:12]}{file.suffix}"
            self._paths[file.name] = path
            self._files[path] = StaticFile(body, mimetypes.types_map.get(file.suffix, "application/octet-stream"))

    def path(self, name: str) -> str:
        """The hashed path of a file by its plain name. Raises: KeyError, a fault of the template that asks."""
        return self._paths[name]

    def find(self, path: str) -> StaticFile | None:
        """The file at a hashed path; None for anything else."""
        return self._files.get(path)
