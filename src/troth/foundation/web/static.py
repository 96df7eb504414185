"""Style sheets, scripts and pictures under names that hold their own hash, so that they may be kept for ever.

`troth.css` is served as `/static/troth.0f3a9c1b2d4e.css`, immutable. Every file is read once, at the start; nothing
outside the named folders can be asked for. No asset comes from another host.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

HERE = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_SQUEEZED = frozenset({".css", ".js", ".svg", ".txt", ".json"})


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes = field(repr=False)
    squeezed: bytes | None = field(repr=False)
    kind: str


class StaticFiles:
    """An ASGI app for the files of some folders, to be mounted at `prefix`. Two files of one name are an error."""

    def __init__(self, folders: Sequence[Path] = (HERE,), prefix: str = "/static") -> None:
        self.prefix = prefix
        self._urls: dict[str, str] = {}
        self._files: dict[str, _File] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.*")):
                self._add(path)

    def url(self, name: str) -> str:
        """The path of a file by its plain name. Raises: KeyError, a fault of the template that asks."""
        return self._urls[name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        file = self._files.get(scope["path"].rpartition("/")[2])
        answer: Response
        if scope["method"] not in {"GET", "HEAD"}:
            answer = PlainTextResponse("Method not allowed", 405, {"Allow": "GET, HEAD"})
        elif file is None:
            answer = PlainTextResponse("Not found", 404)
        else:
            answer = _served(file, dict(scope["headers"]).get(b"accept-encoding", b""), head=scope["method"] == "HEAD")
        await answer(scope, receive, send)

    def _add(self, path: Path) -> None:
        if path.name in self._urls:
            raise ValueError(f"two static files are called {path.name}")
        content = path.read_bytes()
        name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        squeezed = gzip.compress(content, 9, mtime=0) if path.suffix in _SQUEEZED else None
        kind = mimetypes.types_map.get(path.suffix, "application/octet-stream")
        self._files[name] = _File(content, squeezed, kind)
        self._urls[path.name] = f"{self.prefix}/{name}"


def _served(file: _File, accepted: bytes, *, head: bool) -> Response:
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    content = file.plain
    if file.squeezed is not None and b"gzip" in accepted:
        content = file.squeezed
        headers["Content-Encoding"] = "gzip"
    answer = Response(b"" if head else content, headers=headers, media_type=file.kind)
    answer.headers["Content-Length"] = str(len(content))
    return answer
