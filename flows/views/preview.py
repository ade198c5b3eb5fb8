"""Compile and validate without saving anything."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.compiler import FLOW_SCHEMA
from flows.operations.compiling import diagnose, imported, preview
from flows.serializers.preview import CompileIn, ImportIn, ValidateIn
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import ApiView, PublicView, read_body


class FlowCompile(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}

    def post(self, request: Request) -> Response:
        return Response(preview(**read_body(CompileIn, request)))


class FlowValidate(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}

    def post(self, request: Request) -> Response:
        return Response(diagnose(**read_body(ValidateIn, request)))


class FlowImport(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}

    def post(self, request: Request) -> Response:
        return Response(imported(**read_body(ImportIn, request)))


class FlowSchema(PublicView):
    def get(self, request: Request) -> Response:
        return Response(FLOW_SCHEMA)
