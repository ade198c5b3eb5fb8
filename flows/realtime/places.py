"""How many sockets a flow and a user may have, over all processes when there is Redis.

A place in Redis is renewed while its socket lives and runs out by itself when the process dies.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from redis import RedisError

from flows.streams import redis_client
from scaiflow.kit.errors import TooMany
from tenants.principals import Principal

TERM_SECONDS = 60
TAKE = """
local now = tonumber(redis.call('TIME')[1])
for i, key in ipairs(KEYS) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - tonumber(ARGV[2]))
    if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) then return i end
end
for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('EXPIRE', key, ARGV[2])
end
return 0
"""
RENEW = """
local now = redis.call('TIME')[1]
for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, now, ARGV[1])
    redis.call('EXPIRE', key, ARGV[2])
end
"""


@dataclass(frozen=True)
class Place:
    flow: str
    user: str
    id: str

    @property
    def keys(self) -> list[str]:
        return [self.flow, self.user]


def place_for(flow_id: str, principal: Principal) -> Place:
    user = f"scaiflow:sync:user:{principal.tenant_id}:{principal.sub}:sockets"
    return Place(f"scaiflow:sync:{flow_id}:sockets", user, secrets.token_hex(8))


class Places(Protocol):
    """All of it blocks, in Redis."""

    def take(self, place: Place) -> None:
        """Raises TooMany."""

    def renew(self, place: Place) -> None: ...

    def give_back(self, place: Place) -> None: ...


def _refuse(number: int) -> None:
    if number == 1:
        raise TooMany(f"this flow has {settings.SYNC_SOCKETS_PER_FLOW} connections already")
    if number == 2:
        raise TooMany(f"you have {settings.SYNC_SOCKETS_PER_USER} connections already")


class LocalPlaces:
    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, place: Place) -> None:
        limits = [settings.SYNC_SOCKETS_PER_FLOW, settings.SYNC_SOCKETS_PER_USER]
        with self._lock:
            for number, (key, limit) in enumerate(zip(place.keys, limits, strict=True), start=1):
                if self._taken[key] >= limit:
                    _refuse(number)
            self._taken.update(place.keys)

    def renew(self, place: Place) -> None:
        """Places of this process live as long as it does."""

    def give_back(self, place: Place) -> None:
        with self._lock:
            self._taken.subtract(place.keys)
            self._taken = +self._taken  # without those that are at nothing


class RedisPlaces:
    """While Redis is away everybody gets a place: the limits protect a server that runs, they do not stop one."""

    def __init__(self, url: str) -> None:
        self._client = redis_client(url)
        self._take, self._renew = self._client.register_script(TAKE), self._client.register_script(RENEW)

    def take(self, place: Place) -> None:
        limits = [settings.SYNC_SOCKETS_PER_FLOW, settings.SYNC_SOCKETS_PER_USER]
        try:
            number = int(self._take(keys=place.keys, args=[place.id, TERM_SECONDS, *limits]))
        except RedisError:
            return
        _refuse(number)

    def renew(self, place: Place) -> None:
        try:
            self._renew(keys=place.keys, args=[place.id, TERM_SECONDS])
        except RedisError:
            return

    def give_back(self, place: Place) -> None:
        try:
            for key in place.keys:
                self._client.zrem(key, place.id)
        except RedisError:
            return


def places() -> Places:
    return RedisPlaces(settings.REDIS_URL) if settings.REDIS_URL else LocalPlaces()
