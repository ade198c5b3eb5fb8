"""The log of a flow's document in Redis: a stream in front of the database, for installations with several processes.

Every entry is in the stream or in the database at any moment: it leaves the stream after it was written there. So who reads
the stream first and the database after it has read everything.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from redis import Redis

DIRTY = "scaiflow:sync:dirty"  # the flows that may have entries in a stream
RETAIN_SECONDS = 20  # an entry stays this long after it was written, for processes that are behind
Entry = tuple[str, bytes]


@functools.cache
def redis_client(url: str) -> Any:
    """Answers in bytes. (Any: redis-py's own types cannot tell bytes from text.)"""
    return Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, protocol=2)


def log_key(flow_id: str) -> str:
    return f"scaiflow:sync:{flow_id}:log"


def read_stream(flow_id: str) -> list[Entry]:
    """All entries: their ids, and the updates. Nothing without Redis."""
    if not settings.REDIS_URL:
        return []
    entries = redis_client(settings.REDIS_URL).xrange(log_key(flow_id))
    return [(entry_id.decode(), fields[b"u"]) for entry_id, fields in entries]


def drop_from_stream(flow_id: str, ids: Iterable[str]) -> None:
    """Takes entries out that were written to the database, once they are old enough. A stream that is then empty is no
    longer dirty; an entry that comes meanwhile makes it so again."""
    if not settings.REDIS_URL:
        return
    client = redis_client(settings.REDIS_URL)
    oldest_to_stay = (int(client.time()[0]) - RETAIN_SECONDS) * 1000
    old = [entry_id for entry_id in ids if int(entry_id.partition("-")[0]) < oldest_to_stay]
    if old:
        client.xdel(log_key(flow_id), *old)
    if not client.xlen(log_key(flow_id)):
        client.srem(DIRTY, flow_id)
        if client.xlen(log_key(flow_id)):
            client.sadd(DIRTY, flow_id)


def dirty_flows() -> list[str]:
    if not settings.REDIS_URL:
        return []
    return sorted(flow_id.decode() for flow_id in redis_client(settings.REDIS_URL).smembers(DIRTY))
