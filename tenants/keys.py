"""ScaiKey's signing keys, kept in this process and fetched again when they rotate.

A key id that we do not know fetches the set anew, at most once a minute, so that made-up ids cost ScaiKey nothing; the
set is also renewed every ten minutes, so that a key which was withdrawn stops working.
"""

from __future__ import annotations

import json
import threading
import time

import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWKError
from jwt.utils import base64url_encode

from scaiflow.kit.errors import PassedThrough, Unavailable
from scaiflow.upstream import scaikey
from scaiflow.upstream.http import Unreachable, UpstreamError

log = structlog.get_logger(__name__)
ALGORITHMS = frozenset({"RS256", "ES256"})
RENEW_AFTER = 600.0
UNKNOWN_KEY_PAUSE = 60.0
FAILURE_PAUSE = 5.0
# Keys that nobody holds: numbers of the usual size and a point on the curve, for the time it takes to check with them.
_NOBODYS_RSA = rsa.RSAPublicNumbers(e=65537, n=(1 << 2047) + 1).public_key()
_NOBODYS_EC = ec.derive_private_key(2, ec.SECP256R1()).public_key()
NOBODYS = {
    "RS256": PyJWK(RSAAlgorithm.to_jwk(_NOBODYS_RSA, as_dict=True), algorithm="RS256"),
    "ES256": PyJWK(ECAlgorithm.to_jwk(_NOBODYS_EC, as_dict=True), algorithm="ES256"),
}


def signature_bytes(key: PyJWK) -> int:
    """How long a signature by this key is: as long as the modulus, or two numbers of the curve's size."""
    bits = int(key.key.key_size)
    return 2 * ((bits + 7) // 8) if key.algorithm_name == "ES256" else (bits + 7) // 8


def decoy_for(key: PyJWK) -> str:
    """A token of the usual size that this key has not signed: checking it is the work that a forgery costs."""
    header = {"alg": key.algorithm_name, "kid": key.key_id or "", "typ": "at+jwt"}
    parts = [json.dumps(header).encode(), b'{"decoy": "%s"}' % (b"-" * 320), b"\x01" * signature_bytes(key)]
    return ".".join(base64url_encode(part).decode() for part in parts)


class KeyRing:
    """The keys of one ScaiKey. Safe to use from several threads; the clock can be given for tests."""

    def __init__(self, base_url: str, *, clock: object = time.monotonic) -> None:
        self.base_url = base_url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._failed_at = float("-inf")

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """The key of this id, if it is one for this algorithm. Raises Unavailable when ScaiKey cannot be asked."""
        if self._age() > RENEW_AFTER:
            self._renew(RENEW_AFTER)
        if key_id not in self._keys:
            self._renew(UNKNOWN_KEY_PAUSE)
        key = self._keys.get(key_id)
        return key if key and key.algorithm_name == algorithm else None

    def any(self, algorithm: str) -> PyJWK | None:
        """Some key for this algorithm, of those that we have; nothing is fetched for it."""
        return next((key for key in list(self._keys.values()) if key.algorithm_name == algorithm), None)

    def _age(self) -> float:
        return self._now() - self._fetched_at

    def _now(self) -> float:
        return float(self._clock())  # type: ignore[operator]

    def _renew(self, older_than: float) -> None:
        """One thread asks. The others wait for it only while there is no key at all; else they go on with what we have."""
        if not self._lock.acquire(blocking=not self._keys or older_than == UNKNOWN_KEY_PAUSE):
            return
        try:
            if self._age() > older_than:  # else another thread has just done it, or it is too early to ask again
                self._ask()
        finally:
            self._lock.release()

    def _ask(self) -> None:
        """Known keys go on being good while ScaiKey is away, and are asked about once a minute; without any, nobody can be
        let in, and it is tried again sooner. Raises Unavailable."""
        pause = UNKNOWN_KEY_PAUSE if self._keys else FAILURE_PAUSE
        if self._now() - self._failed_at > pause:
            try:
                self._keys = self._fetch()
                self._fetched_at = self._now()
            except (Unreachable, UpstreamError, PassedThrough) as error:
                self._failed_at = self._now()
                log.error("component down", component="scaikey", error=str(error))
        if not self._keys and self._fetched_at == float("-inf"):
            raise Unavailable("ScaiKey does not answer, so tokens cannot be checked; try again", component="scaikey")

    def _fetch(self) -> dict[str, PyJWK]:
        endpoints = scaikey.discover(base_url=self.base_url)
        keys: dict[str, PyJWK] = {}
        for jwk in scaikey.fetch_keys(jwks_url=endpoints.jwks):
            if jwk.get("use", "sig") != "sig" or jwk.get("kty") not in {"RSA", "EC"} or "kid" not in jwk:
                continue
            try:
                keys[str(jwk["kid"])] = PyJWK(jwk)
            except PyJWKError:
                log.warning("unusable key", service="scaikey")
        return keys
