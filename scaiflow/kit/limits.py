"""How often one address may knock where there is no token yet, or a secret that could be guessed: sign-in, webhooks, and the
doors with a token of their own. Counted for a minute at a time, in the cache: with Redis all processes count together.

A cache that is down lets everybody through: what is behind these doors does not rest on the count.
"""

from __future__ import annotations

import ipaddress
import time

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from scaiflow.kit.errors import RateLimited
from scaiflow.kit.metrics import RATE_LIMITED

log = structlog.get_logger(__name__)
WINDOW = 60


def check_rate(request: HttpRequest) -> None:
    """Count this request, where its path is one that is counted. Raises RateLimited."""
    group = settings.RATE_LIMITED_PATHS.get(request.path, "")
    most = settings.RATE_LIMITS.get(group, 0)
    if not group or not most or request.method == "OPTIONS":
        return
    window, passed = divmod(int(time.time()), WINDOW)
    if _count(f"rate:{group}:{address_of(request)}:{window}") > most:
        RATE_LIMITED.labels(group).inc()
        raise RateLimited("too many requests from this address; wait a little", retry_after=WINDOW - passed)


def address_of(request: HttpRequest) -> str:
    """Who knocks: the peer, or what the farthest of our own proxies saw (SCAIFLOW_TRUSTED_PROXIES says how many there are).
    What stands further left in X-Forwarded-For is anybody's claim. A machine has a whole /64 of IPv6, so that counts as
    one."""
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    proxies = settings.TRUSTED_PROXIES
    shown = told[-proxies] if 0 < proxies <= len(told) else str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(shown.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _count(key: str) -> int:
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        return int(cache.incr(key))
    except ValueError:
        return 1  # it was thrown out between the two lines
    except RedisError as error:
        log.warning("cache down", error=type(error).__name__)
        return 0
