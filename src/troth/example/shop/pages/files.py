"""The style sheet and the pictures: no cookie, no log, kept by browsers."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from troth.example.shop import pictures, shell, wording

_PRIVATE: Final = ("account", "orders", "letters", "members", "help", "basket", "checkout", "pay", "newsletter")


async def style(request: Request) -> Response:
    """The style sheet, under the name that belongs to its content."""
    if request.url.path != wording.style_address():
        raise HTTPException(404)
    return _kept(request, Response(wording.style(), media_type="text/css"), "public, max-age=31536000, immutable")


async def ware_picture(request: Request) -> Response:
    """The picture of a ware."""
    return _picture(request, pictures.ware_picture(request.path_params["name"]))


async def avatar(request: Request) -> Response:
    """The picture an account chose."""
    return _picture(request, pictures.avatar_picture(request.path_params["name"]))


async def mark(request: Request) -> Response:
    """The shop's sign in the browser's tab."""
    return _picture(request, pictures.mark())


async def robots(request: Request) -> Response:
    """Search engines may see the goods, and nothing that is a person's."""
    text = "User-agent: *\n" + "".join(f"Disallow: /{name}\n" for name in _PRIVATE)
    return _kept(request, PlainTextResponse(text), "public, max-age=86400")


def _picture(request: Request, svg: str | None) -> Response:
    if svg is None:
        raise HTTPException(404)
    return _kept(request, Response(svg, media_type="image/svg+xml"), "public, max-age=86400")


def _kept(request: Request, response: Response, how_long: str) -> Response:
    response.headers["cache-control"] = how_long
    return shell.guarded(response, secure=request.url.scheme == "https")
