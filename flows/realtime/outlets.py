"""How bytes leave a connection: at once and for nobody's waiting, with a bound on what may queue up.

ASGI's own `send` encodes each message anew for each receiver, blocks while one reader is slow (uvicorn), or buffers without
limit (daphne). A message from a server is the same bytes for everybody, so for these two servers the frame is encoded once
and handed to the connection underneath, whose buffer tells how much waits. Any other server gets a queue of ours.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from django.conf import settings

from flows.sync.frames import Sieve, frame
from scaiflow.kit.ws import Close

Event = MutableMapping[str, Any]
Send = Callable[[Event], Awaitable[None]]
# A client that does not read is told why when it reads again; after this long it is cut off.
GRACE_SECONDS = 30.0


class Wire:
    """One message for any number of receivers: as it is, and as a WebSocket frame (RFC 6455, 5.2)."""

    __slots__ = ("frame", "message")

    def __init__(self, message: bytes) -> None:
        self.message = message
        self.frame = frame(message)


def largest_read() -> int:
    """What a server takes in before it hangs up itself. It does so while the client is still sending, which then hardly ever
    hears why; so a frame that is not much too large is read to its end, and refused by us."""
    return 2 * int(settings.MAX_SYNC_BYTES)


Hear = Callable[[bytes], None]


class Outlet(Protocol):
    def take_in(self, hear: Hear, *, below: int) -> None:
        """Where it can be done: frames of fewer bytes than that go to `hear` and not to ASGI's `receive`."""

    def dealt_with(self) -> None:
        """To be called after each message that came through `receive`: what came after it may be heard now."""

    def push(self, wire: Wire, *, bound: int) -> int:
        """Sends it, unless more bytes than `bound` wait for the reader. Returns how many did."""

    def queued(self) -> int:
        """Bytes that wait for the reader."""

    async def close(self, close: Close) -> None:
        """Returns when the other side has been told, as far as anybody can know."""

    def abort(self) -> None:
        """Cut the connection without a word."""


class UvicornOutlet:
    """Reads and writes right at the transport under uvicorn's WebSocketsSansIOProtocol, which is asked to do the rest: the
    handshake, pings, closing, and frames that are large or odd. To be made before the upgrade is accepted."""

    __slots__ = ("_descriptor", "_send", "_sieve", "_transport")

    def __init__(self, send: Send, protocol: Any) -> None:
        self._send = send
        self._transport = protocol.transport
        is_encrypted = self._transport.get_extra_info("sslcontext") is not None
        self._descriptor: int | None = None if is_encrypted else self._transport.get_extra_info("socket").fileno()
        protocol.conn.max_message_size = largest_read()
        self._sieve = Sieve(protocol.data_received)
        if not protocol.conn.reader.buffer:  # a client that did not await our consent to the upgrade goes the long way
            protocol.data_received = self._sieve.feed
            self._transport.set_protocol(protocol)  # some event loops look this method up here, once

    def take_in(self, hear: Hear, *, below: int) -> None:
        self._sieve.open(hear, below=below)

    def dealt_with(self) -> None:
        self._sieve.dealt_with()

    def push(self, wire: Wire, *, bound: int) -> int:
        """While nothing waits in the transport the frame goes straight to the system, which spares a fifth of the time. In
        a room of a hundred this touches a hundred connections that nothing else touched lately: so, little of each."""
        transport = self._transport
        waiting: int = transport.get_write_buffer_size()
        if waiting > bound or transport.is_closing():
            return waiting
        data, sent = wire.frame, 0
        if not waiting and self._descriptor is not None:
            try:
                sent = os.write(self._descriptor, data)
            except OSError:
                """It is full, or the connection is broken: the transport will find that out."""
        if sent < len(data):
            transport.write(data[sent:] if sent else data)
        return waiting

    def queued(self) -> int:
        return int(self._transport.get_write_buffer_size())

    async def close(self, close: Close) -> None:
        await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    def abort(self) -> None:
        self._transport.abort()


class DaphneOutlet:
    """Sends through autobahn, which keeps order with its own frames, and looks into Twisted's buffer."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        protocol.maxMessagePayloadSize = protocol.maxFramePayloadSize = largest_read()
        protocol.closeHandshakeTimeout = GRACE_SECONDS

    def take_in(self, hear: Hear, *, below: int) -> None:
        """Not here."""

    def dealt_with(self) -> None:
        """Everything comes that way."""

    def push(self, wire: Wire, *, bound: int) -> int:
        waiting = self.queued()
        if waiting <= bound and self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendMessage(wire.message, True)
        return waiting

    def queued(self) -> int:
        transport = self._protocol.transport
        waiting = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001
        return int(waiting)

    async def close(self, close: Close) -> None:
        """autobahn's `sendClose`, which daphne calls, refuses all codes below 3000 but 1000."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendCloseFrame(code=close.code, reasonUtf8=close.reason.encode())

    def abort(self) -> None:
        self._protocol.transport.abortConnection()


class QueueOutlet:
    """For any ASGI server: a queue, and a task that sends from it. Cannot see what the server itself buffers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    def take_in(self, hear: Hear, *, below: int) -> None:
        """Not here."""

    def dealt_with(self) -> None:
        """Everything comes that way."""

    def push(self, wire: Wire, *, bound: int) -> int:
        waiting = self._bytes
        if waiting > bound:
            return waiting
        self._queue.append(wire.message)
        self._bytes += len(wire.message)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._drain())
        return waiting

    async def _drain(self) -> None:
        while self._queue:
            message = self._queue[0]
            await self._send({"type": "websocket.send", "bytes": message})
            self._queue.popleft()
            self._bytes -= len(message)

    def queued(self) -> int:
        return self._bytes

    async def close(self, close: Close) -> None:
        if self._task:
            await asyncio.wait([self._task])
        await self._send({"type": "websocket.close", "code": close.code, "reason": close.reason})

    def abort(self) -> None:
        self._queue.clear()
        if self._task:
            self._task.cancel()


def outlet_for(send: Send) -> Outlet:
    protocol: Any = getattr(send, "__self__", None)
    if _is(protocol, "uvicorn.protocols.websockets.websockets_sansio_impl") and not protocol.conn.extensions:
        return UvicornOutlet(send, protocol)
    (handed, *_) = getattr(send, "args", None) or (None,)
    if _is(handed, "daphne.ws_protocol"):
        return DaphneOutlet(handed)
    return QueueOutlet(send)


def _is(candidate: object, module: str) -> bool:
    return type(candidate).__module__ == module
