"""WebSocket frames (RFC 6455, 5.2), as far as a sync socket meets them by the thousand: small, whole, binary.

A server's own parser is written for everything that a frame can be, and costs more than all that is done with such a one.
Here the small ones are found in what a connection sends; everything else goes to that parser, byte for byte and in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

try:
    from websockets.speedups import apply_mask
except ImportError:  # where there is no wheel of it
    from websockets.utils import apply_mask

WHOLE_BINARY, MASKED = 0x82, 0x80
FINAL, OPCODE = 0x80, 0x0F
Take = Callable[[bytes], None]


def frame(message: bytes) -> bytes:
    """A binary message of a server."""
    length = len(message)
    if length < 126:
        return struct.pack("!BB", WHOLE_BINARY, length) + message
    if length < 65536:
        return struct.pack("!BBH", WHOLE_BINARY, 126, length) + message
    return struct.pack("!BBQ", WHOLE_BINARY, 127, length) + message


class Sieve:
    """Small whole messages go to `hear`, unmasked; all else to `pass_on`, as it came. A message that was passed on comes
    to its receiver by another way; until that one calls `dealt_with`, everything after it is passed on as well."""

    __slots__ = ("_below", "_hear", "_is_in_parts", "_left", "_pass_on", "_rest", "_waiting")

    def __init__(self, pass_on: Take) -> None:
        self._pass_on = pass_on
        self._hear: Take | None = None
        self._below = 0
        self._rest = b""  # the beginning of a frame
        self._left = 0  # bytes still to come of a frame that is passed on
        self._is_in_parts = False  # a message of several frames has begun
        self._waiting = 0  # messages that were passed on and not dealt with yet

    def open(self, hear: Take, *, below: int) -> None:
        """From now on messages of fewer bytes are heard. Until then all were passed on."""
        self._hear, self._below = hear, below

    def dealt_with(self) -> None:
        self._waiting -= 1

    def feed(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at = 0
        while at < len(data) and (taken := self._take(data, at)):
            at += taken
        self._rest = data[at:]

    def _take(self, data: bytes, at: int) -> int:
        """How many bytes from `at` were dealt with; 0 when more are needed first."""
        if self._left:
            return self._pass(data, at)
        start = _payload_start(data, at)
        if not start or start > len(data):
            return 0
        size = _payload_size(data, at)
        if not self._is_heard(data, at, size):
            self._note(data[at])
            self._left = start - at + size
            return self._pass(data, at)
        if (end := start + size) > len(data):
            return 0
        if self._hear:
            self._hear(apply_mask(data[start:end], data[start - 4 : start]))
        return end - at

    def _pass(self, data: bytes, at: int) -> int:
        part = data[at : at + self._left]
        self._left -= len(part)
        self._pass_on(part)
        return len(part)

    def _is_heard(self, data: bytes, at: int, size: int) -> bool:
        is_small = data[at] == WHOLE_BINARY and data[at + 1] >= MASKED and size < self._below
        return is_small and not self._waiting and not self._is_in_parts

    def _note(self, head: int) -> None:
        """A frame is passed on; control frames are not messages, and may stand between the parts of one."""
        if head & OPCODE > 2:
            return
        self._is_in_parts = not head & FINAL
        self._waiting += bool(head & FINAL)


def _payload_start(data: bytes, at: int) -> int:
    """0 when even that cannot be told yet."""
    if len(data) < at + 2:
        return 0
    length = data[at + 1] & 0x7F
    extended = 0 if length < 126 else 2 if length == 126 else 8
    return at + 2 + extended + (4 if data[at + 1] >= MASKED else 0)


def _payload_size(data: bytes, at: int) -> int:
    length = data[at + 1] & 0x7F
    if length < 126:
        return length
    return int.from_bytes(data[at + 2 : at + 4] if length == 126 else data[at + 2 : at + 10])
