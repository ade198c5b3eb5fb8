"""A flow's versions, two of them side by side, and the way back to one."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from flows.operations.flows import update_flow
from flows.operations.versions import content_of, diff_of, label_version
from flows.roles import Level
from flows.serializers.versions import DiffQueryIn, VersionChangeIn
from scaiflow.console.differences import picture_of, together
from scaiflow.console.drafts import drawn
from scaiflow.console.page import FlowPage, validated
from scaiflow.console.reading import names_of, rows_before
from scaiflow.kit.rights import MANAGE, VIEW

PAGE = 100


class FlowVersions(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "versions"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        rows, older = rows_before(self.flow.versions, request, size=PAGE)
        before = rows[1].version if len(rows) > 1 else self.flow.version
        names = names_of(row.author_id for row in rows)
        is_newest = "before" not in request.GET
        return self.show(
            "console/flows/versions.html", rows=rows, names=names, before=before, older=older, is_newest=is_newest
        )


class FlowDiff(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "versions"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        asked = {"from": request.GET.get("from", ""), "to": request.GET.get("to", "")}
        query = validated(DiffQueryIn, {name: value for name, value in asked.items() if value}, root="query")
        older, newer = query["from"], query["to"] or self.flow.version
        told = diff_of(flow=self.flow, before=older, after=newer)
        both = together(content_of(flow=self.flow, version=older), content_of(flow=self.flow, version=newer))
        return self.show(
            "console/flows/diff.html", told=told, drawing=drawn(both, picture_of(told, "What changed")),
            older=older, newer=newer, parts=("config", "variables", "tests", "document"),
        )  # fmt: skip


class FlowVersionRestore(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.EDIT}

    def post(self, request: HttpRequest, flow_id: str, version: str) -> HttpResponse:
        content = content_of(flow=self.flow, version=version)
        flow = update_flow(flow=self.flow, by=self.principal, content=content)
        message = f"Version {version} is the newest again, as {flow.version}. Nothing was lost."
        return self.done(message, "flow-versions", flow_id=flow_id)


class FlowVersionLabel(FlowVersions):
    """A name for people; an empty one takes it away."""

    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.EDIT}

    def get(self, request: HttpRequest, flow_id: str, version: str = "") -> HttpResponse:
        return super().get(request, flow_id)

    def post(self, request: HttpRequest, flow_id: str, version: str) -> HttpResponse:
        body = validated(VersionChangeIn, {"label": request.POST.get("label", "")})
        row = label_version(flow=self.flow, by=self.principal, version=version, **body)
        message = (
            f"Version {version} is called {row.label}." if row.label else f"Version {version} has no label any more."
        )
        return self.done(message, "flow-versions", flow_id=flow_id)
