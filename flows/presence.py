"""Who is there, for 30 s after they last said so: over HTTP heartbeats, or on the sync socket.

In this process's memory without Redis; in Redis with it, so that all processes agree (and by Redis's clock).
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import orjson
from django.conf import settings

from flows.streams import redis_client

TTL = 30.0
HTTP = "http"
ARRIVE = """
local entry = redis.call('TIME')[1] .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], entry)
redis.call('EXPIRE', KEYS[1], 60)
"""


@dataclass(frozen=True)
class Present:
    user_id: str
    display_name: str
    color: str
    last_seen_ago_s: float


class Presence(Protocol):
    """`source` keeps apart what a user says over HTTP and what each process knows from its sockets: leaving one way does
    not end the other."""

    def arrive(self, *, flow_id: str, user_id: str, display_name: str, color: str, source: str = HTTP) -> None: ...

    def leave(self, *, flow_id: str, user_id: str, source: str = HTTP) -> None: ...

    def present(self, flow_id: str) -> list[Present]:
        """Everybody once, as last seen, by name."""


class MemoryPresence:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flows: dict[str, dict[tuple[str, str], tuple[float, str, str]]] = {}
        self._swept_at = time.monotonic()

    def arrive(self, *, flow_id: str, user_id: str, display_name: str, color: str, source: str = HTTP) -> None:
        with self._lock:
            self._flows.setdefault(flow_id, {})[source, user_id] = (time.monotonic(), display_name, color)
            if time.monotonic() - self._swept_at > TTL:
                self._sweep()

    def leave(self, *, flow_id: str, user_id: str, source: str = HTTP) -> None:
        with self._lock:
            self._flows.get(flow_id, {}).pop((source, user_id), None)

    def present(self, flow_id: str) -> list[Present]:
        now = time.monotonic()
        with self._lock:
            entries = list(self._flows.get(flow_id, {}).items())
        return _merged(Present(user, name, color, now - at) for (_, user), (at, name, color) in entries)

    def _sweep(self) -> None:
        self._swept_at = now = time.monotonic()
        for flow_id, entries in list(self._flows.items()):
            living = {key: entry for key, entry in entries.items() if now - entry[0] <= TTL}
            self._flows[flow_id] = living
            if not living:
                del self._flows[flow_id]


class RedisPresence:
    def __init__(self, url: str) -> None:
        self._client = redis_client(url)
        self._arrive = self._client.register_script(ARRIVE)

    def arrive(self, *, flow_id: str, user_id: str, display_name: str, color: str, source: str = HTTP) -> None:
        told = orjson.dumps([display_name, color])
        self._arrive(keys=[_key(flow_id)], args=[f"{source} {user_id}", told])

    def leave(self, *, flow_id: str, user_id: str, source: str = HTTP) -> None:
        self._client.hdel(_key(flow_id), f"{source} {user_id}")

    def present(self, flow_id: str) -> list[Present]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hgetall(_key(flow_id))
            (seconds, microseconds), entries = pipe.execute()
        now = seconds + microseconds / 1e6
        return _merged(_read(field, value, now) for field, value in entries.items())


def _read(field: bytes, value: bytes, now: float) -> Present:
    at, _, told = value.partition(b" ")
    name, color = orjson.loads(told)
    return Present(field.decode().partition(" ")[2], name, color, max(0.0, now - int(at)))


def _key(flow_id: str) -> str:
    return f"scaiflow:presence:{flow_id}"


def _merged(entries: Iterable[Present]) -> list[Present]:
    """A colour that was told one way is not lost by a newer word of the other."""
    found: dict[str, Present] = {}
    for entry in sorted(entries, key=lambda entry: -entry.last_seen_ago_s):
        if entry.last_seen_ago_s <= TTL:
            before = found.get(entry.user_id)
            color = entry.color or (before.color if before else "")
            found[entry.user_id] = Present(entry.user_id, entry.display_name, color, round(entry.last_seen_ago_s, 1))
    return sorted(found.values(), key=lambda entry: (entry.display_name, entry.user_id))


@functools.cache
def _presence(redis_url: str) -> Presence:
    return RedisPresence(redis_url) if redis_url else MemoryPresence()


def presence() -> Presence:
    return _presence(settings.REDIS_URL)
