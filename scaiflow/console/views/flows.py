"""The list of flows, and where new ones begin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from flows.models import Flow
from flows.models.flows import FlowQuerySet
from flows.operations.compiling import imported
from flows.operations.flows import create_flow
from flows.serializers.flows import FlowIn, FlowQueryIn
from scaiflow.console.drafts import checked_drawing, drawn, parsed
from scaiflow.console.drawing import Picture
from scaiflow.console.examples import blank, example, examples
from scaiflow.console.page import Page, validated
from scaiflow.console.reading import live_deployments, names_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import MANAGE, VIEW

PAGE = 50


class FlowList(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "flows"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = {"search": request.GET.get("search", ""), "cursor": request.GET.get("cursor", ""), "limit": PAGE}
        query = validated(FlowQueryIn, asked, root="query")
        show = request.GET.get("show", "")
        found = self.chosen(show).named_like(query["search"])
        rows, cursor = page_before(found, field="updated_at", cursor=query["cursor"], limit=PAGE)
        names = names_of(flow.owner_id for flow in rows)
        template = "console/flows/rows.html" if self.is_partial else "console/flows/list.html"
        return self.show(
            template, rows=rows, cursor=cursor, total=found.count(), live=live_deployments(rows), names=names,
            search=query["search"], show=show, first=not query["cursor"],
        )  # fmt: skip

    def chosen(self, show: str) -> FlowQuerySet:
        seen: FlowQuerySet = Flow.objects.visible_to(self.principal)
        if show == "deleted":
            return seen.filter(deleted_at__isnull=False)
        return seen.living().filter(owner_id=self.principal.sub) if show == "mine" else seen.living()


class FlowNew(Page):
    """From an example, from nothing, from a document, or from a manifest."""

    permissions: ClassVar[dict[str, str]] = {"GET": MANAGE, "POST": MANAGE}
    section = "flows"

    def get(self, request: HttpRequest) -> HttpResponse:
        offered = [
            {"slug": slug, "document": document, "drawing": drawn(document, Picture(title=document["name"]))}
            for slug, document in examples().items()
        ]
        return self.show("console/flows/new.html", examples=offered)

    def post(self, request: HttpRequest) -> HttpResponse:
        content = self.content()
        name = request.POST.get("name") or content.get("name") or "Untitled"
        description = request.POST.get("description") or (content.get("metadata") or {}).get("description") or ""
        fields = validated(FlowIn, {"name": name, "description": description, "content": content})
        flow = create_flow(by=self.principal, **fields)
        return self.done(f"{flow.name} is there. Its first version is {flow.version}.", "flow", flow_id=flow.id)

    def content(self) -> dict[str, Any]:
        form = self.request.POST
        if form.get("example"):
            return example(form["example"])
        if form.get("manifest"):
            found: dict[str, Any] = imported(manifest=form["manifest"])["content"]
            return found
        return parsed(form["content"]) if form.get("content") else blank(form.get("name") or "Untitled")


class FlowCheck(Page):
    """What is wrong with a document, before it is saved."""

    permissions: ClassVar[dict[str, str]] = {"POST": VIEW}
    section = "flows"

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.show(
            "console/flows/checked.html", **checked_drawing(parsed(request.POST.get("content", "")), link=None)
        )
