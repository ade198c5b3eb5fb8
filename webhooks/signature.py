"""Is it ScaiKey who speaks, and now? Pure. (spec: api.md, Webhooks)

`X-Scaikey-Signature: t=<unix>,v1=<hex>` is HMAC-SHA256 over `"<t>." + raw body`; there may be several `v1` and several
secrets of ours while one is being rotated. `X-Scaikey-Timestamp` must say the same `t`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

TOLERANCE = 300


class BadSignature(Exception):
    """Missing, malformed, stale, or not ScaiKey's. The message may be shown: it tells nothing of the secret."""


def check(*, raw: bytes, signature: str, timestamp: str, secrets: Sequence[str], now: float) -> int:
    """The time of signing, unix seconds. Raises BadSignature."""
    moment, given = _parts(signature)
    if timestamp.strip() != moment:
        raise BadSignature("X-Scaikey-Timestamp is missing or differs from the signature's t")
    if abs(now - int(moment)) > TOLERANCE:
        raise BadSignature(f"the signature is more than {TOLERANCE} s off")
    wanted = [sign(raw=raw, secret=secret, moment=int(moment)) for secret in secrets]
    # Every pair is compared, so that the time it takes tells nothing.
    if not sum(hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in given):
        raise BadSignature("the signature is not valid")
    return int(moment)


def sign(*, raw: bytes, secret: str, moment: int) -> str:
    return hmac.new(secret.encode(), f"{moment}.".encode() + raw, hashlib.sha256).hexdigest()


def _parts(signature: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    moments = [value for name, _, value in pairs if name == "t"]
    given = [value.lower() for name, _, value in pairs if name == "v1"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit() and len(moments[0]) <= 12) or not given:
        raise BadSignature("X-Scaikey-Signature is missing or not of the form t=<unix>,v1=<hex>")
    return moments[0], given
