from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import acl_for
from flows.operations.acls import BadGrant, change_level, grant, revoke
from flows.roles import Level
from flows.serializers.acls import ACLChangeIn, ACLIn, ACLOut
from flows.views.base import FlowView
from scaiflow.kit.calls import Call
from scaiflow.kit.errors import Conflict, NotFound
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import read_body
from tenants.principals import caller_of


class ACLs(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.ADMIN, "POST": Level.ADMIN}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_acls", "The explicit entries of a flow", ACLOut(many=True)),
        "POST": Call(
            "grant_level",
            "Give a user or a group of the tenant a level",
            ACLOut,
            201,
            body=ACLIn,
            raises=(BadGrant, NotFound, Conflict),
        ),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        return Response(ACLOut(self.flow.acls.order_by("granted_at", "id"), many=True).data)

    def post(self, request: Request, flow_id: str) -> Response:
        entry = grant(flow=self.flow, by=caller_of(request), **read_body(ACLIn, request))
        return Response(ACLOut(entry).data, status=201)


class ACLDetail(FlowView):
    permissions: ClassVar[dict[str, str]] = {"PATCH": MANAGE, "DELETE": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"PATCH": Level.ADMIN, "DELETE": Level.ADMIN}
    calls: ClassVar[dict[str, Call]] = {
        "PATCH": Call("change_level", "Another level for an entry", ACLOut, body=ACLChangeIn, raises=(BadGrant,)),
        "DELETE": Call("revoke_level", "Take an entry away", status=204),
    }

    def patch(self, request: Request, flow_id: str, acl_id: str) -> Response:
        body = read_body(ACLChangeIn, request)
        entry = change_level(entry=acl_for(self.flow, acl_id), flow=self.flow, by=caller_of(request), **body)
        return Response(ACLOut(entry).data)

    def delete(self, request: Request, flow_id: str, acl_id: str) -> Response:
        revoke(entry=acl_for(self.flow, acl_id), flow=self.flow, by=caller_of(request))
        return Response(status=204)
