"""One flow: its drawing, its document, its life and death."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from catalog.views.packages import as_file
from flows.operations.compiling import preview
from flows.operations.flows import delete_flow, restore_flow, update_flow
from flows.operations.packages import exported
from flows.operations.versions import content_of
from flows.roles import Level
from flows.serializers.flows import FlowChangeIn
from flows.serializers.preview import CompileIn
from scaiflow.console.drafts import checked_drawing, ir_in_short, node_in, parsed, tags_in
from scaiflow.console.page import FlowPage, validated
from scaiflow.console.reading import live_deployments, names_of
from scaiflow.kit.conditions import Conditions
from scaiflow.kit.rights import MANAGE, VIEW


class FlowOverview(FlowPage):
    """The drawing; `?node=` opens a node, `?version=` shows an older version."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "overview"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        version, selected = request.GET.get("version") or self.flow.version, request.GET.get("node", "")
        content = content_of(flow=self.flow, version=version)
        told = checked_drawing(
            content, selected=selected, link=lambda node: "?" + urlencode({"version": version, "node": node})
        )
        told |= {"content": content, "node": node_in(content, selected) if selected else None, "version": version}
        if self.is_partial:
            return self.show("console/flows/node.html", **told)
        live = live_deployments([self.flow]).get(self.flow.id)
        names = names_of([self.flow.owner_id, live.deployed_by if live else None])
        return self.show("console/flows/overview.html", live=live, names=names, **told)


class FlowEdit(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": MANAGE, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.EDIT, "POST": Level.EDIT}
    tab = "edit"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        return self.show("console/flows/edit.html", content=content_of(flow=self.flow), etag=self.flow.etag)

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        """Without a change of the document there is no new version."""
        fields: dict[str, Any] = {name: request.POST.get(name) for name in ("name", "description")}
        fields["tags"] = tags_in(request.POST.get("tags", ""))
        content = parsed(request.POST.get("content", ""))
        if content != content_of(flow=self.flow):
            fields["content"] = content
        changes = validated(FlowChangeIn, fields)
        conditions = Conditions(if_match=request.POST.get("etag"))
        flow = update_flow(flow=self.flow, by=self.principal, conditions=conditions, **changes)
        return self.done(f"Saved. The newest version is {flow.version}.", "flow", flow_id=flow_id)


class FlowCompiled(FlowPage):
    """What the flow compiles to, without deploying it; and, as `document`, the text that it is made of."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "compiled"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        version = request.GET.get("version") or self.flow.version
        content = content_of(flow=self.flow, version=version)
        if (wanted := request.GET.get("format", "yaml")) == "document":
            made = {"format": wanted, "body": content}
            return self.show("console/flows/compiled.html", made=made, version=version)
        made = preview(**validated(CompileIn, {"content": content, "format": wanted}, root="query"))
        short = ir_in_short(content) if made["format"] == "ir" and made["body"] else None
        return self.show("console/flows/compiled.html", made=made, short=short, version=version)


class FlowDelete(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.ADMIN}

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        delete_flow(flow=self.flow, by=self.principal)
        return self.done(f"{self.flow.name} is deleted. You can bring it back from the list of deleted flows.", "flows")


class FlowBack(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.ADMIN}
    opens_deleted = True

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        flow = restore_flow(flow=self.flow, by=self.principal)
        return self.done(f"{flow.name} is back.", "flow", flow_id=flow_id)


class FlowExport(FlowPage):
    """One version as a package that nobody published, to be saved as a file."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        name, body = exported(flow=self.flow, version=request.GET.get("version") or None)
        return as_file(body, name=name)
