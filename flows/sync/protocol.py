"""Frames of the sync socket, as y-websocket clients speak them (spec: realtime.md, Wire; yjs/y-protocols PROTOCOL.md).

A varUint is 7 bits a byte, low first; a byte string is its length as a varUint, and then its bytes. A frame is exactly one
message: what is cut short, or goes on after its end, is malformed.
"""

from __future__ import annotations

from enum import IntEnum

SYNC, AWARENESS, AUTH, QUERY_AWARENESS = 0, 1, 2, 3
STEP1, STEP2, UPDATE = 0, 1, 2
DENIED = 0
SHORT = 130  # bytes: three, and as many as one byte can count
# lib0 writes whole numbers up to 2^53 - 1: eight bytes of seven bits hold them.
LARGEST, MOST_BYTES = 2**53 - 1, 8


class Malformed(ValueError):
    """These bytes are no message. The connection that sent them is closed, and nothing else happens."""


class Kind(IntEnum):
    """The first three are numbered as they are inside a sync message."""

    STEP1 = 0
    STEP2 = 1
    UPDATE = 2
    AWARENESS = 3
    QUERY_AWARENESS = 4
    UNKNOWN = 5


SYNC_KINDS = (Kind.STEP1, Kind.STEP2, Kind.UPDATE)


def read(frame: bytes) -> tuple[Kind, bytes]:
    """The kind of message and what it carries: a state vector, an update, or awareness. Kinds that are not for a server
    (and those that nobody knows) come as UNKNOWN, unread. Raises Malformed."""
    if 3 <= len(frame) <= SHORT and frame[0] == SYNC and frame[1] <= UPDATE and frame[2] == len(frame) - 3:
        return SYNC_KINDS[frame[1]], frame[3:]  # as below; by far the most messages are such
    outer, at = read_uint(frame, 0)
    if outer == SYNC:
        inner, at = read_uint(frame, at)
        return (SYNC_KINDS[inner], _only_bytes(frame, at)) if inner <= UPDATE else (Kind.UNKNOWN, b"")
    if outer == AWARENESS:
        return Kind.AWARENESS, _only_bytes(frame, at)
    if outer == QUERY_AWARENESS:
        if at != len(frame):
            raise Malformed("something follows the end of the message")
        return Kind.QUERY_AWARENESS, b""
    return Kind.UNKNOWN, b""


def read_uint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends. Raises Malformed."""
    value = shift = 0
    for place, byte in enumerate(data[at : at + MOST_BYTES], start=at + 1):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > LARGEST:
                raise Malformed("a number is too large")
            return value, place
        shift += 7
    raise Malformed("a number has no end")


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """The byte string that begins at `at`, and where it ends. Raises Malformed."""
    length, at = read_uint(data, at)
    end = at + length
    if end > len(data):
        raise Malformed("the message is cut short")
    return data[at:end], end


def _only_bytes(frame: bytes, at: int) -> bytes:
    body, end = read_bytes(frame, at)
    if end != len(frame):
        raise Malformed("something follows the end of the message")
    return body


def write_uint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_bytes(data: bytes) -> bytes:
    return write_uint(len(data)) + data


def step1(vector: bytes) -> bytes:
    """Asks for all that the state vector lacks."""
    return b"\x00\x00" + write_bytes(vector)


def step2(update: bytes) -> bytes:
    """Answers step1. A client is synced when this comes, so it is sent also when there is nothing to tell."""
    return b"\x00\x01" + write_bytes(update)


def update(change: bytes) -> bytes:
    return b"\x00\x02" + write_bytes(change)


def awareness(body: bytes) -> bytes:
    return b"\x01" + write_bytes(body)


def denied(reason: str) -> bytes:
    return b"\x02\x00" + write_bytes(reason.encode())
