"""What programs look for below `/.well-known/`: each as a text or an address, None where the settings do not say it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from troth.policy.settings import SecuritySettings, SiteSettings

GPC = "/.well-known/gpc.json"
SECURITY = "/.well-known/security.txt"
CHANGE_PASSWORD = "/.well-known/change-password"  # noqa: S105 - an address


def gpc(site: SiteSettings) -> str | None:
    """That the site honours Global Privacy Control, and since when (W3C GPC, "support resource")."""
    return None if site.gpc is None else json.dumps({"gpc": True, "lastUpdate": site.gpc.isoformat()})


def security(settings: SecuritySettings, site: SiteSettings) -> str | None:
    """Whom to tell of a weakness (RFC 9116 section 2.5)."""
    if not settings.contact or settings.expires is None:
        return None
    lines = [f"Contact: {one}" for one in settings.contact]
    lines.append(f"Expires: {settings.expires.isoformat()}T00:00:00Z")
    lines += [
        f"{name}: {value}"
        for name, value in (
            ("Encryption", settings.encryption),
            ("Acknowledgments", settings.acknowledgments),
            ("Preferred-Languages", ", ".join(settings.languages)),
            ("Canonical", f"{site.url.rstrip('/')}{SECURITY}" if site.url.startswith("https://") else None),
            ("Policy", settings.policy),
            ("Hiring", settings.hiring),
        )
        if value
    ]
    return "\n".join(lines) + "\n"
