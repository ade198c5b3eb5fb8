"""Compile and validate without saving anything."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from flows.compiler import FLOW_SCHEMA
from flows.operations.compiling import diagnose, imported, preview
from flows.serializers.preview import CompileIn, CompileOut, ImportIn, ImportOut, ValidateIn, ValidateOut
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import ApiView, PublicView, read_body


class FlowCompile(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "compile_flow",
            "The manifest of a document, nothing saved; a refusal stands in `errors`",
            CompileOut,
            body=CompileIn,
        ),
    }

    def post(self, request: Request) -> Response:
        return Response(preview(**read_body(CompileIn, request)))


class FlowValidate(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("validate_flow", "What is wrong with a document, nothing saved", ValidateOut, body=ValidateIn),
    }

    def post(self, request: Request) -> Response:
        return Response(diagnose(**read_body(ValidateIn, request)))


class FlowImport(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("import_manifest", "A document from a manifest: the way back", ImportOut, body=ImportIn),
    }

    def post(self, request: Request) -> Response:
        return Response(imported(**read_body(ImportIn, request)))


class FlowSchema(PublicView):
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_flow_schema", "The JSON Schema of flow documents", OpenApiTypes.OBJECT),
    }

    def get(self, request: Request) -> Response:
        return Response(FLOW_SCHEMA)
