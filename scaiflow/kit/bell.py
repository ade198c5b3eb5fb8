"""A bell: rung when a change of what people may do is committed, and heard in this process; with Redis in all of them.

It may be missed (a channel may lose what it is given), so who hears it also looks without it, once a second.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from redis import Redis, RedisError

log = structlog.get_logger(__name__)
CHANNEL = "scaiflow:bell"
_ears: set[Callable[[], None]] = set()


def listen(ear: Callable[[], None]) -> None:
    """`ear` is called on whatever thread has made a change, and must neither block nor raise."""
    _ears.add(ear)


def ring_on_commit() -> None:
    transaction.on_commit(ring)


def ring() -> None:
    for ear in list(_ears):
        ear()
    if settings.REDIS_URL:
        try:
            _client(settings.REDIS_URL).publish(CHANNEL, b"")
        except RedisError as error:
            log.warning("nobody else was told", component="redis", error=type(error).__name__)


@functools.cache
def _client(url: str) -> Any:
    """It is asked while somebody waits for an answer that does not depend on it."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, protocol=2)
