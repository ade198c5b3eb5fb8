from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import acl_for
from flows.operations.acls import change_level, grant, revoke
from flows.roles import Level
from flows.serializers.acls import ACLChangeIn, ACLIn, ACLOut
from flows.views.base import FlowView
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import read_body
from tenants.principals import caller_of


class ACLs(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.ADMIN, "POST": Level.ADMIN}

    def get(self, request: Request, flow_id: str) -> Response:
        return Response(ACLOut(self.flow.acls.order_by("granted_at", "id"), many=True).data)

    def post(self, request: Request, flow_id: str) -> Response:
        entry = grant(flow=self.flow, by=caller_of(request), **read_body(ACLIn, request))
        return Response(ACLOut(entry).data, status=201)


class ACLDetail(FlowView):
    permissions: ClassVar[dict[str, str]] = {"PATCH": MANAGE, "DELETE": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"PATCH": Level.ADMIN, "DELETE": Level.ADMIN}

    def patch(self, request: Request, flow_id: str, acl_id: str) -> Response:
        body = read_body(ACLChangeIn, request)
        entry = change_level(entry=acl_for(self.flow, acl_id), flow=self.flow, by=caller_of(request), **body)
        return Response(ACLOut(entry).data)

    def delete(self, request: Request, flow_id: str, acl_id: str) -> Response:
        revoke(entry=acl_for(self.flow, acl_id), flow=self.flow, by=caller_of(request))
        return Response(status=204)
