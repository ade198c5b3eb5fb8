from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.operations.flows import update_flow
from flows.operations.versions import content_of, diff_of, version_of
from flows.roles import Level
from flows.serializers.flows import FlowOut, FlowSummary
from flows.serializers.versions import DiffOut, DiffQueryIn, VersionOut
from flows.views.base import FlowView
from flows.views.flows import flow_answer
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import read_query
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
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_version", "A flow as it was in that version", FlowOut),
    }

    def get(self, request: Request, flow_id: str, version: str) -> Response:
        row = version_of(flow=self.flow, version=version)
        summary = FlowSummary(self.flow, context={"principal": caller_of(request)}).data
        return Response({**summary, "version": row.version, "content": content_of(flow=self.flow, version=version)})


class VersionDiff(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "diff_versions",
            "What changed between two versions, moves on the canvas told apart from logic",
            DiffOut,
            query=DiffQueryIn,
        ),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        query = read_query(DiffQueryIn, request)
        return Response(diff_of(flow=self.flow, before=query["from"], after=query["to"] or self.flow.version))


class VersionRestore(FlowView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.EDIT}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("restore_version", "That content as a new version on top", FlowOut, told=("ETag",)),
    }

    def post(self, request: Request, flow_id: str, version: str) -> Response:
        content = content_of(flow=self.flow, version=version)
        flow = update_flow(flow=self.flow, by=caller_of(request), content=content)
        return flow_answer(request, flow)
