"""The sync socket: a thin ASGI consumer. (Not one of Channels' classes: their dispatch costs more than a whole delivery.)"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from flows.realtime.outlets import Event, Send, outlet_for
from flows.realtime.peers import Peer
from flows.realtime.reception import reception
from flows.realtime.rooms import Room
from flows.sync import protocol
from flows.sync.document import SHALLOW, BadUpdate, is_plain
from flows.sync.protocol import Kind, Malformed
from flows.sync.trial import try_out
from scaiflow.kit.errors import TooLarge
from scaiflow.kit.ws import MALFORMED, UNSUPPORTED, Close, close_for, closing_on_errors, max_frame
from tenants.bearers import bearer_in

Receive = Callable[[], Awaitable[Event]]
TEXT = Close(UNSUPPORTED, "only binary frames are read here")


async def sync_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """`/api/v1/flows/{flow_id}/sync`. The upgrade is accepted first, so that a browser can see why it is closed."""
    await receive()
    token, subprotocol = bearer_in(scope)
    outlet = outlet_for(send)
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    async with closing_on_errors(send):
        room, peer = await reception().let_in(outlet, token=token, flow_id=scope["url_route"]["kwargs"]["flow_id"])
        try:
            await _listen(room, peer, receive)
        finally:
            room.leave(peer)


async def _listen(room: Room, peer: Peer, receive: Receive) -> None:
    """`receive` brings what is large or odd, and everything under servers that let nobody take it in directly."""
    peer.outlet.take_in(lambda frame: _hear(room, peer, frame), below=SHALLOW)
    while (event := await receive())["type"] == "websocket.receive":
        frame = event.get("bytes")
        if frame is None:
            peer.close(TEXT)
        elif await _is_sound(peer, frame):
            _hear(room, peer, frame)
        peer.outlet.dealt_with()


def _hear(room: Room, peer: Peer, frame: bytes) -> None:
    """Who was closed has been told; what it still says is not heard."""
    if peer.closing is None:
        try:
            room.hear(peer, frame)
        except Malformed as error:
            peer.close(Close(MALFORMED, str(error)))


async def _is_sound(peer: Peer, frame: bytes) -> bool:
    if len(frame) < SHALLOW or peer.closing is not None:
        return True
    try:
        await _vet(frame)
    except TooLarge as error:
        peer.close(close_for(error))
        return False
    except (Malformed, BadUpdate) as error:
        peer.close(Close(MALFORMED, str(error)))
        return False
    return True


async def _vet(frame: bytes) -> None:
    """Large frames are rare enough to be looked at twice. Raises TooLarge, Malformed, BadUpdate."""
    if len(frame) > max_frame():
        raise TooLarge(f"a frame is larger than {max_frame()} bytes")
    kind, body = protocol.read(frame)
    if kind in {Kind.UPDATE, Kind.STEP2} and not is_plain(body):
        await try_out(body)


async def no_such_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4404, "reason": "there is no socket at this address"})
