"""Encryption of letters: those that troth hands over, and those that people send to the company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from troth.errors import NetworkUnreachable
from troth.foundation import addresses
from troth.foundation.proof import Check, Saw, broken, check, kept, unproven
from troth.policy.vocabulary import Measure
from troth.protection.checks.transmission import SHORTEST_LIFE
from troth.protection.probes import mailhosts
from troth.protection.probes.mailhosts import Mode

if TYPE_CHECKING:
    from troth.foundation.observation import Observation
    from troth.policy.model import Policy, Sentence


def _measure(sentence: Sentence, _: Policy) -> bool:
    return sentence.meaning.measure is Measure.TLS


@check(
    id="protection.unencrypted-mail",
    promise="transmission is encrypted",
    applies=_measure,
    reference="GDPR Art. 32(1)(a); RFC 8314",
    may_be_silent=True,
)
def unencrypted_mail(seen: Observation, sentence: Sentence) -> Iterator[Saw]:
    """Letters to people are handed to the mail server over TLS, or do not leave the machine on that way.

    What it proves: the settings have troth hand its letters over by TLS or STARTTLS with the certificate verified (it
    sends nothing where the server does not offer it), or to a server on this machine.

    What it does not prove: what happens to the letters behind that server; how other programs send mail. Without a mail
    server in the settings it says nothing.

    Repair: Before: `[mail] security = "none"`. After: `security = "starttls"`.
    """
    mail = seen.settings.mail
    if mail.server is None:
        return
    if mail.security != "none":
        yield kept(sentence.id, f"letters are handed over by {mail.security}, verified")
    elif addresses.is_this_machine(mail.server.lower()):
        yield kept(sentence.id, "letters are handed to a mail server on this machine")
    else:
        yield broken(
            "the mail server",
            "letters to people travel to it in clear",
            repair='set `[mail] security = "starttls"` in troth.toml',
        )


@check(
    id="protection.unencrypted-delivery",
    promise="transmission is encrypted",
    applies=_measure,
    reference="GDPR Art. 32(1)(a); RFC 3207, RFC 8461",
    may_be_silent=True,
)
def unencrypted_delivery(seen: Observation, sentence: Sentence) -> Iterator[Saw]:  # noqa: ARG001 - every check takes both
    """What people write to the company comes in over TLS, and whoever sends it is told to insist on that.

    What it proves: every mail server of each domain under `[protection] mail_domains` offers STARTTLS and shows a
    certificate for its own name that holds for 14 days; the domain publishes an MTA-STS policy that names these servers
    and has senders send nothing in clear (`enforce`). Without such a policy it is unproven: who stands between can
    strip the offer.

    What it does not prove: that each sender reads the policy; who reads the letters at the provider. Without domains in
    the settings it says nothing.

    Repair: Before: no record at `_mta-sts`. After: `_mta-sts TXT "v=STSv1; id=20261122"`, and at
    `https://mta-sts.example.com/.well-known/mta-sts.txt` a policy with `mode: enforce`.
    """
    for domain in seen.settings.protection.mail_domains:
        network = seen.need_network()
        try:
            servers = network.mail_servers(domain)
        except NetworkUnreachable as problem:
            yield unproven(domain, problem.message, repair=problem.repair or "see that its records can be asked for")
            continue
        if not servers:
            yield unproven(domain, "takes no mail", repair="correct `[protection] mail_domains` in troth.toml")
            continue
        for server in servers:
            try:
                yield _judge_server(seen, domain, server)
            except NetworkUnreachable as problem:
                yield unproven(server, problem.message, repair=problem.repair or "start it, or let troth reach port 25")
        try:
            yield _judge_rule(seen, domain, servers)
        except NetworkUnreachable as problem:
            yield unproven(domain, problem.message, repair=problem.repair or "publish its MTA-STS policy")


def _judge_server(seen: Observation, domain: str, server: str) -> Saw:
    found = mailhosts.look(seen.need_network(), server)
    where = f"{server}, mail server of {domain}"
    if not found.offers:
        repair = "switch STARTTLS on (Postfix: `smtpd_tls_security_level = may`)"
        return broken(where, "takes letters in clear only", repair=repair)
    if found.fault is not None or found.not_after is None:
        repair = "install one for this name, with its whole chain"
        return broken(where, f"its certificate does not hold: {found.fault}", repair=repair)
    if found.not_after - seen.now < SHORTEST_LIFE:
        return broken(where, f"its certificate ends on {found.not_after:%Y-%m-%d}", repair="have it renewed by itself")
    return kept(where, f"offers STARTTLS; its certificate holds until {found.not_after:%Y-%m-%d}")


def _judge_rule(seen: Observation, domain: str, servers: tuple[str, ...]) -> Saw:
    network = seen.need_network()
    repair = "publish an MTA-STS policy with `mode: enforce` that names its servers"
    if not mailhosts.announces_rule(network, domain):
        return unproven(domain, "tells no sender that TLS is a must (MTA-STS)", repair=repair)
    rule = mailhosts.rule(network, domain)
    if rule is None:
        return broken(domain, "announces an MTA-STS policy that cannot be read", repair=repair)
    if rule.mode is not Mode.ENFORCE:
        return unproven(domain, f"its MTA-STS policy lets letters come in clear (mode {rule.mode})", repair=repair)
    missing = [each for each in servers if not rule.names(each)]
    if missing:
        return broken(domain, f"its MTA-STS policy does not name {', '.join(missing)}", repair=repair)
    return kept(domain, f"senders are to send nothing in clear, for {dt.timedelta(seconds=rule.max_age_s).days} days")


CHECKS: tuple[Check, ...] = (unencrypted_mail, unencrypted_delivery)
