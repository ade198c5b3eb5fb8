from __future__ import annotations

from typing import ClassVar

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from rest_framework.request import Request

from lookups.failures import PROXIED
from lookups.operations.stream import Stream, open_stream
from lookups.serializers.scaicore import StreamIn
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.errors import Unavailable
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import ApiView, read_query
from tenants.principals import caller_of


class EventStream(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "stream_events",
            "The same as server-sent events, as they happen",
            Raw("text/event-stream"),
            query=StreamIn,
            headers=("Last-Event-ID",),
            raises=(*PROXIED, Unavailable),
        ),
    }

    def get(self, request: Request) -> StreamingHttpResponse:
        query = read_query(StreamIn, request)
        last_id = request.headers.get("Last-Event-ID") or query["last_event_id"]
        opening = open_stream(by=caller_of(request), core_id=query["core_id"], last_id=last_id, limit=query["limit"])
        require_asgi(request._request)  # noqa: SLF001  DRF keeps Django's request there
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(Stream(opening), content_type="text/event-stream", headers=headers)


def require_asgi(request: HttpRequest) -> None:
    """A WSGI server would hold a thread for each stream and gather it to its end before a byte is sent. Raises
    Unavailable."""
    if not isinstance(request, ASGIRequest):
        message = "event streams are served by ScaiFlow's ASGI server; this process is a WSGI one"
        raise Unavailable(message, component="event streams")
