"""What a domain has on record: which servers take its mail, and its texts. Needs the extra `mail` (dnspython)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from troth.foundation.network import Lookup


def lookup(resolver: Resolver | None = None, *, timeout_s: float = 5.0) -> Lookup | None:
    """A look-up by `resolver`, by default that of the machine; None when the extra is not installed.

    The servers come best first (lowest preference). A domain without MX records is its own server when it has an
    address (RFC 5321 section 5.1); one that says it takes no mail (RFC 7505), or that is not there, has none.
    The look-up raises OSError when nobody answers in time.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def ask(domain: str) -> Sequence[str]:
        asked = resolver or dns.resolver.Resolver()
        try:
            found = asked.resolve(domain, "MX", lifetime=timeout_s)
            servers = sorted(found, key=lambda record: int(record.preference))
            return [name for record in servers if (name := str(record.exchange).rstrip("."))]
        except dns.resolver.NXDOMAIN:
            return []
        except dns.resolver.NoAnswer:
            return [domain] if _has_address(asked, domain, timeout_s) else []
        except dns.exception.DNSException:
            raise TimeoutError from None

    return ask


def texts(resolver: Resolver | None = None, *, timeout_s: float = 5.0) -> Lookup | None:
    """A look-up of TXT records by `resolver`, by default that of the machine; None when the extra is not installed.

    Each record is one text, its parts joined (RFC 7208 section 3.3); a name that is not there has none. The look-up
    raises OSError when nobody answers in time.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def ask(name: str) -> Sequence[str]:
        asked = resolver or dns.resolver.Resolver()
        try:
            found = asked.resolve(name, "TXT", lifetime=timeout_s)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException:
            raise TimeoutError from None
        return [b"".join(record.strings).decode("ascii", "replace") for record in found]

    return ask


def _has_address(resolver: Resolver, domain: str, timeout_s: float) -> bool:
    import dns.exception
    import dns.resolver

    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(domain, kind, lifetime=timeout_s)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
        except dns.exception.DNSException:
            raise TimeoutError from None
        return True
    return False
