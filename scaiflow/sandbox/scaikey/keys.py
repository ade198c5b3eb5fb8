"""The signing keys: RS256, rotated on demand, kept in the store so that tokens outlive a restart with `--state`."""

from __future__ import annotations

import json
from functools import lru_cache

from joserfc.jwk import KeySet, RSAKey

from scaiflow.sandbox.envelope import new_id
from scaiflow.sandbox.state import Sandbox

_KEPT = 3  # the newest signs, the older two still verify


def rotate(sandbox: Sandbox) -> str:
    """Sign with a fresh key from now on; returns its `kid`. Keys older than the newest three stop verifying."""
    kid = new_id("key")
    key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)
    with sandbox.store.transaction():
        sandbox.store.add("signing_key", kid, dict(key.as_dict(private=True)))
        for old in sandbox.store.find("signing_key")[:-_KEPT]:
            sandbox.store.delete("signing_key", old.id)
    return kid


def signing_key(sandbox: Sandbox) -> RSAKey:
    """The newest key; the first one is made when the store has none."""
    return _keys(sandbox)[-1]


def key_set(sandbox: Sandbox) -> KeySet:
    """All keys that still verify."""
    return KeySet(list(_keys(sandbox)))


def _keys(sandbox: Sandbox) -> list[RSAKey]:
    with sandbox.store.transaction():
        if not sandbox.store.find("signing_key"):
            rotate(sandbox)
        return [_imported(json.dumps(row.body)) for row in sandbox.store.find("signing_key")]


@lru_cache(maxsize=32)
def _imported(jwk: str) -> RSAKey:
    """Reading a private key checks its primes, which takes longer than everything else of a request together."""
    return RSAKey.import_key(json.loads(jwk))
