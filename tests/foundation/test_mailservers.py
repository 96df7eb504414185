"""Mail servers of a domain, asked of a real resolver: a small DNS server on this machine."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from troth.errors import NetworkUnreachable
from troth.foundation import mailservers
from troth.foundation.network import Network

RECORDS = {
    ("shop.example.com.", "MX"): ["20 second.example.net.", "10 first.example.net."],
    ("plain.example.com.", "A"): ["192.0.2.7"],
    ("silent.example.com.", "MX"): ["0 ."],
    ("_mta-sts.shop.example.com.", "TXT"): ['"v=STSv1; " "id=1"', '"another"'],
}
KNOWN = {name for name, _ in RECORDS}


class Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, kind = asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)
        if name == "broken.example.com.":
            return  # nobody answers
        reply = dns.message.make_response(question)
        if (name, kind) in RECORDS:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *RECORDS[name, kind]))
        elif name not in KNOWN:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        sock.sendto(reply.to_wire(), self.client_address)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.server_address[1]
        yield Network(
            mail_lookup=mailservers.lookup(resolver, timeout_s=0.5),
            text_lookup=mailservers.texts(resolver, timeout_s=0.5),
        )
        server.shutdown()


@pytest.mark.parametrize(
    ("domain", "servers"),
    [
        ("shop.example.com", ("first.example.net", "second.example.net")),
        ("plain.example.com", ("plain.example.com",)),
        ("silent.example.com", ()),
        ("nobody.example.com", ()),
    ],
)
def test_mail_goes_where_the_domain_says(network: Network, domain: str, servers: tuple[str, ...]) -> None:
    assert network.mail_servers(domain) == servers


def test_a_resolver_that_does_not_answer_proves_nothing(network: Network) -> None:
    with pytest.raises(NetworkUnreachable, match="in time"):
        network.mail_servers("broken.example.com")


def test_the_parts_of_a_text_are_joined(network: Network) -> None:
    assert set(network.texts("_mta-sts.shop.example.com")) == {"v=STSv1; id=1", "another"}


@pytest.mark.parametrize("name", ["nobody.example.com", "plain.example.com"])
def test_a_name_without_texts_has_none(network: Network, name: str) -> None:
    assert network.texts(name) == ()


def test_texts_that_nobody_tells_are_no_absence_of_texts(network: Network) -> None:
    with pytest.raises(NetworkUnreachable):
        network.texts("broken.example.com")
