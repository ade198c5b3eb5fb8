"""Every act that destroys something asks first or can be undone: one table of everything that the console can be told to do.
A form without a row fails the build, and so does one that should ask and does not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from django.urls import Resolver404, resolve

from flows.models import Deployment, Flow, FlowACL, Job
from flows.operations.flows import create_flow
from scaiflow.console import urls
from tests.console.test_pages import ADA, road
from tests.console.test_running import POINT, points, publish, tell
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.loopback import Service
from tests.test_permissions import methods_of

ASKS = {
    "flow-delete", "flow-version-restore", "flow-version-label", "flow-access-entry without a level", "flow-rollback",
    "job-stop", "checkpoint", "package-delete", "settings", "settings-forget", "settings-role",
}  # fmt: skip
# By which road it is undone.
UNDONE = {
    "flow-edit": "flow-version-restore", "flow-deploy": "flow-rollback", "flow-new": "flow-delete",
    "flow-back": "flow-delete", "flow-access": "flow-access-entry", "flow-access-entry": "flow-access-entry",
    "flow-owner": "flow-owner", "publish": "package-delete", "package-back": "package-delete",
    "package-install": "flow-delete", "package-visibility": "package-visibility",
    "settings-sync": "settings-sync",  # what the mirror has lost comes back from ScaiKey
}  # fmt: skip
DESTROYS_NOTHING = {
    "flow-check": "it only reads", "flow-try": "it only reads", "flow-tests": "a run is added to the list",
    "flow-runs": "a run is added to the list", "flow-here": "says that one is here for a minute",
}  # fmt: skip


@dataclass
class Form:
    """`asks` where nothing is sent before a question was opened, or a box ticked that must be."""

    action: str
    asks: bool
    hidden: dict[str, str] = field(default_factory=dict)
    buttons: list[bool] = field(default_factory=list)

    @property
    def key(self) -> str:
        return resolve(self.action.partition("?")[0]).url_name + (
            " without a level" if self.hidden.get("level") == "" else ""
        )


class Forms(HTMLParser):
    """The forms of a page that go to the console."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.found, self.questions = path, [], [False]
        self.form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "details":
            self.questions.append(self.questions[-1] or told.get("class") == "confirm")
        elif tag == "form" and told.get("method") == "post":
            self.form = Form(told.get("action") or self.path, asks=self.questions[-1])
        elif self.form and tag == "input" and told.get("type") == "hidden":
            self.form.hidden[str(told["name"])] = told.get("value") or ""
        elif self.form and tag == "input" and told.get("type") == "checkbox" and "required" in told:
            self.form.asks = True
        elif self.form and tag == "button" and "disabled" not in told and told.get("type") != "button":
            self.form.buttons.append(self.questions[-1])

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self.questions.pop()
        elif tag == "form" and self.form:
            self.form.asks = self.form.asks or (bool(self.form.buttons) and all(self.form.buttons))
            self.found += [self.form] if is_ours(self.form.action) else []
            self.form = None


def is_ours(action: str) -> bool:
    try:
        return resolve(action.partition("?")[0]).namespace == "console"
    except Resolver404:
        return False


def told_to() -> set[str]:
    return {str(pattern.name) for pattern in urls.urlpatterns if "POST" in methods_of(pattern.callback)}


@pytest.fixture
def pages(ada_at: Visitor, sam_at: Visitor, scaigrid: Service) -> dict[str, str]:
    """Everything that a form can be about, as the super admin sees it; with one thing to be published by its author."""
    flow = create_flow(by=ADA, name="Greeting", description="", content=greeting())
    changed = {"name": "Greeting", "content": greeting("Good day"), "etag": flow.etag}
    ada_at.send(road(flow, "/edit"), changed | {"content": json.dumps(changed["content"])})
    for core in ("core_1", "core_1"):
        Deployment.objects.create(flow=flow, core_id=core, flow_version="1.0.0", status="deployed")
    FlowACL.objects.create(flow=flow, principal_type="user", principal_id="usr_x", level=1, granted_by="usr_ada")
    job = Job.objects.create(flow=flow, kind="deploy", state="queued", arguments={"version": "1.0.0"})
    gone = create_flow(by=ADA, name="Gone", description="", content=greeting())
    publish(ada_at, flow)
    publish(ada_at, gone, package_id="gone")
    ada_at.send("/catalog/gone/delete")
    ada_at.send(road(gone, "/delete"))
    sam_at.send("/settings", {"api_key": "sgk_0123456789"})
    points(scaigrid, POINT)
    tell(scaigrid, [])
    ends = ("", "/edit", "/versions", "/diff?from=1.0.0", "/access", "/deploy", "/tests", "/runs", "/here", "/jobs")
    wanted = [
        *(road(flow, end) for end in ends), "/flows", "/flows?show=deleted", "/flows/new", "/flows/try", f"/jobs/{job.id}",
        "/checkpoints/chk_1", "/settings", "/settings/sync", "/settings/people", "/catalog?show=deleted",
        "/catalog/greeting", "/catalog/publish?document=yes", f"/catalog/publish?flow={flow.id}",
    ]  # fmt: skip
    return {page: sam_at.read(page) for page in wanted}


def test_everything_that_the_console_can_be_told_is_in_the_table() -> None:
    in_the_table = {name.partition(" ")[0] for name in (*ASKS, *UNDONE, *DESTROYS_NOTHING)}
    assert in_the_table == told_to()
    assert not ASKS & set(UNDONE)
    assert not set(DESTROYS_NOTHING) & (ASKS | set(UNDONE))
    assert set(UNDONE.values()) <= told_to()


def test_what_should_ask_asks_on_every_page(pages: dict[str, str]) -> None:
    found, hasty = set(), []
    for page, body in pages.items():
        forms = Forms(page)
        forms.feed(body)
        for form in forms.found:
            found.add(form.key)
            hasty += [(page, form.key)] if form.key in ASKS and not form.asks else []
    assert hasty == []
    assert sorted(ASKS - found) == []
    assert sorted(set(UNDONE) - found) == []


@pytest.mark.parametrize(
    ("inside", "asks"),
    [
        ("<button>Stop</button>", False),
        ("<details class='fold'><button>Stop</button></details>", False),
        ("<details class='confirm'><button>Stop</button></details><button>Now</button>", False),
        ("<details class='confirm'><button>Stop</button></details>", True),
        ("<input type='checkbox' required><button>Stop</button>", True),
    ],
)
def test_a_form_that_does_not_ask_is_seen(inside: str, asks: bool) -> None:
    forms = Forms("/jobs/job_1")
    forms.feed(f"<details class='fold'><form method='post' action='/jobs/job_1/stop'>{inside}</form></details>")
    assert [(form.key, form.asks) for form in forms.found] == [("job-stop", asks)]


def test_the_question_before_a_job_is_stopped_stands_outside_of_what_is_asked_for_again(
    pages: dict[str, str], sam_at: Visitor
) -> None:
    job = Job.objects.get()
    page = pages[f"/jobs/{job.id}"]
    assert page.index("Stop it") < page.index('id="progress"')
    assert "Stop it" not in sam_at.get(f"/jobs/{job.id}", headers={"HX-Request": "true"}).content.decode()
    assert sam_at.send(f"/jobs/{job.id}/stop").status_code == 302
    assert Job.objects.get().state == "cancelled"
    assert "Stop it" not in sam_at.read(f"/jobs/{job.id}")
    assert Flow.objects.living().count() == 1
