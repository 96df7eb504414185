"""A provider of sign-ins for tests: over real HTTP on this machine, as strict as a real one, and able to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "troth-console", "kept secret"


@dataclass
class StandIn:
    """What it answers. `claims` go into each ID token over what is true; a None takes one out."""

    address: str = ""
    alg: str = "RS256"
    claims: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(
        default_factory=lambda: {
            "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
            "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
        }
    )
    signs_with: Any = None
    now: int = 0
    begun: dict[str, dict[str, str]] = field(default_factory=dict)

    def let_in(self, address: str, subject: str, **claims: Any) -> str:
        """Somebody signs in here at the address they were sent to; gives the address they are sent back to."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.address}/authorize"
        asked = dict(parse_qsl(parts.query))
        assert asked["client_id"] == CLIENT
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_urlsafe(8)
        self.begun[code] = {**asked, "sub": subject}
        self.claims = claims
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if base64.b64decode(authorization.removeprefix("Basic ")).decode() != f"{CLIENT}:{SECRET.replace(' ', ' ')}":
            return 401, {"error": "invalid_client"}
        begun = self.begun.pop(form.get("code", ""), None)
        if begun is None or begun["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        shown = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if shown != begun["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "access_token": "x", "id_token": self.token(begun)}

    def token(self, begun: dict[str, str]) -> str:
        claims = {
            "iss": self.address,
            "sub": begun["sub"],
            "aud": CLIENT,
            "exp": self.now + 300,
            "iat": self.now,
            "nonce": begun["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.alg == "none":
            parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        key = self.signs_with or self.keys[self.alg]
        header = {"alg": self.alg} | ({"kid": key.kid} if key.kid else {})
        return jwt.encode(header, claims, key, algorithms=[self.alg])


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """The provider, up while the block runs."""
    here = StandIn()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self._send(
                    200,
                    {
                        "issuer": here.address,
                        "authorization_endpoint": f"{here.address}/authorize",
                        "token_endpoint": f"{here.address}/token",
                        "jwks_uri": f"{here.address}/keys",
                        **here.description,
                    },
                )
            elif self.path == "/keys":
                self._send(200, KeySet(list(here.keys.values())).as_dict())
            else:
                self._send(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*here.exchange(form, self.headers.get("authorization", "")))

        def _send(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    here.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
