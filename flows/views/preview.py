"""Compile and validate without saving anything."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any, ClassVar

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from flows.compiler import FLOW_SCHEMA
from flows.operations.compiling import diagnose, imported, preview
from flows.operations.packages import imported_package
from flows.serializers.preview import CompileIn, CompileOut, ImportIn, ImportOut, ManifestIn, ValidateIn, ValidateOut
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.errors import TooLarge
from scaiflow.kit.json import JSONParser
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


class PackageOrJSON(JSONParser):
    """A body that begins like a zip is a package; everything else is read as JSON, whatever its Content-Type says."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if not raw.startswith(b"PK"):
            return super().parse(BytesIO(raw), media_type, parser_context)
        raw += stream.read(settings.MAX_PACKAGE_BYTES + 1 - len(raw))
        if len(raw) > settings.MAX_PACKAGE_BYTES:
            raise TooLarge(f"the package is larger than {settings.MAX_PACKAGE_BYTES} bytes")
        return {"package": raw}


class FlowImport(ApiView):
    """From a manifest's YAML, or from a package."""

    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    parser_classes: ClassVar[list[Any]] = [PackageOrJSON]  # type: ignore[misc]
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "import_manifest",
            "A document from a manifest: the way back",
            ImportOut,
            body=ManifestIn,
            takes=Raw("application/zip", True),
        ),
    }

    def post(self, request: Request) -> Response:
        given = read_body(ImportIn, request)
        return Response(imported_package(body=given["package"]) if "package" in given else imported(**given))


class FlowSchema(PublicView):
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_flow_schema", "The JSON Schema of flow documents", OpenApiTypes.OBJECT),
    }

    def get(self, request: Request) -> Response:
        return Response(FLOW_SCHEMA)
