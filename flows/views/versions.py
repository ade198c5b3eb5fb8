from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from flows.diff_text import as_text
from flows.operations.flows import StaleVersion, UnwantedState, update_flow
from flows.operations.versions import content_of, diff_of, label_version, version_of
from flows.roles import Level
from flows.serializers.flows import FlowOut, FlowSummary
from flows.serializers.versions import DiffOut, DiffQueryIn, VersionChangeIn, VersionOut
from flows.views.base import FlowView
from flows.views.flows import flow_answer
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.conditions import Conditions
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import read_body, read_query
from tenants.principals import caller_of


class Versions(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_versions", "Every version, newest first", VersionOut(many=True)),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        rows = self.flow.versions.newest_first()
        return Response(VersionOut(rows, many=True, context={"flow": self.flow}).data)


class VersionDetail(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "PATCH": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "PATCH": Level.EDIT}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_version", "A flow as it was in that version", FlowOut),
        "PATCH": Call("label_version", "Give a version a label, or take it away", VersionOut, body=VersionChangeIn),
    }

    def get(self, request: Request, flow_id: str, version: str) -> Response:
        row = version_of(flow=self.flow, version=version)
        summary = FlowSummary(self.flow, context={"principal": caller_of(request)}).data
        return Response({**summary, "version": row.version, "content": content_of(flow=self.flow, version=version)})

    def patch(self, request: Request, flow_id: str, version: str) -> Response:
        body = read_body(VersionChangeIn, request)
        row = label_version(flow=self.flow, by=caller_of(request), version=version, **body)
        return Response(VersionOut(row, context={"flow": self.flow}).data)


class VersionDiff(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "diff_versions",
            "What changed between two versions, moves on the canvas told apart from logic",
            DiffOut,
            other=Raw("text/plain"),
            query=DiffQueryIn,
        ),
    }

    def get(self, request: Request, flow_id: str) -> HttpResponseBase:
        query = read_query(DiffQueryIn, request)
        told = diff_of(flow=self.flow, before=query["from"], after=query["to"] or self.flow.version)
        if query["format"] == "text" or "text/plain" in request.headers.get("Accept", ""):
            return HttpResponse(as_text(told), content_type="text/plain; charset=utf-8")
        return Response(told)


class VersionRestore(FlowView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.EDIT}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "restore_version",
            "That content as a new version on top",
            FlowOut,
            headers=("If-Match",),
            told=("ETag",),
            raises=(StaleVersion, UnwantedState),
        ),
    }

    def post(self, request: Request, flow_id: str, version: str) -> Response:
        content = content_of(flow=self.flow, version=version)
        conditions = Conditions.of(request.headers)
        flow = update_flow(flow=self.flow, by=caller_of(request), conditions=conditions, content=content)
        return flow_answer(request, flow)
