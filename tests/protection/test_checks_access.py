"""3.1b and 3.1c to e: doors, cookies, files, grants, and what a host tells strangers."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tests.policies import said
from tests.protection.hosts import HOST, HSTS, Host
from tests.shopworld import World, own_verdict
from tests.sites import LocalSite
from troth.foundation.network import Network
from troth.foundation.proof import run_checks
from troth.policy.settings import Settings, SiteSettings
from troth.protection.checks import access

LOGIN = '<form method="post" action="/log-in"><input name="login"><input type="password" name="password"></form>'


@pytest.fixture
def shop(world: World, site: LocalSite) -> World:
    world.network = site.network()
    world.site = site.settings(login="/log-in")
    return world


# --- the console --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_console_that_refuses_strangers_is_kept(shop: World, site: LocalSite, status: int) -> None:
    site.put("/console", "<p>no</p>", status=status)

    assert shop.own("3.1b", access.open_door)[0] == "kept"


def test_a_console_that_leads_to_a_sign_in_is_kept(shop: World, site: LocalSite) -> None:
    site.put("/console", "", status=303, headers={"Location": "/console/sign-in"})
    site.put("/console/sign-in", LOGIN)

    assert shop.own("3.1b", access.open_door)[0] == "kept"


def test_a_sign_in_elsewhere_refuses_strangers_too(shop: World, site: LocalSite) -> None:
    site.put("/console", "", status=302, headers={"Location": "https://login.example.org/start"})

    assert shop.own("3.1b", access.open_door)[0] == "kept"


def test_a_console_that_shows_itself_to_strangers_breaks_the_sentence(shop: World, site: LocalSite) -> None:
    site.put("/console", "<h1>Requests</h1><table><tr><td>2026-000001</td></tr></table>")

    assert shop.own("3.1b", access.open_door)[0] == "broken"


def test_a_console_that_only_moves_strangers_around_is_open(shop: World, site: LocalSite) -> None:
    site.put("/console", "", status=307, headers={"Location": "/console/"})
    site.put("/console/", "<h1>Requests</h1>")

    assert shop.own("3.1b", access.open_door)[0] == "broken"


@pytest.mark.parametrize("status", [404, 500])
def test_a_console_that_is_not_there_proves_nothing(shop: World, site: LocalSite, status: int) -> None:
    site.put("/console", "<p>?</p>", status=status)

    assert shop.own("3.1b", access.open_door)[0] == "unproven"


def test_a_redirect_that_never_ends_proves_nothing(shop: World, site: LocalSite) -> None:
    site.put("/console", "", status=302, headers={"Location": "/console"})

    assert shop.own("3.1b", access.open_door)[0] == "unproven"


def test_a_site_that_is_down_proves_nothing(shop: World) -> None:
    shop.network = Network({HOST: ("127.0.0.1", 9)})

    assert shop.own("3.1b", access.open_door, access.bare_cookie)[0] == "unproven"


# --- the log-in ---------------------------------------------------------------------------------------------------

GUARDED = "form=abc; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("html", "cookies", "expected"),
    [
        (LOGIN, (), "kept: no cookie before the log-in"),
        (LOGIN, (GUARDED,), "kept: 1 cookie, guarded"),
        (LOGIN, ("gone=; Max-Age=0",), "kept: no cookie before the log-in"),
        (LOGIN, ("form=abc; SameSite=Lax",), "broken: is set without HttpOnly"),
        (LOGIN, ("form=abc; HttpOnly; SameSite=None",), "broken: is set without SameSite"),
        (LOGIN.replace("post", "get"), (), "broken: sends what is typed as part of the address"),
        ("<p>closed</p>", (), "unproven: no form to log in with"),
    ],
)
def test_the_log_in_is_guarded(
    shop: World, site: LocalSite, html: str, cookies: tuple[str, ...], expected: str
) -> None:
    site.put("/log-in", html, cookies=cookies)

    verdict, told = shop.own("3.1b", access.bare_cookie)

    assert verdict == expected.partition(": ")[0]
    assert expected.partition(": ")[2] in told


def test_over_tls_a_cookie_must_not_leave_it(world: World, tmp_path: Path) -> None:
    host = Host(trustme.CA(), tmp_path, headers=HSTS | {"Set-Cookie": GUARDED})
    host.answers["/log-in"] = (200, "text/html", LOGIN.encode())
    world.site = SiteSettings.model_validate({"url": f"https://{HOST}", "login": "/log-in"})

    with host.up() as world.network:
        assert "is set without Secure" in world.own("3.1b", access.bare_cookie)[1]
    host.headers = HSTS | {"Set-Cookie": GUARDED + "; Secure"}
    with host.up() as world.network:
        assert world.own("3.1b", access.bare_cookie)[0] == "kept"


def test_no_named_log_in_proves_nothing(shop: World, site: LocalSite) -> None:
    shop.site = site.settings()

    assert shop.own("3.1b", access.bare_cookie)[0] == "unproven"


# --- files and grants ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode", "word"),
    [
        ("shop.sqlite3", 0o604, "store shop: other users of the machine may open its file (mode 0604)"),
        ("troth.sqlite3", 0o640, "troth's own store: other users"),
    ],
)
def test_a_file_that_others_may_open_breaks_the_sentence(world: World, name: str, mode: int, word: str) -> None:
    assert world.own("3.1b", access.open_store)[0] == "kept"

    (world.folder / name).chmod(mode)

    verdict, told = world.own("3.1b", access.open_store)
    assert verdict == "broken"
    assert word in told


def test_a_key_that_others_may_read_breaks_the_sentence(world: World) -> None:
    with world.seen() as seen:
        (world.folder / "troth.key").chmod(0o644)
        found = run_checks(seen.policy, [access.open_store], seen).of("3.1b")

    assert own_verdict(found) == "broken"
    assert "the key: other users of the machine may open its file" in said(found)


def test_a_grant_to_everybody_breaks_the_sentence(served: World) -> None:
    verdict, told = served.own("3.1b", access.open_store)
    assert verdict == "kept"
    assert "may open tables with personal data, none of them everybody" in told

    served.sql_served("grant select on products to public")
    assert served.own("3.1b", access.open_store)[0] == "kept"

    served.sql_served("grant select on users to public")
    verdict, told = served.own("3.1b", access.open_store)
    assert verdict == "broken"
    assert "role PUBLIC in shop: anybody may SELECT on users" in told


def test_a_view_that_nobody_mapped_and_anybody_may_read_is_unproven(served: World) -> None:
    served.sql_served("create view directory as select username, email from users")
    assert served.own("3.1b", access.open_store)[0] == "kept"

    served.sql_served("grant select on directory to public")
    verdict, told = served.own("3.1b", access.open_store)
    assert verdict == "unproven"
    assert "directory in shop: anybody may SELECT on it, and the data map does not say" in told


def test_declared_roles_may_do_what_is_declared_and_no_more(served: World) -> None:
    owner = served.shop_url.split("//")[1].split("@")[0].split(":")[0] if served.shop_url else ""
    served.rewrite(
        "policy.yaml",
        "      measure: access-control\n",
        "      measure: access-control\n"
        f"      roles: {{{owner}: {{'*': [all]}}, reader_of_orders: {{orders: [select]}}}}\n",
    )
    served.sql_served("drop role if exists reader_of_orders")
    served.sql_served("create role reader_of_orders")
    served.sql_served("grant select on orders to reader_of_orders")
    try:
        assert served.own("3.1b", access.open_store)[0] == "kept"

        served.sql_served("grant update on orders to reader_of_orders")

        verdict, told = served.own("3.1b", access.open_store)
        assert verdict == "broken"
        assert "role reader_of_orders in shop: may UPDATE on orders, which the policy does not declare" in told
    finally:
        served.sql_served("drop owned by reader_of_orders")
        served.sql_served("drop role reader_of_orders")


def test_a_nameless_account_of_mariadb_breaks_the_sentence(world: World, mariadb_database: str) -> None:
    world.shop_url = mariadb_database
    name = mariadb_database.rpartition("/")[2].partition("?")[0]
    world.sql_served("insert into users values (1, 'someone', 'someone@example.org', null, '!', now(), null)")
    assert world.own("3.1b", access.open_store)[0] == "kept"

    world.sql_served("create user if not exists ''@'127.0.0.9'")
    world.sql_served(f"grant select on {name}.users to ''@'127.0.0.9'")
    try:
        verdict, told = world.own("3.1b", access.open_store)
    finally:
        world.sql_served("drop user ''@'127.0.0.9'")

    assert verdict == "broken"
    assert "role (nameless) in shop: anybody may SELECT on users" in told


def test_a_file_that_the_settings_want_closed_is_closed(world: World) -> None:
    (world.folder / "site.key").touch(mode=0o600)

    assert closed(world, "*.key") == "kept"
    (world.folder / "site.key").chmod(0o640)
    assert closed(world, "*.key") == "broken"
    assert closed(world, "*.pem") == "unproven"


def closed(world: World, pattern: str) -> str:
    with world.seen() as seen:
        seen.settings = Settings.model_validate({"protection": {"closed": [pattern]}})
        return own_verdict(run_checks(seen.policy, [access.open_store], seen).of("3.1b"))
