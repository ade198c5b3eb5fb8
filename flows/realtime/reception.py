"""Letting people in and seeing them out: the door, the limits, what is watched once a second, and the end of the process."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections import defaultdict

import structlog
from django.conf import settings
from django.db import DatabaseError
from redis import RedisError

from flows.presence import presence
from flows.realtime.admission import Admission, admit, admit_again, note_refused
from flows.realtime.hub import Hub
from flows.realtime.outlets import Outlet, Wire
from flows.realtime.peers import Peer
from flows.realtime.places import Place, place_for, places
from flows.realtime.rooms import Room
from flows.realtime.threads import on_reader
from flows.realtime.watch import Watch
from flows.sync import awareness, protocol
from scaiflow.kit.draining import DRAIN
from scaiflow.kit.errors import AppError, Unauthenticated, Unavailable
from scaiflow.kit.ws import UNAVAILABLE, Close, close_for

log = structlog.get_logger(__name__)
TICK_SECONDS = 1.0
RENEW_EVERY = 10  # ticks
WAVES = 20
LEAVING = Close(UNAVAILABLE, "this server is about to end; come back")
# Awareness of nobody: says nothing, and keeps a client that has heard nothing for a while from giving us up.
STILL_HERE = Wire(protocol.awareness(awareness.encode([])))


class Reception:
    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.on_left = self._left
        self.hub.on_refused = self._refused
        self._places = places()
        self._held: dict[Peer, Place] = {}
        self._watch = Watch()
        self._source = f"socket-{self.hub.process.decode()}"
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        DRAIN.arrange(self._drain)

    async def let_in(self, outlet: Outlet, *, token: str, flow_id: str) -> tuple[Room, Peer]:
        """Raises Unauthenticated, NotAllowed, NotFound, TooMany, Unavailable, DatabaseError."""
        admission = await on_reader(admit, token, flow_id)
        structlog.contextvars.bind_contextvars(principal=admission.principal.sub, tenant=admission.principal.tenant_id)
        expires_at = admission.principal.expires_at
        if expires_at is not None and expires_at <= time.time():
            raise Unauthenticated("the access token has expired")
        place = place_for(flow_id, admission.principal)
        await on_reader(self._places.take, place)
        try:
            room = await self.hub.open(flow_id)
            if DRAIN.has_begun:
                raise Unavailable(LEAVING.reason, component="process")
            peer = Peer(outlet=outlet, principal=admission.principal, may_write=admission.may_write)
            self._enter(room, peer, place)
        except BaseException:
            self.hub.spawn(on_reader(self._places.give_back, place))
            raise
        self.hub.spawn(on_reader(self._arrive, [(room, peer)]))
        return room, peer

    def _enter(self, room: Room, peer: Peer, place: Place) -> None:
        self._held[peer] = place
        try:
            room.enter(peer)
        except BaseException:
            del self._held[peer]
            room.peers.discard(peer)
            raise

    # --- presence and places ------------------------------------------------------------------------------------------

    def _arrive(self, people: list[tuple[Room, Peer]]) -> None:
        """Blocking. Everybody on a socket is present, whether or not they point at anything."""
        try:
            for room, peer in people:
                who = peer.identity()
                presence().arrive(
                    flow_id=room.flow_id, user_id=who["user_id"], display_name=who["display_name"],
                    color=_color(room, peer), source=self._source,
                )  # fmt: skip
        except RedisError as error:
            log.error("component down", component="redis", error=type(error).__name__)

    def _left(self, room: Room, peer: Peer) -> None:
        place = self._held.pop(peer, None)
        is_last = all(other.principal.sub != peer.principal.sub for other in room.peers)
        self.hub.spawn(on_reader(self._see_out, room.flow_id, peer, place, is_last))

    def _refused(self, room: Room, peer: Peer, why: str) -> None:
        self.hub.spawn(on_reader(note_refused, peer.principal, room.flow_id, why))

    def _see_out(self, flow_id: str, peer: Peer, place: Place | None, is_last: bool) -> None:
        if place:
            self._places.give_back(place)
        try:
            if is_last:
                presence().leave(flow_id=flow_id, user_id=peer.principal.sub, source=self._source)
        except RedisError:
            return  # it runs out by itself

    def _renew(self, held: list[Place]) -> None:
        for place in held:
            self._places.renew(place)

    # --- once a second ------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            count += 1
            try:
                await self._look_around(is_time_to_renew=count % RENEW_EVERY == 0)
            except (DatabaseError, RedisError, OSError) as error:
                log.error("component down", component="database", error=type(error).__name__)
            except Exception:  # who is let in is looked at for as long as this process lives
                log.exception("bug")

    async def _look_around(self, *, is_time_to_renew: bool) -> None:
        self._close_the_expired()
        self.hub.put_away_the_idle()
        people = list(self.hub.everybody())
        if is_time_to_renew:
            self._speak_to_the_silent(people)
            await on_reader(self._arrive, people)
            await on_reader(self._renew, list(self._held.values()))
            await self._announce_again()
        if people:
            await self._check_access(people)

    def _close_the_expired(self) -> None:
        now = time.time()
        for _, peer in self.hub.everybody():
            if peer.expires_at is not None and peer.expires_at <= now:
                peer.close(close_for(Unauthenticated("the access token has expired")))

    def _speak_to_the_silent(self, people: list[tuple[Room, Peer]]) -> None:
        for _, peer in people:
            if not peer.has_spoken:
                peer.tell(STILL_HERE)
            peer.has_spoken = False

    async def _announce_again(self) -> None:
        if self.hub.follower:
            self.hub.follower.drop_the_silent()
            for room in list(self.hub.rooms.values()):
                if own := room.board.own_entries():
                    await self.hub.follower.announce(room.flow_id, own)

    async def _check_access(self, people: list[tuple[Room, Peer]]) -> None:
        flow_ids = sorted({room.flow_id for room, _ in people})
        user_ids = sorted({peer.principal.sub for _, peer in people})
        moved, now_stands = await on_reader(self._watch.moved, flow_ids, user_ids)
        concerned: dict[tuple[str, str, bool], list[tuple[Room, Peer]]] = defaultdict(list)
        for room, peer in people:
            if ("flow", room.flow_id) in moved or ("user", peer.principal.sub) in moved:
                concerned[peer.principal.token or "", room.flow_id, peer.may_write].append((room, peer))
        for (token, flow_id, may_write), found in concerned.items():
            now = await on_reader(admit_again, token, flow_id, may_write=may_write)
            for room, peer in found:
                _apply(now, room, peer)
        self._watch.keep(now_stands)

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Readiness is down already. People are sent away in waves, so that they do not all come to the next at once."""
        pause = settings.SYNC_DRAIN_SECONDS / (WAVES + 4)
        await asyncio.sleep(4 * pause)
        people = [peer for _, peer in self.hub.everybody()]
        size = max(1, -(-len(people) // WAVES))
        for at in range(0, len(people), size):
            for peer in people[at : at + size]:
                peer.close(LEAVING)
            await asyncio.sleep(pause)
        await self.hub.settle()


def _apply(now: Admission | AppError, room: Room, peer: Peer) -> None:
    if isinstance(now, AppError):
        peer.close(close_for(now))
    elif now.may_write and not peer.may_write:
        room.promote(peer)


def _color(room: Room, peer: Peer) -> str:
    for entry in room.board.entries_of(peer):
        user = (entry.state or {}).get("user", {})
        return str(user.get("color", ""))[:32]
    return ""


@functools.cache
def reception() -> Reception:
    """One a process. First called on the event loop that serves the sockets, by whoever comes first: what it goes on doing
    by itself is not said in the name of their request."""
    return contextvars.Context().run(Reception)
