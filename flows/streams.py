"""The log of a flow's document in Redis: a stream in front of the database, for installations with several processes.

Every entry is in the stream or in the database at any moment: it leaves the stream after it was written there. So who reads
the stream first and the database after it has read everything. What is in the database stays in the stream for a while, so
that processes which are a little behind need not read all; beside the stream stands how far it was taken away, so that one
which is further behind sees that it has missed something.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from redis import Redis

DIRTY = "scaiflow:sync:dirty"  # the flows that may have entries in a stream
RETAIN_SECONDS, RETAIN_BYTES = 20, 4_000_000  # of each flow, and of what one process wrote of it
IDS_AT_ONCE = 1000  # Lua's stack holds some thousands
Entry = tuple[str, bytes]
BEGINNING = "0-0"
DROP = """
local function order(id)
    local ms, number = string.match(id, '(%d+)-(%d+)')
    return tonumber(ms), tonumber(number)
end
local last = redis.call('GET', KEYS[2]) or '0-0'
local ms, number = order(last)
local new_ms, new_number = order(ARGV[#ARGV])
if new_ms > ms or (new_ms == ms and new_number > number) then last = ARGV[#ARGV] end
redis.call('SET', KEYS[2], last, 'EX', 3600)
redis.call('XDEL', KEYS[1], unpack(ARGV))
"""


@functools.cache
def redis_client(url: str) -> Any:
    """Answers in bytes. (Any: redis-py's own types cannot tell bytes from text.)"""
    return Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5, protocol=2)


def log_key(flow_id: str) -> str:
    return f"scaiflow:sync:{flow_id}:log"


def dropped_key(flow_id: str) -> str:
    """Where the id of the last entry that was taken away is."""
    return f"scaiflow:sync:{flow_id}:dropped"


def order_of(entry_id: str) -> tuple[int, int]:
    moment, _, number = entry_id.partition("-")
    return int(moment), int(number or 0)


def read_stream(flow_id: str) -> tuple[str, list[Entry]]:
    """Up to where it was read, and all entries that are there: their ids, and the updates. Nothing without Redis. (How far
    the stream was taken away is asked first: all of that is in the database, where the caller looks next.)"""
    if not settings.REDIS_URL:
        return BEGINNING, []
    client = redis_client(settings.REDIS_URL)
    dropped = client.get(dropped_key(flow_id)) or BEGINNING.encode()
    entries = [(entry_id.decode(), fields[b"u"]) for entry_id, fields in client.xrange(log_key(flow_id))]
    return max([dropped.decode(), *(entry_id for entry_id, _ in entries[-1:])], key=order_of), entries


def drop_from_stream(flow_id: str, stored: Sequence[tuple[str, int]]) -> set[str]:
    """Takes out what is old or more than is kept, of these entries (id and bytes) that are in the database. Answers which
    it took. A stream that is then empty is no longer dirty; an entry that comes meanwhile makes it so again."""
    if not settings.REDIS_URL:
        return set()
    client = redis_client(settings.REDIS_URL)
    old = _more_than_kept(stored, now=int(client.time()[0]))
    drop = client.register_script(DROP)
    for at in range(0, len(old), IDS_AT_ONCE):
        drop(keys=[log_key(flow_id), dropped_key(flow_id)], args=old[at : at + IDS_AT_ONCE])
    if not client.xlen(log_key(flow_id)):
        client.srem(DIRTY, flow_id)
        if client.xlen(log_key(flow_id)):
            client.sadd(DIRTY, flow_id)
    return set(old)


def _more_than_kept(stored: Sequence[tuple[str, int]], *, now: int) -> list[str]:
    """The oldest first. `now` is Redis's, in seconds, as the ids are by its clock."""
    oldest_to_stay, kept, old = (now - RETAIN_SECONDS) * 1000, 0, []
    for entry_id, weight in sorted(stored, key=lambda entry: order_of(entry[0]), reverse=True):
        kept += weight
        if kept > RETAIN_BYTES or order_of(entry_id)[0] < oldest_to_stay:
            old.append(entry_id)
    return old[::-1]


def dirty_flows() -> list[str]:
    if not settings.REDIS_URL:
        return []
    return sorted(flow_id.decode() for flow_id in redis_client(settings.REDIS_URL).smembers(DIRTY))
