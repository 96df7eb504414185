"""One site of all doors: policy page, privacy centre, console, API; and whatever the company mounts at `/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from troth.entrypoints.console.pages import Console
from troth.entrypoints.reports.json import to_report
from troth.foundation import verdicts
from troth.foundation.proof import Report
from troth.foundation.web.pages import Frame, Handler, Link, Site
from troth.foundation.web.security import SecurityHeaders
from troth.foundation.web.static import PREFIX
from troth.policy import mapreading, reading
from troth.rights.desk import DeskKeeper

if TYPE_CHECKING:
    from troth.application import Troth
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.policy.settings import Instance

T = TypeVar("T")
PACKAGES = ("troth.entrypoints", "troth.protection", "troth.updates", "troth.rights", "troth.use")


@contextmanager
def built(instance: Instance, *, troth: Troth | None = None, home: Any = None) -> Iterator[Any]:
    """The ASGI application of one instance, its store open while the block runs.

    `home` is an ASGI application to serve at `/` for every path that is not troth's own; without one, `/` leads to the
    policy. Raises the errors of `troth.open`.
    """
    from troth.application import open as open_troth

    with ExitStack() as stack:
        opened = troth or stack.enter_context(open_troth(instance.folder, environ=instance.environ))
        desk = DeskKeeper(opened)
        stack.callback(desk.close)
        yield SecurityHeaders(_application(instance, opened, desk, home))


def _application(instance: Instance, troth: Troth, desk: DeskKeeper, home: Any) -> Starlette:
    from troth.foundation.attestations import console as attestations
    from troth.protection.breaches import console as breaches
    from troth.protection.training import console as training
    from troth.rights import api as rights_api
    from troth.rights import centre as rights_centre
    from troth.rights import console as rights_console
    from troth.updates import centre as updates_centre
    from troth.use import api as use_api
    from troth.use import centre as use_centre

    office = troth.office
    secret = office.keyring.pseudonym("forms", b"web")
    site = Site(secret=secret, clock=office.clock, packages=PACKAGES, language=troth.policy.controller.languages[0])
    place = instance.settings.site
    public = Frame(
        troth.policy.controller.name,
        "Privacy",
        (
            Link("Policy", place.policy),
            Link("Your data and choices", place.centre),
            Link("Versions", f"{place.policy}/versions"),
        ),
        home="/" if home is not None else place.policy,
    )
    staff = Frame(
        "troth",
        "Console",
        (
            Link("Today", place.console),
            Link("Requests", f"{place.console}/requests"),
            Link("Sentences", f"{place.console}/sentences"),
            Link("Data map", f"{place.console}/map"),
            Link("Policy", f"{place.console}/policy"),
            Link("Breaches", f"{place.console}/breaches"),
            Link("Attestations", f"{place.console}/attestations"),
            Link("Training", f"{place.console}/training"),
            Link("Staff", f"{place.console}/staff"),
        ),
        home=place.console,
    )
    files = _Files(instance)
    console = Console(instance, office.store, office.keyring, files.policy, files.datamap)

    def report() -> Report | None:
        policy = files.policy()
        with office.store.reading() as tx:
            found = verdicts.latest(tx, policy.sha256)
        return to_report(found).as_of(office.clock.now()) if found else None

    routes: list[Any] = [Route(PREFIX + "{name}", site.serve_static)]
    routes += _routes(site, staff, console.routes(), place.console)
    attested = attestations.routes(
        office.store, office.keyring, files.policy, instance.folder, place.console, console.guarded
    )
    routes += _routes(site, staff, attested, "")
    desk_of_breaches = breaches.Desk(office.store, office.keyring, files.policy, files.datamap)
    broken = breaches.routes(desk_of_breaches, place.console, console.guarded, console.cleared)
    routes += _routes(site, staff, broken, "")
    taught = training.routes(office.store, office.keyring, files.policy, place.console, console.guarded)
    routes += _routes(site, staff, taught, "")
    routes += _routes(site, staff, rights_console.routes(desk, place.console, console.cleared), "")
    routes += _routes(site, public, use_centre.routes(troth, rights_centre.beside(troth, desk)), "")
    routes += _routes(site, public, rights_centre.routes(troth, desk), "")
    routes += _routes(site, public, updates_centre.routes(files.policy, office.store, report, path=place.policy), "")
    routes += use_api.routes(troth, [rights_api.router(desk)])
    routes.append(Mount("/", home) if home is not None else Route("/", _to(place.policy)))
    lost: Any = _lost(site, public)
    return Starlette(routes=routes, exception_handlers={404: lost, 405: lost})


class _Files:
    """The policy and the data map as the files say now; read again only when a file has changed."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._kept: dict[Path, tuple[tuple[int, int], object]] = {}

    def policy(self) -> Policy:
        return self._fresh(self._instance.policy_file, reading.read)

    def datamap(self) -> DataMap | None:
        path = self._instance.map_file
        if not path.exists():
            return None
        return self._fresh(path, mapreading.read)

    def _fresh(self, path: Path, read: Callable[[Path], T]) -> T:
        facts = path.stat()
        state = (facts.st_mtime_ns, facts.st_size)
        kept = self._kept.get(path)
        if kept is None or kept[0] != state:
            kept = (state, read(path))
            self._kept[path] = kept
        return cast("T", kept[1])


def _routes(site: Site, frame: Frame, doors: Iterable[tuple[str, str, Handler]], below: str) -> Iterator[Route]:
    for method, path, handler in doors:
        yield Route(below + path, site.endpoint(handler, frame), methods=[method])


def _lost(site: Site, frame: Frame) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    """What an address answers that no page stands at, and a page that is asked for what it does not do."""
    told = {
        404: ("Nothing stands at this address.", "The links at the top lead to every page."),
        405: ("This page does not take what was sent to it; nothing was done.", "Open the page and try again there."),
    }

    async def answer(request: Request, problem: HTTPException) -> Response:
        status = problem.status_code
        page = site.endpoint(lambda ask: ask.problem(status, *told[status]), frame)
        # read as a visit: nothing is done here, so there is no form to guard
        response = await page(Request({**request.scope, "method": "GET"}))
        response.headers.update(problem.headers or {})
        return response

    return answer


def _to(path: str) -> Any:
    async def lead(_: Request) -> Response:
        return RedirectResponse(path, status_code=307)

    return lead
