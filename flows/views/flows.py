from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.models import Flow
from flows.operations.flows import (
    StaleVersion,
    UnwantedState,
    check_conditions,
    create_flow,
    delete_flow,
    restore_flow,
    update_flow,
)
from flows.operations.listing import page_of_flows
from flows.operations.versions import content_of
from flows.roles import Level
from flows.serializers.flows import FlowChangeIn, FlowIn, FlowListOut, FlowOut, FlowQueryIn, FlowSummary
from flows.views.base import FlowView
from scaiflow.kit.calls import Call
from scaiflow.kit.conditions import Conditions
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.principals import caller_of


class Flows(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_flows", "The flows that you can see, newest update first", FlowListOut, query=FlowQueryIn),
        "POST": Call(
            "create_flow", "A new flow, version 1.0.0, which is yours", FlowOut, 201, body=FlowIn, told=("ETag",)
        ),
    }

    def get(self, request: Request) -> Response:
        query = read_query(FlowQueryIn, request)
        page = page_of_flows(Flow.objects.visible_to(caller_of(request)).living(), **query)
        return Response(FlowListOut(page, context={"principal": caller_of(request)}).data)

    def post(self, request: Request) -> Response:
        flow = create_flow(by=caller_of(request), **read_body(FlowIn, request))
        return flow_answer(request, flow, status=201)


class FlowDetail(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "HEAD": VIEW, "PUT": MANAGE, "DELETE": MANAGE}
    levels: ClassVar[dict[str, Level]] = {
        "GET": Level.VIEW, "HEAD": Level.VIEW, "PUT": Level.EDIT, "DELETE": Level.ADMIN,
    }  # fmt: skip
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "get_flow",
            "A flow with its content",
            FlowOut,
            headers=("If-None-Match", "If-Match"),
            told=("ETag",),
            also={304: None},
            raises=(StaleVersion, UnwantedState),
        ),
        "PUT": Call(
            "update_flow",
            "Change a flow: new content is a new version, a new name is not",
            FlowOut,
            body=FlowChangeIn,
            headers=("If-Match", "If-None-Match"),
            told=("ETag",),
            raises=(StaleVersion, UnwantedState),
        ),
        "DELETE": Call(
            "delete_flow",
            "Delete a flow; it can be brought back",
            status=204,
            headers=("If-Match",),
            raises=(StaleVersion, UnwantedState),
        ),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        conditions = Conditions.of(request.headers)
        if conditions.knows(self.flow.etag) and not conditions.misses(self.flow.etag):
            return Response(status=304, headers={"ETag": self.flow.etag})
        check_conditions(self.flow, conditions)
        return flow_answer(request, self.flow)

    def put(self, request: Request, flow_id: str) -> Response:
        changes = read_body(FlowChangeIn, request)
        conditions = Conditions.of(request.headers)
        flow = update_flow(flow=self.flow, by=caller_of(request), conditions=conditions, **changes)
        return flow_answer(request, flow)

    def delete(self, request: Request, flow_id: str) -> Response:
        delete_flow(flow=self.flow, by=caller_of(request), conditions=Conditions.of(request.headers))
        return Response(status=204)


class FlowRestore(FlowView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.ADMIN}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("restore_flow", "Bring a deleted flow back", FlowOut, told=("ETag",)),
    }
    opens_deleted = True

    def post(self, request: Request, flow_id: str) -> Response:
        return flow_answer(request, restore_flow(flow=self.flow, by=caller_of(request)))


def flow_answer(request: Request, flow: Flow, **options: Any) -> Response:
    """The summary, the content, and the tag that a later save may hold against it."""
    summary = FlowSummary(flow, context={"principal": caller_of(request)}).data
    return Response({**summary, "content": content_of(flow=flow)}, headers={"ETag": flow.etag}, **options)
