"""Bodies that come in pieces without saying their length: an ASGI server hands on however much there is, Django takes all of
it in before anything of ours is asked, and DRF then holds it for no body at all. (Under WSGI none of it is read.)"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

Receive = Callable[[], Awaitable[dict[str, Any]]]
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def bounded(application: Application) -> Application:
    """Declares the length that a body has come to at its end; and ends it where it has grown too large, so that the gate
    (middleware.py) refuses it as one that had said so, with the same answer, line and count."""

    async def with_bounded_bodies(scope: dict[str, Any], receive: Receive, send: Any) -> None:
        taken = 0

        async def receive_some() -> dict[str, Any]:
            nonlocal taken
            message = await receive()
            while taken > settings.MAX_BODY_BYTES and message["type"] == "http.request":
                message = await receive()  # what is still on its way is let fall
            if message["type"] != "http.request":
                return message
            taken += len(message.get("body", b""))
            if taken > settings.MAX_BODY_BYTES:
                message = {"type": "http.request", "body": b"", "more_body": False}
            if taken and not message.get("more_body", False):
                others = [header for header in scope["headers"] if header[0] != b"content-length"]
                scope["headers"] = [*others, (b"content-length", str(taken).encode())]
            return message

        await application(scope, receive_some, send)

    return with_bounded_bodies
