"""One site of all doors: policy page, privacy centre, console, API; and whatever the company mounts at `/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from troth.entrypoints.console.door import Door
from troth.entrypoints.console.house import House, Room, links, rooms, seen_by
from troth.entrypoints.console.pages import Console
from troth.entrypoints.reports.json import to_report
from troth.foundation import verdicts
from troth.foundation.factors import passkeys
from troth.foundation.factors.provider import Provider
from troth.foundation.operations import Operation
from troth.foundation.proof import Report
from troth.foundation.web.afterwards import Afterwards
from troth.foundation.web.failing import Quietly
from troth.foundation.web.pages import NOWHERE, Frame, Handler, Link, Site
from troth.foundation.web.security import SecurityHeaders
from troth.foundation.web.static import PREFIX
from troth.policy import mapreading, reading
from troth.rights.desk import DeskKeeper
from troth.use.stopping.signals import GlobalPrivacyControl

if TYPE_CHECKING:
    from troth.application import Troth
    from troth.policy.datamap import DataMap
    from troth.policy.model import Policy
    from troth.policy.settings import Instance

T = TypeVar("T")
PACKAGES = ("troth.entrypoints", "troth.updates", "troth.rights", "troth.protection", "troth.sharing", "troth.use")


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
        afterwards = stack.enter_context(Afterwards())
        made = _application(instance, opened, desk, home, afterwards)
        made.state.afterwards = afterwards
        application: Any = made
        if instance.settings.site.gpc is not None:
            application = GlobalPrivacyControl(application, lambda: opened.office)
        yield SecurityHeaders(application)


def _application(instance: Instance, troth: Troth, desk: DeskKeeper, home: Any, afterwards: Afterwards) -> Starlette:
    from troth.rights import api as rights_api
    from troth.rights import centre as rights_centre
    from troth.sharing import centre as sharing_centre
    from troth.updates import centre as updates_centre
    from troth.use import api as use_api
    from troth.use import centre as use_centre
    from troth.use.stopping import centre as stopping

    office = troth.office
    secret = office.keyring.pseudonym("forms", b"web")
    language = troth.policy.controller.languages[0]
    site = Site(secret=secret, clock=office.clock, packages=PACKAGES, language=language, afterwards=afterwards)
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
    staff = Frame("troth", "Console", links(place.console), home=place.console)
    files = _Files(instance)
    company = passkeys.Place.of(place.url, troth.policy.controller.name)
    oidc = instance.settings.staff.oidc
    provider = Provider(oidc, f"{place.url.rstrip('/')}{place.console}/sign-in/provider/back") if oidc else None
    door = Door(instance, office.store, office.keyring, files.policy, seen_by(place.console), company, provider)
    house = House(instance, troth, desk, Console(door, files.policy, files.datamap))

    def report() -> Report | None:
        policy = files.policy()
        with office.store.reading() as tx:
            found = verdicts.latest(tx, policy.sha256)
        return to_report(found).as_of(office.clock.now()) if found else None

    routes: list[Any] = [Route(PREFIX + "{name}", site.serve_static)]
    routes += _staff_routes(site, staff, rooms(house))
    routes += _routes(site, public, use_centre.routes(troth, rights_centre.beside(troth, desk)), "")
    routes += _routes(site, public, stopping.routes(troth), "")
    routes += stopping.open_routes(troth)
    routes += _routes(site, public, rights_centre.routes(troth, desk), "")
    routes += _routes(site, public, updates_centre.routes(files.policy, office.store, report, path=place.policy), "")
    routes += _routes(site, public, sharing_centre.routes(office.store, place.policy, place.centre), "")
    routes += use_api.routes(troth, [rights_api.router(desk)])
    routes.append(Mount("/", home) if home is not None else Route("/", _to(place.policy)))
    lost: Any = _lost(site, public, Frame("troth", "Console", (), home=place.console))
    # the company's own application, which may stand at `/`, tells its errors as it does
    quietly = Middleware(Quietly, is_ours=lambda scope: scope.get("app") is made)
    made: Starlette = Starlette(routes=routes, exception_handlers={404: lost, 405: lost}, middleware=[quietly])
    return made


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


def _staff_routes(site: Site, frame: Frame, made: Iterable[Room]) -> Iterator[StaffRoute]:
    """The routes of the console. INVARIANT: one that belongs to no operation of the matrix is not served."""
    for method, path, handler in made:
        yield StaffRoute(path, site.endpoint(handler, frame), method, handler.operation)


class StaffRoute(Route):
    """A route of the console that knows its operation; None: a page for those who are not signed in yet."""

    def __init__(self, path: str, endpoint: Callable[..., Any], method: str, operation: Operation | None) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.operation = operation


def _lost(site: Site, public: Frame, staff: Frame) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    """What an address answers that no page stands at, and a page that is asked for what it does not do.

    Whoever is lost below the console is led back there, and not to the public's pages.
    """
    told = {
        404: NOWHERE,
        405: ("This page does not take what was sent to it; nothing was done.", "Open the page and try again there."),
    }

    async def answer(request: Request, problem: HTTPException) -> Response:
        status, path = problem.status_code, request.url.path
        frame = staff if path.startswith(f"{staff.home.rstrip('/')}/") else public
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
