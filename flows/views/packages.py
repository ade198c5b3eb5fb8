"""Flows into packages, and back."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access import version_for
from catalog.serializers.packages import PackageOut, WhichIn
from catalog.views.base import PackageView
from catalog.views.packages import as_file
from flows.operations.compiling import DoesNotCompile
from flows.operations.packages import exported, install_flow, publish_content, publish_flow, unpacked
from flows.roles import Level
from flows.serializers.flows import FlowOut
from flows.serializers.packages import ExportQueryIn, InstalledOut, InstallIn, PublishIn
from flows.views.base import FlowView
from flows.views.flows import flow_answer
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.errors import Conflict, NotFound
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.principals import caller_of


class CatalogPublish(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "publish_package",
            "Compile a flow or a document and put it into the catalog",
            PackageOut,
            201,
            body=PublishIn,
            raises=(DoesNotCompile, NotFound),
        ),
    }

    def post(self, request: Request) -> Response:
        draft = read_body(PublishIn, request)
        publish = publish_flow if "flow_id" in draft else publish_content
        return Response(PackageOut(publish(by=caller_of(request), **draft)).data, status=201)


class PackageInstall(PackageView):
    """Only looking at the document changes nothing, so it needs view alone; saving it asks for manage."""

    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "install_package",
            "A package as a document, or with `save` as a flow of yours (201)",
            InstalledOut,
            body=InstallIn,
            query=WhichIn,
            raises=(Conflict,),
            also={201: FlowOut},
        ),
    }

    def post(self, request: Request, package_id: str) -> Response:
        asked = read_body(InstallIn, request)
        version = version_for(self.package, asked.get("version") or "")
        if asked["save"]:
            flow = install_flow(by=caller_of(request), package=self.package, version=version)
            return flow_answer(request, flow, status=201)
        content = unpacked(version=version, name=self.package.name)
        return Response({"content": content, "package_id": self.package.slug, "version": version.version})


class FlowExport(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "export_flow",
            "A flow as a package file",
            Raw("application/zip", binary=True),
            query=ExportQueryIn,
            told=("Content-Disposition", "ETag"),
            raises=(DoesNotCompile,),
        ),
    }

    def get(self, request: Request, flow_id: str) -> HttpResponseBase:
        version = read_query(ExportQueryIn, request)["version"] or None
        name, body = exported(flow=self.flow, version=version)
        return as_file(body, name=name)
