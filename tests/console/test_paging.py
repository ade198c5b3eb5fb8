"""Lists that are longer than a page: nothing is left out without a word, and the way to the rest works."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Package
from flows.models import Deployment, Flow, FlowVersion, Job, TestRun
from flows.operations.flows import create_flow
from tenants.models import Group, Membership, User
from tests.console.test_pages import ADA, road
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.loopback import Service, Told

NOW = timezone.now()


@pytest.fixture
def flow(ada_at: Visitor) -> Flow:
    return create_flow(by=ADA, name="Greeting", description="", content=greeting())


def following(page: str, words: str) -> str:
    """Where the link with these words leads."""
    found = re.search(rf'href="(\?[^"]*)">{words}</a>', page)
    assert found, f"no link {words!r}"
    return found[1].replace("&amp;", "&")


def seen(visitor: Visitor, road: str, pattern: str, words: str) -> list[str]:
    """What a list holds, read page by page to its end."""
    page, found = visitor.read(road), []
    while True:
        found += re.findall(pattern, page)
        if f">{words}</a>" not in page:
            return found
        page = visitor.read(road + following(page, words))


def moment(number: int) -> Any:
    return NOW - timedelta(minutes=number)


def test_every_version_can_be_reached(ada_at: Visitor, flow: Flow) -> None:
    first = FlowVersion.objects.get()
    FlowVersion.objects.bulk_create(
        FlowVersion(flow=flow, version=f"1.0.{n}", sequence=1 + n, object_key=f"k{n}", digest=first.digest, size=1,
                    author_id="usr_ada")
        for n in range(1, 250)
    )  # fmt: skip
    found = seen(ada_at, road(flow, "/versions"), r'class="name" href="[^"]*\?version=1\.0\.(\d+)"', "Older versions")
    assert found == [str(n) for n in range(249, -1, -1)]
    assert "Back to the newest" in ada_at.read(road(flow, "/versions"), before=100)


def test_every_deployment_job_and_test_run_can_be_reached(ada_at: Visitor, flow: Flow) -> None:
    made: dict[str, Any] = {"flow": flow, "flow_version": "1.0.0"}
    Deployment.objects.bulk_create(
        Deployment(**made, core_id=f"core_{n}_", status="deployed", deployed_by="usr_ada", deployed_at=moment(n))
        for n in range(120)
    )
    Job.objects.bulk_create(
        Job(id=f"job_{n}", flow=flow, kind="deploy", requested_by="usr_ada", created_at=moment(n)) for n in range(120)
    )
    TestRun.objects.bulk_create(
        TestRun(**made, id=f"run_{n}", job_id=f"j{n}", core_id="c", tests_version="1.0.0", passed=1, failed=0,
                run_by="usr_ada", run_at=moment(n))
        for n in range(60)
    )  # fmt: skip
    for end, pattern, number in (
        ("/deploy", r">core_(\d+)_<", 120),
        ("/jobs", r'href="/jobs/job_(\d+)"', 120),
        ("/tests", r'/tests/run_(\d+)"', 60),
    ):
        assert seen(ada_at, road(flow, end), pattern, "Older") == [str(n) for n in range(number)], end


def test_every_core_that_a_flow_was_deployed_to_can_be_chosen(ada_at: Visitor, flow: Flow) -> None:
    Deployment.objects.bulk_create(
        Deployment(flow=flow, core_id=f"core_{n // 2}", flow_version="1.0.0", status="deployed", deployed_at=moment(n))
        for n in range(140)
    )
    assert re.findall(r"<option>core_(\d+)<", ada_at.read(road(flow, "/tests"))) == [str(n) for n in range(70)]


def test_a_group_with_very_many_people_says_how_many_are_shown(tara_at: Visitor) -> None:
    groups = [Group.objects.create(id=f"grp_{n}", tenant_id="tnt_demo", name=f"Group {n}") for n in range(2)]
    people = User.objects.bulk_create(
        User(id=f"usr_{n}", tenant_id="tnt_demo", display_name=f"P{n:03}") for n in range(130)
    )
    Membership.objects.bulk_create(
        Membership(group=group, user=one, tenant_id="tnt_demo")
        for group, size in zip(groups, (130, 3), strict=True)
        for one in people[:size]
    )  # fmt: skip
    page = tara_at.read("/settings/groups")
    assert page.count("P099") == 1
    assert "P100" not in page
    assert page.count("the first 100 by name are shown") == 1
    assert page.count("P002") == 2


@pytest.fixture
def many(db: None) -> None:
    """More people and groups than a form offers."""
    Group.objects.bulk_create(Group(id=f"grp_{n:03}", tenant_id="tnt_demo", name=f"Group {n:03}") for n in range(510))
    User.objects.bulk_create(
        User(id=f"usr_{n:03}", tenant_id="tnt_demo", display_name=f"Person {n:03}") for n in range(510)
    )


def test_whom_a_form_does_not_offer_can_be_typed(sam_at: Visitor, flow: Flow, many: None) -> None:
    page = sam_at.read(road(flow, "/access"))
    assert "usr_505" not in page
    assert 'name="who_id"' in page
    sam_at.send(road(flow, "/access"), {"who": "", "who_type": "group", "who_id": "grp_505", "level": "view"})
    sam_at.send(road(flow, "/access"), {"who": "user:usr_001", "level": "edit"})
    found = set(flow.acls.values_list("principal_type", "principal_id", "level"))
    assert found == {("group", "grp_505", 1), ("user", "usr_001", 2)}
    sam_at.send(road(flow, "/owner"), {"owner_id": "usr_001", "owner_typed": "usr_505"})
    assert Flow.objects.get().owner_id == "usr_505"


def test_groups_that_a_form_does_not_offer_can_be_typed(ada_at: Visitor, flow: Flow, many: None) -> None:
    assert 'name="more_groups"' in ada_at.read("/catalog/publish", flow=flow.id)
    assert 'name="more_groups"' in ada_at.read(road(flow, "/deploy"))
    draft = {"flow": flow.id, "package_id": "greeting", "name": "Greeting", "version": "1.0.0", "visibility": "groups"}
    ada_at.send("/catalog/publish", {**draft, "group_ids": ["grp_001"], "more_groups": "grp_505, grp_506"})
    assert Package.objects.get().group_ids == ["grp_001", "grp_505", "grp_506"]


def test_a_form_that_offers_everybody_asks_for_no_ids(ada_at: Visitor, flow: Flow) -> None:
    assert 'name="who_id"' not in ada_at.read(road(flow, "/access"))
    assert 'name="more_groups"' not in ada_at.read(road(flow, "/deploy"))


def test_more_checkpoints_than_are_looked_at_are_told(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    Deployment.objects.create(flow=flow, core_id="core_1", flow_version="1.0.0", status="deployed")
    points = [{"id": f"chk_{n}", "core_id": "core_1", "status": "pending"} for n in range(200)]
    page = Told(200, {"data": {"checkpoints": points, "next_cursor": "more"}})
    scaigrid.on("GET", "/v1/modules/scaicore/checkpoints", page)
    assert "the first 1,000 that it told were looked at" in ada_at.read("/checkpoints")
    assert len(scaigrid.calls("GET", "/v1/modules/scaicore/checkpoints")) == 5


def test_home_tells_how_much_went_wrong(ada_at: Visitor) -> None:
    for number in range(12):
        flow = create_flow(by=ADA, name=f"Flow {number}", description="", content=greeting())
        Job.objects.create(flow=flow, kind="deploy", state="failed", error={"status": 500, "detail": "x"})
    page = ada_at.read("/")
    assert "All 12 of the last two weeks" in page
    assert page.count("Deploy failed") == 12
