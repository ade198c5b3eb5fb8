"""What runs: events as they come, grouped into runs, with the drawing lit; and one's own calls."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.safestring import mark_safe

from flows.access import require_deployed
from flows.models import Deployment, Flow
from flows.operations.versions import content_of
from flows.roles import Level
from lookups.operations.scaicore import invoke_core, list_events
from lookups.operations.stream import open_stream, told
from lookups.serializers.scaicore import StreamIn
from lookups.views.stream import require_asgi
from scaiflow.console.drafts import drawn, parsed
from scaiflow.console.drawing import Picture
from scaiflow.console.page import FlowPage, Page, validated
from scaiflow.console.plots import plots_of
from scaiflow.console.reading import live_deployments
from scaiflow.console.runs import Run, failures_first, runs_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import MANAGE, VIEW

EVENTS = 500
SHOWN = 25
PAGE = 50
STATES = ("running", "waiting", "completed", "failed")


class Running(Page):
    """Where something may run: the flows that are deployed."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "runs"

    def get(self, request: HttpRequest) -> HttpResponse:
        deployed = Flow.objects.visible_to(self.principal).living().filter(id__in=Deployment.objects.values("flow_id"))
        cursor = request.GET.get("cursor", "")
        rows, following = page_before(deployed.without_search_text(), field="updated_at", cursor=cursor, limit=PAGE)
        return self.show("console/runs/list.html", rows=rows, cursor=following, live=live_deployments(rows))


class FlowRunsShort(FlowPage):
    """One line about a flow's last runs, for the list of what is deployed."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        found = runs_in(self, core_of(self.flow, ""))
        counts = {state: sum(run.state == state for run in found) for state in STATES}
        return self.show("console/runs/short.html", counts=counts, last=found[0] if found else None)


class FlowRuns(FlowPage):
    """The runs of one Core; `?run=` opens one of them on the drawing."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.DEPLOY}
    tab = "runs"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        core_id = core_of(self.flow, request.GET.get("core", ""))
        if not core_id:
            return self.show("console/runs/none.html")
        found = runs_in(self, core_id)
        chosen = next((run for run in found if run.id == request.GET.get("run")), found[0] if found else None)
        context = self.told(found, chosen) | {"core_id": core_id}
        if self.is_partial:
            return self.show("console/runs/runs.html", **context)
        return self.show("console/runs/flow.html", **context, **self.around(chosen))

    def told(self, found: list[Run], chosen: Run | None) -> dict[str, Any]:
        state, first = self.request.GET.get("state", ""), self.request.GET.get("first", "")
        listed = [run for run in found if state in ("", run.state)]
        listed = failures_first(listed) if first == "failures" else listed
        plots = [(plot, mark_safe(plot.svg)) for plot in plots_of(found, now=timezone.now())]  # noqa: S308  plots.py escapes
        labels = {node.get("id"): node.get("label") for node in self.content()["nodes"]}
        return {
            "runs": listed[:SHOWN], "number": len(listed), "chosen": chosen, "plots": plots, "labels": labels,
            "state": state, "first": first, "states": STATES,
        }  # fmt: skip

    def around(self, chosen: Run | None) -> dict[str, Any]:
        cores = list(dict.fromkeys(self.flow.deployments.newest_first().values_list("core_id", flat=True)[:PAGE]))
        picture = Picture(marks=chosen.marks if chosen else {}, title="The run on the graph")
        fixtures = self.content().get("tests") or []
        sample = fixtures[0].get("input", {}) if fixtures else {}
        return {"drawing": drawn(self.content(), picture), "cores": cores, "sample": sample}

    def content(self) -> dict[str, Any]:
        """What is deployed is what runs, so that is drawn, and not the newest version."""
        if not hasattr(self, "_content"):
            live = self.flow.deployments.newest_first().first()
            self._content = content_of(flow=self.flow, version=live.flow_version if live else None)
        return self._content

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        core_id = core_of(self.flow, request.POST.get("core", ""))
        answer = invoke_core(
            by=self.principal, core_id=core_id, arguments=parsed(request.POST.get("input", "") or "{}")
        )
        run_id = answer.get("execution_id") or ""
        response = self.done("It ran. Its output stands below.", "flow-runs", flow_id=flow_id)
        response["Location"] += f"?run={run_id}"
        return response


class FlowRunStream(FlowPage):
    """The events as they come, for the page above."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponseBase:
        asked = validated(
            StreamIn, {"core_id": core_of(self.flow, request.GET.get("core", "")), "limit": 0}, root="query"
        )
        last_id = request.headers.get("Last-Event-ID")
        opening = open_stream(by=self.principal, core_id=asked["core_id"], last_id=last_id, limit=asked["limit"])
        require_asgi(request)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(told(opening), content_type="text/event-stream", headers=headers)


def core_of(flow: Flow, wanted: str) -> str:
    """The Core that is meant: the wanted one, if the flow was ever deployed to it, else the latest; "" for none. Raises
    NotFound."""
    if wanted:
        require_deployed(flow, wanted)
        return wanted
    latest = flow.deployments.newest_first().first()
    return latest.core_id if latest else ""


def runs_in(page: FlowPage, core_id: str) -> list[Run]:
    """Of the newest 500 events. Raises as the lookups do."""
    if not core_id:
        return []
    return runs_of(list_events(by=page.principal, core_id=core_id, limit=EVENTS, cursor=None)["events"])
