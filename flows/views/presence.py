from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.presence import presence
from flows.roles import Level
from flows.serializers.presence import HeartbeatIn, PresentListOut
from flows.views.base import FlowView
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import read_body
from tenants.principals import caller_of


class Heartbeat(FlowView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("tell_presence", "You are editing this flow now: holds for 30 s", status=204, body=HeartbeatIn),
    }

    def post(self, request: Request, flow_id: str) -> Response:
        told = read_body(HeartbeatIn, request)
        presence().arrive(flow_id=self.flow.id, user_id=caller_of(request).sub, **told)
        return Response(status=204)


class PresentPeers(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "DELETE": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "DELETE": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_presence", "Who else is editing this flow now", PresentListOut),
        "DELETE": Call("leave_presence", "You are leaving", status=204),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        others = [peer for peer in presence().present(self.flow.id) if peer.user_id != caller_of(request).sub]
        return Response(PresentListOut({"peers": others}).data)

    def delete(self, request: Request, flow_id: str) -> Response:
        presence().leave(flow_id=self.flow.id, user_id=caller_of(request).sub)
        return Response(status=204)
