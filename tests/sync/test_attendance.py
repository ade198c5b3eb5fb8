"""Who is on a socket is present over HTTP, however quickly they come and go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from flows.presence import presence
from flows.realtime.attendance import Attendance
from flows.realtime.backlog import Backlog
from flows.realtime.hub import Hub
from flows.realtime.outlets import Hear, Wire
from flows.realtime.peers import Peer
from flows.realtime.rooms import Room
from flows.sync.document import Document
from scaiflow.kit.ws import Close
from tenants.principals import Principal
from tests.servers import running_redis

PEOPLE = [Principal(f"usr_{name}", "tnt_demo", frozenset(), display_name=name) for name in ("ada", "bob", "cem")]


class Nowhere:
    """An outlet that takes everything."""

    def take_in(self, hear: Hear, *, below: int) -> None: ...

    def dealt_with(self) -> None: ...

    def push(self, wire: Wire, *, bound: int) -> int:
        return 0

    def queued(self) -> int:
        return 0

    async def close(self, close: Close) -> None: ...

    def abort(self) -> None: ...


async def come_and_go(flow_id: str, seed: int) -> tuple[set[str], set[str]]:
    """Who is in the room in the end, and who is said to be."""
    hub, chance = Hub(), random.Random(seed)
    attendance, room = Attendance(hub), Room(flow_id, Document(), hub, Backlog())
    hub.rooms[flow_id] = room
    hub.on_left = lambda room, peer: attendance.note([(room, peer)])
    inside: list[Peer] = []
    for _ in range(chance.randint(20, 60)):
        if inside and chance.random() < 0.5:
            room.leave(inside.pop(chance.randrange(len(inside))))
        else:
            peer = Peer(outlet=Nowhere(), principal=chance.choice(PEOPLE), may_write=True)
            room.enter(peer)
            inside.append(peer)
            attendance.note([(room, peer)])
        await asyncio.sleep(0)
    await hub.settle()
    return {peer.principal.sub for peer in inside}, {told.user_id for told in presence().present(flow_id)}


@pytest.fixture
def redis(settings: Any) -> Iterator[None]:
    """Where tellings take a while, and not all of them as long."""
    with running_redis() as url:
        settings.REDIS_URL = url
        yield


@pytest.mark.usefixtures("redis")
def test_what_is_told_last_is_how_it_is() -> None:
    for seed in range(50):
        there, told = asyncio.run(come_and_go(f"flow_{seed}", seed))
        assert told == there, seed
