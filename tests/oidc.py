"""A broker to log in through: a true server of OpenID Connect on this machine, as strict as the standard."""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA2 = "http://id.elegnamnden.se/loa/1.0/loa2"
CLIENT, SECRET, KID = "lefi", "the broker's secret for us", "key-1"


def new_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Broker:
    """The server's state: who logs in next, what was asked, and how it misbehaves (`twist` changes an id_token)."""

    claims: dict[str, Any]
    info: dict[str, Any] = field(default_factory=dict)
    key: RSAPrivateKey = field(default_factory=new_key)
    signs_with: RSAPrivateKey | None = None
    twist: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    address: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def configuration(self, **said: Any) -> dict[str, Any]:
        """This broker as OIDC_BROKERS has it."""
        one = {"id": "freja", "name": "Freja", "server_url": self.address, "client_id": CLIENT, "secret": SECRET}
        return one | said

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent to: back, with a code."""
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self.codes[code] = query
        said = {"error": self.error} if self.error else {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**said, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The tokens for a code, which is used once; None to who cannot prove that the code was asked for."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = urlsafe_b64encode(digest).decode().rstrip("=")
        given = b64decode(authorization.removeprefix("Basic ")).decode()
        if asked is None or proof != asked["code_challenge"] or given != f"{CLIENT}:{SECRET}":
            return None
        assert form["redirect_uri"] == asked["redirect_uri"]
        said = {
            "iss": self.address,
            "aud": CLIENT,
            "iat": int(time()),
            "exp": int(time()) + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.twist,
        }
        token = jwt.encode(said, self.signs_with or self.key, algorithm="RS256", headers={"kid": KID})
        self.tokens.append(token)
        return {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}

    def keys(self) -> dict[str, Any]:
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": KID, "alg": "RS256", "use": "sig"}]}

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }


def _handler(broker: Broker) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                self.send_response(302)
                self.send_header("Location", broker.authorize(query))
                self.end_headers()
            elif asked.path == "/userinfo" and self.headers["Authorization"] == "Bearer access":
                self._say({"sub": broker.claims.get("sub"), **broker.info})
            elif asked.path == "/keys":
                self._say(broker.keys())
            elif asked.path == "/.well-known/openid-configuration":
                self._say(broker.discovery())
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            tokens = broker.token(form, self.headers.get("Authorization", ""))
            self._say(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

        def _say(self, what: dict[str, Any], status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(what).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


@contextmanager
def serving(broker: Broker) -> Iterator[Broker]:
    """The broker, answering while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(broker))
    broker.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield broker
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def sent_back_to(address: str) -> str:
    """Follow our redirect to the broker as a browser does; return where the broker sends it."""
    return str(requests.get(address, allow_redirects=False, timeout=5).headers["Location"])
