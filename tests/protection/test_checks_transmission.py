"""3.1a on real handshakes, and the links to real stores."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.policies import policy_of, said
from tests.protection.hosts import HOST, Host
from tests.servers import Server
from tests.shopworld import own_verdict
from troth.foundation.network import Network
from troth.foundation.observation import Observation
from troth.foundation.proof import Check, run_checks
from troth.foundation.records.reading import Records
from troth.policy import mapreading
from troth.policy.settings import Settings, SiteSettings
from troth.protection.checks import mail as mail_checks
from troth.protection.checks import transmission
from troth.protection.checks.transmission import unencrypted_link, unencrypted_page

POLICY = policy_of(
    f"""
    protection:
      number: "3"
      title: Protection
      tls: {{text: Use TLS, measure: tls, hosts: [{HOST}], minimum: "1.2"}}
    """
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def host(authority: trustme.CA, tmp_path: Path) -> Host:
    return Host(authority, tmp_path)


def judged(network: Network | None, site: str | None = None, check: Check = unencrypted_page) -> tuple[str, str]:
    seen = Observation(POLICY, datetime.now(UTC), Path(), network=network)
    if site is not None:
        seen.site = SiteSettings.model_validate({"url": site})
    found = run_checks(POLICY, [check], seen).of("3a")
    return own_verdict(found), said(found)


def test_a_host_that_speaks_tls_well_is_kept(host: Host) -> None:
    with host.up() as network:
        verdict, told = judged(network, f"https://{HOST}")

    assert verdict == "kept"
    assert f"{HOST}: TLS 1.2, 1.3; certificate holds until" in told
    assert "http leads to https" in told


def test_a_host_without_a_plain_port_is_kept(host: Host) -> None:
    host.plain = None

    with host.up() as network:
        verdict, told = judged(network)

    assert verdict == "kept"
    assert "nothing answers without TLS" in told


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"oldest": ssl.TLSVersion.TLSv1}, "still speaks TLS 1.0, 1.1"),
        ({"oldest": ssl.TLSVersion.TLSv1, "newest": ssl.TLSVersion.TLSv1_1}, "does not speak TLS 1.2 or above"),
        ({"name": "other.example.com"}, "its certificate does not hold"),
        ({"days": 10}, "its certificate ends on"),
        ({"days": -1}, "its certificate does not hold"),
        ({"headers": {}}, "does not say that browsers must use TLS"),
        ({"headers": {"Strict-Transport-Security": "max-age=3600; includeSubDomains"}}, "says for 3600 s only"),
        ({"plain": "serve"}, "answers without TLS (status 200)"),
        ({"plain": "elsewhere"}, "answers without TLS (status 301)"),
    ],
)
def test_a_host_that_protects_less_breaks_the_sentence(host: Host, change: dict[str, object], word: str) -> None:
    for name, value in change.items():
        setattr(host, name, value)

    with host.up() as network:
        verdict, told = judged(network)

    assert verdict == "broken"
    assert word in told


def test_a_certificate_of_an_unknown_authority_does_not_hold(host: Host, tmp_path: Path) -> None:
    with host.up() as network:
        trustme.CA().cert_pem.write_to_path(tmp_path / "authority.pem")

        assert judged(network)[0] == "broken"


def test_a_host_that_is_down_is_unproven() -> None:
    verdict, told = judged(Network({HOST: ("127.0.0.1", 9)}))

    assert verdict == "unproven"
    assert "nothing listens there" in told


def test_probes_switched_off_are_unproven() -> None:
    assert judged(None)[0] == "unproven"


def test_the_company_s_own_site_belongs_to_the_declared_hosts(host: Host) -> None:
    with host.up() as network:
        assert "not among the declared hosts" in judged(network, "https://www.example.com")[1]
        assert "settings name the site without TLS" in judged(network, f"http://{HOST}")[1]
        assert judged(network, "http://localhost:8000")[0] == "kept"


def test_a_policy_without_hosts_proves_nothing() -> None:
    policy = policy_of(
        """
        protection:
          number: "3"
          title: Protection
          tls: {text: Use TLS, measure: tls}
        """
    )
    seen = Observation(policy, datetime.now(UTC), Path(), network=Network())

    assert own_verdict(run_checks(policy, [unencrypted_page], seen).of("3a")) == "unproven"


def test_hsts_is_read_whatever_else_stands_beside_it(host: Host) -> None:
    host.headers = {"strict-transport-security": 'includeSubDomains; max-age="15552000"'}
    assert transmission.SHORTEST_AGE_S == 15_552_000

    with host.up() as network:
        assert judged(network)[0] == "kept"


# --- links to stores ----------------------------------------------------------------------------------------------

MAP = b"""
troth: 1
stores:
  shop:
    connect: ${SHOP}
    person: {customer: {table: users, key: id}}
    tables:
      users: {whose: {person: customer}, columns: {id: no}}
"""


def linked(url: str) -> tuple[str, str]:
    datamap = mapreading.parse(MAP, "datamap.yaml")
    with Records.open(datamap, {"SHOP": url}) as records:
        seen = Observation(POLICY, datetime.now(UTC), Path(), datamap=datamap, records=records)
        found = run_checks(POLICY, [unencrypted_link], seen).of("3a")
    return own_verdict(found), said(found)


def test_a_file_is_not_transmitted(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()

    assert linked(f"sqlite:///{tmp_path / 'shop.db'}") == (
        "kept",
        "store shop: a file of this machine; nothing is transmitted",
    )


def test_a_store_that_is_down_is_unproven(tmp_path: Path) -> None:
    assert linked(f"sqlite:///{tmp_path / 'gone.db'}")[0] == "unproven"


def test_a_link_within_this_machine_is_kept(postgresql_database: str) -> None:
    assert linked(postgresql_database)[0] == "kept"


def test_a_link_to_mariadb_within_this_machine_is_kept(mariadb_database: str) -> None:
    assert linked(mariadb_database)[0] == "kept"


@pytest.mark.parametrize(
    ("mode", "expected"), [("require", "reached by TLS"), ("disable", "reached on this machine only")]
)
def test_the_evidence_says_how_the_store_was_reached(postgresql_running: Server, mode: str, expected: str) -> None:
    told = linked(f"{postgresql_running.url.partition('?')[0]}?sslmode={mode}")[1]

    assert expected in told


def test_a_link_to_another_machine_must_be_encrypted_and_verified() -> None:
    from troth.foundation.records.access import LinkKind, LinkSeen
    from troth.protection.checks.transmission import _link_fault

    assert _link_fault(LinkSeen(LinkKind.PLAIN)) is not None
    assert _link_fault(LinkSeen(LinkKind.TLS, "TLSv1.3", verified=False)) is not None
    assert _link_fault(LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True)) is None
    assert _link_fault(LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True, required=True)) is None
    assert _link_fault(LinkSeen(LinkKind.TLS, "TLSv1.3", verified=True, required=False)) is not None


@pytest.mark.parametrize("ciphers", ["aNULL", "eNULL"])
def test_a_host_that_takes_a_weak_cipher_breaks_the_sentence(host: Host, ciphers: str) -> None:
    host.ciphers = f"ECDHE+AESGCM:{ciphers}:@SECLEVEL=0"

    with host.up() as network:
        verdict, told = judged(network)

    assert verdict == "broken"
    assert "takes a weak cipher where nothing better is offered" in told


# --- mail ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        ({"server": "mail.example.com"}, "kept"),
        ({"server": "mail.example.com", "security": "tls"}, "kept"),
        ({"server": "localhost", "security": "none"}, "kept"),
        ({"server": "mail.example.com", "security": "none"}, "broken"),
    ],
)
def test_letters_are_not_handed_over_in_clear(mail: dict[str, str], expected: str) -> None:
    seen = Observation(POLICY, datetime.now(UTC), Path(), settings=Settings.model_validate({"mail": mail}))

    assert own_verdict(run_checks(POLICY, [mail_checks.unencrypted_mail], seen).of("3a")) == expected


def test_without_a_mail_server_nothing_is_said_of_mail() -> None:
    found = run_checks(POLICY, [mail_checks.unencrypted_mail], Observation(POLICY, datetime.now(UTC), Path()))

    assert (found.of("3a").findings, found.of("3a").evidence) == ((), ())


def test_whether_postgresql_takes_connections_in_clear_is_read_from_its_rules(postgresql_running: Server) -> None:
    """The rules are read from the file as it is; nothing reloads it."""
    rules = postgresql_running.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    try:
        assert required(postgresql_running.url) is True
        rules.write_text(before + "hostssl all all 10.0.0.0/8 scram-sha-256\nhost all all 0.0.0.0/0 reject\n")
        assert required(postgresql_running.url) is True
        rules.write_text(before + "host all all 10.0.0.0/8 scram-sha-256\n")
        assert required(postgresql_running.url) is False
    finally:
        rules.write_text(before)


def required(url: str) -> bool | None:
    datamap = mapreading.parse(MAP, "datamap.yaml")
    with Records.open(datamap, {"SHOP": url}) as records:
        return records.link("shop").required
