"""Server-sent events, as bytes. (WHATWG HTML, 9.2) Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookups.tail import Event


@dataclass(frozen=True)
class Message:
    """`is_last`: the stream ends behind it."""

    text: bytes
    is_last: bool = False


def event(one: Event) -> Message:
    """A Core's event as ScaiCore gave it, under an id that `Last-Event-ID` may name."""
    return Message(f"id: {one.id}\ndata: {_line(one.body)}\n\n".encode())


def end(reason: str, message: str, more: Mapping[str, Any] | None = None) -> Message:
    """Why the stream is over, in the form of an error's detail."""
    return Message(
        f"event: end\ndata: {_line({'error': reason, 'message': message, **(more or {})})}\n\n".encode(), True
    )


def _line(value: Any) -> str:
    """JSON escapes every line break, so it is one line."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


RETRY = Message(b"retry: 3000\n\n")
HEARTBEAT = Message(b": still here\n\n")
GAP = Message(
    b'event: gap\ndata: {"message":"the event named by Last-Event-ID is too far back; GET /scaicore/events has it"}\n\n'
)
