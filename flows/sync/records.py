"""Groups of updates as bytes, one after the other, in a file that may end in the middle of one (a process was killed)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

Group = tuple[str, bytes]
# The lengths of the flow's id and of the change, and a CRC-32 over both; then these two.
HEAD = struct.Struct("<HII")


def encode(groups: Iterable[Group]) -> bytes:
    return b"".join(_record(flow_id.encode(), change) for flow_id, change in groups)


def decode(data: bytes) -> list[Group]:
    """All that was written whole. What follows something damaged cannot be found."""
    groups = []
    at = 0
    while len(data) - at >= HEAD.size:
        id_length, length, checksum = HEAD.unpack_from(data, at)
        start = at + HEAD.size
        body = data[start : start + id_length + length]
        if len(body) != id_length + length or zlib.crc32(body) != checksum:
            break
        groups.append((body[:id_length].decode(), body[id_length:]))
        at = start + len(body)
    return groups


def _record(flow_id: bytes, change: bytes) -> bytes:
    body = flow_id + change
    return HEAD.pack(len(flow_id), len(change), zlib.crc32(body)) + body
