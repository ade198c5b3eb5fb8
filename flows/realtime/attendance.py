"""Who is on a socket is present, also for those who ask over HTTP.

Tellings never overlap, and each tells how it is when it begins. So however quickly somebody comes and goes, what is told
last is so; a telling for each coming and each going, on threads, would end in any order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from redis import RedisError

from flows.presence import presence
from flows.realtime.peers import Peer
from flows.realtime.rooms import Room
from flows.realtime.threads import on_reader

if TYPE_CHECKING:
    from flows.realtime.hub import Hub

log = structlog.get_logger(__name__)
Person = tuple[str, str]  # the flow's id, the user's


class Attendance:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._source = f"socket-{hub.process.decode()}"
        self._changed: set[Person] = set()
        self._telling: asyncio.Task[None] | None = None

    def note(self, people: Iterable[tuple[Room, Peer]]) -> None:
        """They came or went, or are here still."""
        self._changed.update((room.flow_id, peer.principal.sub) for room, peer in people)
        if self._changed and (self._telling is None or self._telling.done()):
            self._telling = self._hub.spawn(self._tell())

    async def _tell(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, set()
            here = self._here(changed)
            await on_reader(self._write, here, changed - here.keys())

    def _here(self, people: set[Person]) -> dict[Person, tuple[str, str]]:
        """Those of them who are in a room: their names, and the colours that they chose."""
        found: dict[Person, tuple[str, str]] = {}
        for flow_id in {flow_id for flow_id, _ in people}:
            room = self._hub.rooms.get(flow_id)
            for peer in list(room.peers) if room else []:
                person = (flow_id, peer.principal.sub)
                if person in people and not found.get(person, ("", ""))[1]:
                    found[person] = (peer.identity()["display_name"], _color(room, peer))
        return found

    def _write(self, here: dict[Person, tuple[str, str]], gone: set[Person]) -> None:
        """Blocking."""
        try:
            for (flow_id, user_id), (name, color) in here.items():
                presence().arrive(flow_id=flow_id, user_id=user_id, display_name=name, color=color, source=self._source)
            for flow_id, user_id in gone:
                presence().leave(flow_id=flow_id, user_id=user_id, source=self._source)
        except RedisError as error:  # who is here is told again, and who is not runs out
            log.error("component down", component="redis", error=type(error).__name__)


def _color(room: Room | None, peer: Peer) -> str:
    for entry in room.board.entries_of(peer) if room else []:
        user = (entry.state or {}).get("user", {})
        return str(user.get("color", ""))[:32]
    return ""
