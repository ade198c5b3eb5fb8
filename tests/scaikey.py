"""A ScaiKey whose keys the test holds: real discovery and a real key set over HTTP, and tokens of any kind."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.loopback import Service, Told

DISCOVERY = "/api/v1/platform/oauth/.well-known/openid-configuration"
AUDIENCE = "scaiflow"
RSA_KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("first", "second")}
EC_KEYS = {"curve": ec.generate_private_key(ec.SECP256R1())}
PRIVATE: dict[str, Any] = {**RSA_KEYS, **EC_KEYS}


class ScaiKey(Service):
    def __init__(self) -> None:
        super().__init__()
        self.on("GET", DISCOVERY, lambda _: Told(200, self.discovery()))
        self.publish("first", "curve")

    def publish(self, *kids: str) -> None:
        """Serve the public halves of these keys, and no others."""
        self.on("GET", "/jwks", Told(200, {"keys": [public_jwk(kid) for kid in kids]}))

    def discovery(self) -> dict[str, str]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
        }

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A good access token's claims; a change to None leaves the claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": AUDIENCE, "sub": "usr_ada", "tenant_id": "tnt_demo", "iat": now, "exp": now + 600,
            "scope": "scaicore:view scaicore:manage", "email": "ada@demo.test", "name": "Ada",
        }  # fmt: skip
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, *, kid: str = "first", headers: dict[str, Any] | None = None, **changes: Any) -> str:
        algorithm = "ES256" if kid in EC_KEYS else "RS256"
        return jwt.encode(self.claims(**changes), PRIVATE[kid], algorithm, headers={"kid": kid, **(headers or {})})


def public_jwk(kid: str) -> dict[str, Any]:
    algorithm = ECAlgorithm if kid in EC_KEYS else RSAAlgorithm
    return json.loads(algorithm.to_jwk(PRIVATE[kid].public_key())) | {"kid": kid, "use": "sig"}
