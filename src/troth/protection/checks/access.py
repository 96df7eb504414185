"""Doors: what strangers meet at the staff's pages and the log-in, and who else may open the stores."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.errors import RecordsError
from troth.foundation import keys, matching
from troth.foundation.proof import Check, Grade, Saw, broken, check, counted, kept, unproven
from troth.foundation.records.access import Grant, LinkKind
from troth.policy.vocabulary import Measure
from troth.protection.probes import guessing, outside

if TYPE_CHECKING:
    from pathlib import Path

    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence

_OTHERS = 0o007
_NOT_MINE = 0o077
_EVERY_TABLE = "*"
_ACCOUNT = re.compile(r"'(?P<user>[^']*)'@'[^']*'")
"""A role as MariaDB names it."""


def _measure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.measure is Measure.ACCESS_CONTROL


@check(
    id="protection.open-door",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b), 25(2)",
    grade=Grade.SAMPLED,
)
def open_door(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - the console is the same for all
    """Whoever comes to the staff's pages without an account is asked who they are, and gets nothing else.

    What it proves: the console's address answers a stranger with a refusal (401, 403), or leads to a form to sign in.

    What it does not prove: that every page behind it does the same; that the right people have accounts, or a second
    factor; that guessing passwords is slowed down.

    Repair: put the log-in before the console. Before: `GET /console` answers 200 with requests.
    After: it answers 303 to a form with name and password.
    """
    path = seen.need_site().console
    met = outside.as_stranger(seen, path)
    if met.refused:
        how = f"answers {met.status}" if met.status in outside.REFUSALS else "leads to a form to sign in"
        yield kept(path, f"a stranger is refused: it {how}")
    elif met.status == 200:
        yield broken(
            path,
            "answers a stranger without asking who comes",
            repair="put the log-in before it, as `troth serve` does",
        )
    else:
        yield unproven(
            path,
            f"the console answers with status {met.status}",
            repair="serve it with `troth serve`, or set `[site] console` in troth.toml",
        )


@check(
    id="protection.bare-cookie",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b); RFC 6265bis",
    grade=Grade.SAMPLED,
)
def bare_cookie(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """What people type to log in, and the cookies they get there, are not open to others.

    What it proves: the log-in page sends its form by POST, over TLS or within this machine; each cookie that it sets is
    out of reach of scripts (HttpOnly), is not sent along from other sites (SameSite), and over TLS only (Secure).

    What it does not prove: the cookie that is set after logging in; how long a session lasts.

    Repair: set the flags. Before: `Set-Cookie: session=...`.
    After: `Set-Cookie: session=...; Secure; HttpOnly; SameSite=Lax`.
    """
    site = seen.need_site()
    if site.login is None:
        yield unproven(
            sentence.id, "no page on which people log in is named", repair="set `[site] login` in troth.toml"
        )
        return
    path = site.login
    page = seen.page(path)
    forms = outside.sign_in_forms(page)
    if not forms:
        yield unproven(
            path,
            f"the log-in page answers with status {page.status} and no form to log in with",
            repair="correct `[site] login` in troth.toml",
        )
        return
    over_tls = urlsplit(page.url).scheme == "https"
    fine = True
    if any(form.method.lower() != "post" for form in forms):
        fine = False
        yield broken(path, "sends what is typed as part of the address", repair='write `method="post"` on the form')
    cookies = outside.cookies_set(page)
    for cookie in cookies:
        missing = [
            flag
            for flag, there in (
                ("HttpOnly", cookie.http_only),
                ("SameSite", (cookie.same_site or "").lower() in ("lax", "strict")),
                ("Secure", cookie.secure or not over_tls),
            )
            if not there
        ]
        if missing:
            fine = False
            yield broken(
                f"cookie {cookie.name} of {path}",
                f"is set without {', '.join(missing)}",
                repair="add these flags where the cookie is set",
            )
    if fine:
        count = f"{counted(len(cookies), 'cookie')}, guarded" if cookies else "no cookie before the log-in"
        yield kept(path, f"the log-in is sent by POST; {count}")


@check(
    id="protection.endless-guessing",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b); ASVS 5.0 6.3.1",
    grade=Grade.SAMPLED,
    max_age=dt.timedelta(days=7),
    may_be_silent=True,
)
def endless_guessing(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - one log-in for all
    """Whoever guesses passwords at the log-in is slowed down.

    What it proves: with `[protection] login_tries`, so many wrong passwords in a row were sent to the log-in form of
    the site, for one account that does not exist; it refused further ones (429, 423 or `Retry-After`), or made them
    wait.

    What it does not prove: guessing from many addresses, or one password for many accounts; other log-ins. Without the
    setting nothing is tried and it says nothing.

    Repair: count tries without success by account and by address. Before: the twentieth wrong password is answered as
    the first. After: the ninth is answered with 429 and `Retry-After`.
    """
    most = seen.settings.protection.login_tries
    if not most:
        return
    site = seen.need_site()
    if site.login is None:
        yield unproven(
            "[protection] login_tries", "no page on which people log in is named", repair="set `[site] login`"
        )
        return
    found = guessing.guess(seen, site.login, most)
    if found.stopped_after is not None:
        how = f"answered {found.status}" if found.status in guessing.REFUSED else "made to wait"
        yield kept(site.login, f"try {found.stopped_after} for an account that does not exist was {how}")
    elif found.status in outside.REFUSALS - {401}:
        yield unproven(
            site.login,
            f"the form refuses what was sent for another reason (status {found.status})",
            repair="run the check where the form can be sent without an account",
        )
    else:
        yield broken(
            site.login,
            f"takes {counted(found.made, 'wrong password')} in a row and never slows down",
            repair="refuse further tries for a while, by account and by address",
        )


@check(
    id="protection.open-store",
    promise="access is controlled",
    applies=_measure,
    reference="GDPR Art. 32(1)(b), 25(2)",
)
def open_store(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Nobody may open the stores but those who are meant to.

    What it proves: a store that is a file, troth's own store, its key and what `[protection] closed` names are closed
    to other users of the machine; in stores with roles, PUBLIC and nameless accounts may do nothing on a table with
    personal data, nor on one, or a view, that the map does not name. Where the sentence declares `roles`, no role may
    do more than it says, and no other role may do anything there.

    What it does not prove: who knows the passwords of these roles, or is a member of them; what administrators of the
    server do.

    Repair: take away what nobody needs. Before: `grant select on users to public`.
    After: `revoke all on users from public`, `chmod 600 shop.sqlite3`.
    """
    yield from _own_files(seen)
    records = seen.need_records()
    for store in records.stores:
        try:
            link = records.link(store)
            grants = () if link.kind is LinkKind.FILE else records.roles(store)
        except RecordsError as problem:
            yield unproven(
                f"store {store}", problem.message, repair=problem.repair or "start it, then run `troth check`"
            )
            continue
        if link.kind is LinkKind.FILE:
            yield _file(f"store {store}", link.mode, _OTHERS)
        else:
            yield from _roles(seen, store, grants, sentence.meaning.roles)


def _own_files(seen: Observation) -> Iterator[Saw]:
    """What troth itself keeps on this machine, and what the settings name."""
    files: list[tuple[str, Path]] = [("the key", seen.folder / keys.FILE)]
    if seen.store is not None and seen.store.path is not None:
        files.append(("troth's own store", seen.store.path))
    for pattern in seen.settings.protection.closed:
        named = [(path.name, path) for path in matching.files(seen.folder, pattern)]
        files += named
        if not named:
            yield unproven(pattern, "no file has this name", repair="correct `[protection] closed` in troth.toml")
    for name, path in files:
        mode = outside.mode_of(path)
        if mode is not None:
            yield _file(name, mode, _NOT_MINE)


def _file(name: str, mode: int | None, forbidden: int) -> Saw:
    if mode is None:
        return unproven(name, "who may open its file cannot be seen", repair="run the check where the file is")
    if mode & forbidden:
        return broken(
            name, f"other users of the machine may open its file (mode {mode:04o})", repair="chmod 600 on the file"
        )
    return kept(name, f"closed to other users of the machine (mode {mode:04o})")


def _roles(
    seen: Observation, store: str, grants: tuple[Grant, ...], declared: dict[str, dict[str, tuple[str, ...]]]
) -> Iterator[Saw]:
    personal = {table.name for table in seen.need_map().stores[store].tables.values() if table.personal}
    mapped = {table.name for table in seen.need_map().stores[store].tables.values()}
    # what a member may do is what its role may do: that one is judged, and who its members are is known to nobody here
    own = [grant for grant in grants if grant.through is None]
    touching = [grant for grant in own if grant.table is None or grant.table in personal]
    faults = [
        unproven(
            f"{grant.table} in {store}",
            f"anybody may {', '.join(grant.privileges)} on it, and the data map does not say what it holds",
            repair="revoke it from PUBLIC, or name it in datamap.yaml",
        )
        for grant in own
        if _is_anybody(grant.role) and grant.table is not None and grant.table not in mapped
    ]
    for grant in touching:
        where = f"role {_name(grant.role) or '(nameless)'} in {store}"
        what = f"{', '.join(grant.privileges)} on {grant.table or 'every table'}"
        if _is_anybody(grant.role):
            faults.append(broken(where, f"anybody may {what}", repair="revoke it from PUBLIC or the nameless account"))
        elif declared and (extra := _beyond(grant, declared.get(_name(grant.role)))):
            faults.append(
                broken(
                    where,
                    f"may {', '.join(extra)} on {grant.table or 'every table'}, which the policy does not declare",
                    repair="revoke it, or declare it under `roles` of this sentence in policy.yaml",
                )
            )
    yield from faults
    if not touching:
        yield unproven(f"store {store}", "who may open its tables cannot be seen", repair="run `troth grants`")
    elif not faults:
        named = len({grant.role for grant in touching})
        against = "as declared" if declared else "none of them everybody"
        yield kept(f"store {store}", f"{counted(named, 'role')} may open tables with personal data, {against}")


def _name(role: str) -> str:
    match = _ACCOUNT.fullmatch(role)
    return match["user"] if match else role


def _is_anybody(role: str) -> bool:
    return role.upper() == "PUBLIC" or not _name(role)


def _beyond(grant: Grant, declared: dict[str, tuple[str, ...]] | None) -> list[str]:
    """The privileges of `grant` that the declared role does not have."""
    if declared is None:
        return list(grant.privileges)
    may = {*declared.get(grant.table or _EVERY_TABLE, ()), *declared.get(_EVERY_TABLE, ())}
    allowed = {privilege.upper() for privilege in may}
    return [] if "ALL" in allowed else [each for each in grant.privileges if each.upper() not in allowed]


CHECKS: tuple[Check, ...] = (open_door, bare_cookie, endless_guessing, open_store)
