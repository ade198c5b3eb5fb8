"""What runs: events as they come, grouped into runs, with the drawing lit; and one's own calls."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe

from flows.access import require_deployed
from flows.models import Deployment, Flow
from flows.operations.versions import content_of
from flows.roles import Level
from lookups.operations.scaicore import invoke_core, list_events
from lookups.operations.stream import Stream, open_stream
from lookups.serializers.scaicore import EventsIn, StreamIn
from lookups.views.stream import require_asgi
from scaiflow.console.drafts import drawn, parsed
from scaiflow.console.drawing import Picture
from scaiflow.console.page import FlowPage, Page, validated
from scaiflow.console.plots import Plot, plots_of
from scaiflow.console.reading import cores_of, live_deployments, some_of
from scaiflow.console.runs import Run, Stretch, failures_first, stretch_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import MANAGE, VIEW

EVENTS, FEW_EVENTS = 500, 100
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
        found, older = events_of(self, core_of(self.flow, ""), limit=FEW_EVENTS)
        last = found.runs[0] if found.runs else None
        counts = {state: sum(run.state == state for run in found.runs) for state in STATES}
        return self.show(
            "console/runs/short.html", counts=counts, last=last, older=older, most=FEW_EVENTS
        )  # fmt: skip


class FlowRuns(FlowPage):
    """The runs of one Core; `?run=` opens one of them on the drawing, `?cursor=` goes back to older events."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.DEPLOY}
    tab = "runs"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        core_id = self.core_id
        if not core_id:
            return self.show("console/runs/none.html")
        cursor = request.GET.get("cursor", "")
        found, older = events_of(self, core_id, limit=EVENTS, cursor=cursor)
        context = self.told(found, older) | {"core_id": core_id, "cursor": cursor, "older": older, "found": found}
        if self.is_partial:
            return self.show("console/runs/runs.html", **context)
        return self.show("console/runs/flow.html", **context, **self.around(context["chosen"]))

    def told(self, found: Stretch, older: str | None) -> dict[str, Any]:
        asked = {name: self.request.GET.get(name, "") for name in ("core", "state", "first", "run", "cursor")}
        listed = [run for run in found.runs if asked["state"] in ("", run.state)]
        shown, following = some_of(failures_first(listed) if asked["first"] else listed, self.request, size=SHOWN)
        wanted = next((run for run in found.runs if run.id == asked["run"]), None)
        if wanted and wanted not in shown:
            shown = [wanted, *shown]  # who asked for it sees it, wherever in the list it stands
        chosen = wanted or (found.runs[0] if found.runs else None)
        labels = {node.get("id"): node.get("label") for node in self.content["nodes"]}
        again = {name: value for name, value in asked.items() if value and name not in {"run", "cursor"}}
        here = again | ({"cursor": asked["cursor"]} if asked["cursor"] else {})
        return {
            "runs": shown, "number": len(listed), "following": following, "chosen": chosen, "labels": labels, **asked,
            "is_missing": bool(asked["run"]) and wanted is None, "states": STATES, "back": urlencode(again),
            "again": urlencode(here), "plots": [] if asked["cursor"] else plotted(found, older),
        }  # fmt: skip

    def around(self, chosen: Run | None) -> dict[str, Any]:
        picture = Picture(marks=chosen.marks if chosen else {}, title="The run on the graph")
        fixtures = self.content.get("tests") or []
        sample = fixtures[0].get("input", {}) if fixtures else {}
        return {"drawing": drawn(self.content, picture), "cores": cores_of(self.flow), "sample": sample}

    @cached_property
    def core_id(self) -> str:
        """The Core that is looked at or called. A call that was refused is shown on the page of its own Core again."""
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        return core_of(self.flow, asked.get("core", ""))

    @cached_property
    def content(self) -> dict[str, Any]:
        """What is deployed to this Core is what runs there, so that is drawn, and not the newest version."""
        live = self.flow.deployments.filter(core_id=self.core_id).newest_first().first()
        return content_of(flow=self.flow, version=live.flow_version if live else None)

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        arguments = parsed(request.POST.get("input", "") or "{}")
        answer = invoke_core(by=self.principal, core_id=self.core_id, arguments=arguments)
        run_id = answer.get("execution_id") or ""
        query = urlencode({"core": self.core_id, "run": run_id})
        return self.done("It ran. Its output stands below.", "flow-runs", query=query, flow_id=flow_id)


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
        return StreamingHttpResponse(Stream(opening), content_type="text/event-stream", headers=headers)


def core_of(flow: Flow, wanted: str) -> str:
    """The Core that is meant: the wanted one, if the flow was ever deployed to it, else the latest; "" for none. Raises
    NotFound."""
    if wanted:
        require_deployed(flow, wanted)
        return wanted
    latest = flow.deployments.newest_first().first()
    return latest.core_id if latest else ""


def events_of(page: FlowPage, core_id: str, *, limit: int, cursor: str = "") -> tuple[Stretch, str | None]:
    """A page of events, and the cursor of the page behind it (None where there is none). One call, however many events
    there are. Raises as the lookups do."""
    if not core_id:
        return Stretch([]), None
    asked = {"core_id": core_id, "limit": limit, **({"cursor": cursor} if cursor else {})}
    told = list_events(by=page.principal, **validated(EventsIn, asked, root="query"))
    behind: str | None = told["next_cursor"]
    return stretch_of(told["events"], has_before=bool(cursor), has_behind=behind is not None), behind


def plotted(found: Stretch, older: str | None) -> list[tuple[Plot, SafeString]]:
    plots = plots_of(found.runs, now=timezone.now(), since=found.first_at if older else None)
    return [(plot, mark_safe(plot.svg)) for plot in plots]  # noqa: S308  plots.py escapes
