from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from scaiflow.kit.calls import SIGNATURE, Call
from scaiflow.kit.errors import NotAllowed, RateLimited
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import ANY
from scaiflow.kit.views import ApiView, PublicView, read_query
from tenants.principals import caller_of
from webhooks.operations import NotScaiKey, deliveries, receive
from webhooks.serializers import DeliveryListOut, DeliveryOut, DeliveryQueryIn, EventIn, HandledOut


class ScaiKeyWebhook(PublicView):
    """There is no token: the signature over the raw body says who speaks."""

    methods: ClassVar[set[str]] = {"POST"}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "receive_scaikey_event",
            "What ScaiKey tells as it happens; each event id is applied once",
            HandledOut,
            body=EventIn,
            headers=("X-Scaikey-Timestamp",),
            raises=(NotScaiKey, RateLimited),
            proof=SIGNATURE,
        ),
    }

    def post(self, request: Request) -> Response:
        handled = receive(
            raw=request._request.body,  # noqa: SLF001  DRF hides the bytes as they came, and those were signed
            header=request.headers.get("X-Scaikey-Signature", ""),
            timestamp=request.headers.get("X-Scaikey-Timestamp", ""),
        )
        return Response({"handled": handled})


class Deliveries(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_deliveries",
            "The webhook deliveries, newest first (super admins)",
            DeliveryListOut,
            query=DeliveryQueryIn,
            raises=(NotAllowed,),
        ),
    }

    def get(self, request: Request) -> Response:
        query = read_query(DeliveryQueryIn, request)
        page = {"limit": query.pop("limit"), "cursor": query.pop("cursor")}
        rows, cursor = page_before(deliveries(by=caller_of(request), **query), field="received_at", **page)
        return Response({"items": DeliveryOut(rows, many=True).data, "next_cursor": cursor})
