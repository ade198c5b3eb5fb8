from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.operations.versions import content_of, version_of
from flows.roles import Level
from flows.serializers.flows import FlowSummary
from flows.serializers.versions import VersionOut
from flows.views.base import FlowView
from scaiflow.kit.rights import VIEW
from tenants.principals import caller_of


class Versions(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: Request, flow_id: str) -> Response:
        rows = self.flow.versions.newest_first()
        return Response(VersionOut(rows, many=True, context={"flow": self.flow}).data)


class VersionDetail(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: Request, flow_id: str, version: str) -> Response:
        row = version_of(flow=self.flow, version=version)
        summary = FlowSummary(self.flow, context={"principal": caller_of(request)}).data
        return Response({**summary, "version": row.version, "content": content_of(flow=self.flow, version=version)})
