"""The company's own provider of sign-ins, by OpenID Connect: authorization code with PKCE, state and nonce.

What must hold of what comes back (OpenID Connect Core 3.1; RFC 7636; RFC 9207): the state is the one this browser was
given minutes ago, and comes back once; the code is exchanged with the provider itself, with the verifier that only we
have; the ID token is signed by one of the provider's keys (RS256 or ES256), by this issuer, for us, not past its end,
with our nonce. Who somebody is, is issuer and subject, kept as one keyed hash. An e-mail address is not looked at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from troth.errors import AccessDenied, TrothError
from troth.foundation.factors import awaited
from troth.foundation.keys import Keyring
from troth.policy.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx

ALGORITHMS = ("RS256", "ES256")
FRESH_S = 300
_KIND = "provider"
_LEEWAY_S = 60
_TIMEOUT_S = 5.0
_LARGEST = 1 << 20
_STRONG = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "pop"})
"""Words of `amr` (RFC 8176) that say that more than a password was shown."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where the browser is sent, and what it keeps meanwhile."""

    address: str
    kept: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Came:
    """Who came back: a keyed hash of issuer and subject. `purpose` and `account`: what it was begun for.

    `strong`: the provider says that more than a password was shown. `recent`: shown within the last 5 minutes.
    """

    subject: bytes
    purpose: str
    account: int | None
    strong: bool
    recent: bool
    claims: Mapping[str, Any] = field(repr=False)
    kept: str = field(repr=False)


class Provider:
    """One provider, as its settings name it."""

    def __init__(self, settings: ProviderSettings, back: str) -> None:
        self.settings = settings
        self.back = back
        """The address on our side that it sends people back to."""

    @property
    def host(self) -> str:
        return urlsplit(self.settings.issuer).hostname or self.settings.issuer

    def begin(self, keyring: Keyring, purpose: str, *, account: int | None = None, now: datetime) -> Way:
        """Send somebody to the provider. Raises: TrothError when it does not answer as one, or authlib is missing."""
        _require_installed()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        facts = {"purpose": purpose, "staff": account, "state": state, "nonce": nonce, "verifier": verifier}
        query = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self.settings.client_id,
            "redirect_uri": self.back,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        if purpose == "again":
            query |= {"prompt": "login", "max_age": "0"}
        with self._client() as client:
            address = self._described(client)["authorization_endpoint"]
        joint = "&" if urlsplit(address).query else "?"
        return Way(f"{address}{joint}{urlencode(query)}", awaited.begin(keyring, _KIND, facts, now=now))

    def come_back(self, keyring: Keyring, kept: str, query: Mapping[str, str], *, now: datetime) -> Came:
        """Who came back from the provider. Write down that it was answered (`awaited.answered`) with what is done.

        Raises: AccessDenied when anything does not hold; TrothError when the provider does not answer.
        """
        _require_installed()
        begun = awaited.look(keyring, _KIND, kept, now=now)
        if begun is None or not hmac.compare_digest(begun["state"].encode(), query.get("state", "").encode()):
            raise _refused("this sign-in was not begun in this browser, or took longer than 10 minutes")
        if query.get("iss", self.settings.issuer) != self.settings.issuer:
            raise _refused("another provider answered")
        if "code" not in query:
            raise _refused("the provider did not let you in")
        with self._client() as client:
            described = self._described(client)
            token = self._exchanged(client, described["token_endpoint"], query["code"], begun["verifier"])
            keys = self._asked(client, described["jwks_uri"])
        claims = self._checked(token, keys, begun, now)
        at = claims.get("auth_time")
        recent = isinstance(at, (int, float)) and now.timestamp() - FRESH_S <= at <= now.timestamp() + _LEEWAY_S
        return Came(
            subject=subject_of(keyring, claims["iss"], claims["sub"]),
            purpose=begun["purpose"],
            account=begun["staff"],
            strong=bool(_STRONG & set(map(str, claims.get("amr") or ()))),
            recent=recent,
            claims=claims,
            kept=kept,
        )

    def role_of(self, claims: Mapping[str, Any]) -> str | None:
        """The role that the claims give by the settings; of several, the one named first. None: they give none."""
        told = claims.get(self.settings.role_claim or "")
        held = {told} if isinstance(told, str) else {each for each in _listed(told) if isinstance(each, str)}
        return next((role for word, role in self.settings.roles.items() if word in held), None)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _client(self) -> httpx.Client:
        import ssl

        import httpx

        context = ssl.create_default_context()
        if self.settings.trust:
            context.load_verify_locations(self.settings.trust)
        return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False, verify=context)

    def _described(self, client: httpx.Client) -> dict[str, str]:
        """What the provider says of itself. INVARIANT: it names itself as the settings do."""
        issuer = self.settings.issuer
        _require_private(issuer)
        found = self._asked(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise TrothError("the provider calls itself by another name", where="[staff.oidc] issuer", expected=issuer)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str):
                raise _silent(f"no {name}")
            _require_private(found[name])
        return found

    def _asked(self, client: httpx.Client, address: str) -> dict[str, Any]:
        import httpx

        try:
            return _object(client.get(address))
        except httpx.HTTPError as problem:
            raise _silent(type(problem).__name__) from None

    def _exchanged(self, client: httpx.Client, endpoint: str, code: str, verifier: str) -> str:
        import httpx

        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": verifier,
        }
        try:
            answer = client.post(endpoint, data=form, auth=(self.settings.client_id, self.settings.client_secret))
        except httpx.HTTPError as problem:
            raise _silent(type(problem).__name__) from None
        if answer.status_code == 400:
            raise _refused("the provider does not know this code any more")
        token = _object(answer).get("id_token")
        if not isinstance(token, str):
            raise _silent("no id_token")
        return token

    def _checked(self, token: str, keys: dict[str, Any], begun: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped] # it brings no types
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        options: Any = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        params: dict[str, Any] = {"nonce": begun["nonce"], "client_id": self.settings.client_id}
        if begun["purpose"] == "again":
            params["max_age"] = 1
        try:
            opened = jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))  # type: ignore[arg-type]
            claims: Any = CodeIDToken(opened.claims, opened.header, options, params)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError):
            raise _refused("the provider's answer does not hold") from None
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise _refused("the provider's answer names nobody")
        return dict(claims)


def subject_of(keyring: Keyring, issuer: str, subject: str) -> bytes:
    """How the store knows somebody of the provider: a keyed hash of issuer and subject."""
    return keyring.pseudonym("staff provider", f"{issuer}\n{subject}".encode())


def _listed(claim: object) -> list[Any]:
    """What a claim lists, or has as keys; nothing where it is neither."""
    return list(claim) if isinstance(claim, list | dict) else []


def _challenge(verifier: str) -> str:
    """What the provider is shown of the verifier: S256 (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer. Raises: TrothError for any other."""
    if answer.status_code != 200 or len(answer.content) > _LARGEST:
        raise _silent(f"status {answer.status_code}")
    try:
        found = answer.json()
    except ValueError:
        raise _silent("no JSON") from None
    if not isinstance(found, dict):
        raise _silent("no JSON object")
    return found


def _require_private(address: str) -> None:
    """Nothing of a sign-in goes over plain HTTP, but within this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}):
        raise TrothError("the provider is not reached over TLS", where="[staff.oidc]", expected="an https address")


def _require_installed() -> None:
    from importlib.util import find_spec

    if find_spec("authlib") is None:
        raise TrothError("signing in by a provider needs more than is installed", repair="pip install 'troth[staff]'")


def _silent(what: str) -> TrothError:
    return TrothError(f"the provider did not answer as one: {what}", where="[staff.oidc] issuer")


def _refused(why: str) -> AccessDenied:
    return AccessDenied(f"Nobody was signed in: {why}.", repair="Begin again from the sign-in.")
