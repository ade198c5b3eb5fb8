"""A workbench: a document, a manifest or a package looked at, checked and compiled, with nothing saved."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from flows.operations.compiling import imported, preview
from flows.operations.packages import imported_package
from flows.serializers.preview import CompileIn
from scaiflow.console.drafts import checked_drawing, ir_in_short, parsed
from scaiflow.console.page import Page, validated
from scaiflow.kit.errors import Unprocessable
from scaiflow.kit.rights import VIEW

FORMATS = {"yaml": "YAML manifest", "ir": "IR summary", "scai": ".scai text"}


class FlowTry(Page):
    """`format` says into what it is compiled, "" that it is only checked."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": VIEW}
    section = "flows"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("console/flows/try.html", formats=FORMATS)

    def post(self, request: HttpRequest) -> HttpResponse:
        content, unknown = self.source()
        told = {"content": content, "unknown": unknown, **checked_drawing(content, link=None)}
        if wanted := request.POST.get("format"):
            made = preview(**validated(CompileIn, {"content": content, "format": wanted}))
            short = ir_in_short(content) if made["format"] == "ir" and made["body"] else None
            told |= {"made": made, "short": short}
        return self.show("console/flows/try.html", formats=FORMATS, **told)

    def source(self) -> tuple[dict[str, Any], list[Any]]:
        """The document, and the steps of a manifest that no node stands for. Raises Unprocessable."""
        form = self.request.POST
        if (upload := self.request.FILES.get("package")) is not None:
            found = imported_package(body=b"".join(upload.chunks()))
        elif form.get("manifest"):
            found = imported(manifest=form["manifest"])
        elif form.get("content"):
            return parsed(form["content"]), []
        else:
            raise Unprocessable.at(
                "body", "content", msg="paste a document or a manifest, or choose a package", type="missing"
            )
        return found["content"], found["unknown_steps"]
