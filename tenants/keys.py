"""ScaiKey's signing keys, kept in this process and fetched again when they rotate.

A key id that we do not know fetches the set anew, at most once a minute, so that made-up ids cost ScaiKey nothing; the
set is also renewed every ten minutes, so that a key which was withdrawn stops working.
"""

from __future__ import annotations

import threading
import time

import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWKError

from scaiflow.kit.errors import Unavailable
from scaiflow.upstream import scaikey
from scaiflow.upstream.http import Unreachable, UpstreamError

log = structlog.get_logger(__name__)
ALGORITHMS = frozenset({"RS256", "ES256"})
RENEW_AFTER = 600.0
UNKNOWN_KEY_PAUSE = 60.0
FAILURE_PAUSE = 5.0


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

    def _age(self) -> float:
        return self._now() - self._fetched_at

    def _now(self) -> float:
        return float(self._clock())  # type: ignore[operator]

    def _renew(self, older_than: float) -> None:
        with self._lock:
            if self._age() <= older_than:
                return  # another thread has just done it, or it is too early to ask again
            if self._now() - self._failed_at <= FAILURE_PAUSE:
                self._cannot_ask()
                return
            try:
                self._keys = self._fetch()
                self._fetched_at = self._now()
            except (Unreachable, UpstreamError) as error:
                self._failed_at = self._now()
                log.error("component down", component="scaikey", error=str(error))
                self._cannot_ask()

    def _cannot_ask(self) -> None:
        """Known keys go on being good while ScaiKey is away; without any, nobody can be let in."""
        if not self._keys:
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
