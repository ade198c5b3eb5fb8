"""The signing keys: RS256 or ES256, rotated on demand, kept in the store: tokens outlive a restart with `--state`."""

from __future__ import annotations

import json
import secrets
from functools import lru_cache

from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

from scaiflow.sandbox.state import Sandbox

ALGORITHMS = ("RS256", "ES256")
SigningKey = RSAKey | ECKey

_KEPT = 3  # the newest signs, the older two still verify


def rotate(sandbox: Sandbox, algorithm: str = "RS256") -> str:
    """Sign with a fresh key from now on; returns its `kid`. Keys older than the newest three stop verifying."""
    # Random like the key itself, also with a seed: whoever has kept a key under its name would never fetch another.
    kid = f"key_{secrets.token_hex(11)}"
    parameters: KeyParameters = {"kid": kid, "use": "sig", "alg": algorithm}
    key: SigningKey = (
        ECKey.generate_key("P-256", parameters, private=True)
        if algorithm == "ES256"
        else RSAKey.generate_key(2048, parameters, private=True)
    )
    with sandbox.store.transaction():
        sandbox.store.add("signing_key", kid, dict(key.as_dict(private=True)))
        for old in sandbox.store.find("signing_key")[:-_KEPT]:
            sandbox.store.delete("signing_key", old.id)
    return kid


def signing_key(sandbox: Sandbox) -> SigningKey:
    """The newest key; the first one is made when the store has none."""
    return _keys(sandbox)[-1]


def key_set(sandbox: Sandbox) -> KeySet:
    """All keys that still verify."""
    return KeySet(list(_keys(sandbox)))


def header(key: SigningKey, type: str) -> dict[str, str]:
    """The JOSE header of a token that the key signs; `type` tells access tokens from id tokens."""
    return {"alg": str(key.alg), "kid": str(key.kid), "typ": type}


def _keys(sandbox: Sandbox) -> list[SigningKey]:
    with sandbox.store.transaction():
        if not sandbox.store.find("signing_key"):
            rotate(sandbox)
        return [_imported(json.dumps(row.body)) for row in sandbox.store.find("signing_key")]


@lru_cache(maxsize=32)
def _imported(jwk: str) -> SigningKey:
    """Reading a private key checks its primes, which takes longer than everything else of a request together."""
    fields = json.loads(jwk)
    return ECKey.import_key(fields) if fields["kty"] == "EC" else RSAKey.import_key(fields)
