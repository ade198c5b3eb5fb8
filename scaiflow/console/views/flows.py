"""The list of flows, and where new ones begin."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from flows.access import level_on
from flows.models import Flow
from flows.models.flows import FlowQuerySet
from flows.operations.compiling import imported
from flows.operations.flows import create_flow
from flows.operations.listing import page_of_flows
from flows.operations.packages import imported_package
from flows.operations.tenants import flows_of_tenant
from flows.roles import Level
from flows.serializers.flows import FlowIn, TenantFlowQueryIn
from scaiflow.console.drafts import checked_drawing, drawn, parsed, tags_in
from scaiflow.console.drawing import Picture
from scaiflow.console.examples import blank, example, examples
from scaiflow.console.page import Page, validated
from scaiflow.console.reading import live_deployments, names_of
from scaiflow.kit.rights import MANAGE, VIEW

PAGE = 50


class FlowList(Page):
    """Found by words, tags, owner and whether they are deployed; the deleted ones stand on a list of their own."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "flows"

    def get(self, request: HttpRequest) -> HttpResponse:
        query = validated(TenantFlowQueryIn, self.asked(), root="query")
        show, tenant = request.GET.get("show", ""), query.pop("tenant_id")
        page = page_of_flows(self.chosen(show, tenant), **query)
        rows = page["items"]
        owner = "" if show == "mine" else query["owner_id"]
        filters = {
            "q": query["q"], "deployed": query["deployed"], "show": show, "tag": query["tag"], "owner": owner,
            "tenant_id": tenant,
        }  # fmt: skip
        again = urlencode({name: value for name, value in filters.items() if value}, doseq=True)
        template = "console/flows/rows.html" if self.is_partial else "console/flows/list.html"
        return self.show(
            template, rows=rows, cursor=page["next_cursor"], total=page["total"], live=live_deployments(rows),
            names=names_of([*(flow.owner_id for flow in rows), owner]), filters=filters, again=again,
            first=not query["cursor"], mine_to_restore=self.restorable(rows) if show == "deleted" else (),
        )  # fmt: skip

    def restorable(self, rows: list[Flow]) -> set[str]:
        """Of those that were deleted, the ones that the reader may bring back."""
        may = self.principal.may(MANAGE)
        return {flow.id for flow in rows if may and level_on(self.principal, flow) >= Level.ADMIN}

    def asked(self) -> dict[str, Any]:
        """What the API's query takes; "mine" is an owner there."""
        given = self.request.GET
        owner = self.principal.sub if given.get("show") == "mine" else given.get("owner", "")
        words = {name: given.get(name, "") for name in ("q", "deployed", "cursor")}
        if tenant := given.get("tenant_id", "").strip():
            words["tenant_id"] = tenant
        return {
            **words,
            "tag": [tag for typed in given.getlist("tag") for tag in tags_in(typed)],
            "owner_id": owner,
            "limit": PAGE,
        }

    def chosen(self, show: str, tenant: str) -> FlowQuerySet:
        if tenant:
            return flows_of_tenant(by=self.principal, tenant_id=tenant)
        seen: FlowQuerySet = Flow.objects.visible_to(self.principal)
        return seen.filter(deleted_at__isnull=False) if show == "deleted" else seen.living()


class FlowNew(Page):
    """From an example, from nothing, from a document, a manifest or a package."""

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
        tags = tags_in(request.POST.get("tags", ""))
        fields = validated(FlowIn, {"name": name, "description": description, "content": content, "tags": tags})
        flow = create_flow(by=self.principal, **fields)
        return self.done(f"{flow.name} is there. Its first version is {flow.version}.", "flow", flow_id=flow.id)

    def content(self) -> dict[str, Any]:
        form = self.request.POST
        if form.get("example"):
            return example(form["example"])
        if (upload := self.request.FILES.get("package")) is not None:
            unpacked: dict[str, Any] = imported_package(body=b"".join(upload.chunks()))["content"]
            return unpacked
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
