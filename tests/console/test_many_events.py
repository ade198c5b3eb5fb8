"""The pages of runs in front of a Core with 10,000 events: one call each, what is left out is told, and can be reached."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flows.models import Deployment, Flow
from flows.operations.flows import create_flow
from tests.console.events import EVENTS, ManyEvents
from tests.console.test_pages import ADA, PARTIAL, road
from tests.console.test_paging import following
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.loopback import Service

RUN = re.compile(r'data-run="exec_(\d+)"')


@pytest.fixture
def flow(ada_at: Visitor, scaigrid: Service) -> Flow:
    flow = create_flow(by=ADA, name="Greeting", description="", content=greeting())
    Deployment.objects.create(
        flow=flow, core_id="core_1", flow_version="1.0.0", status="deployed", deployed_by="usr_ada"
    )
    ManyEvents(1_000, now=timezone.now()).serve(scaigrid)
    return flow


def test_every_page_of_runs_asks_scaicore_once_and_the_database_little(
    ada_at: Visitor, flow: Flow, scaigrid: Service
) -> None:
    for end, limit in (("/runs", 500), ("/runs?cursor=500", 500), ("/runs?state=failed", 500), ("/runs/short", 100)):
        before = len(scaigrid.calls("GET", EVENTS))
        with CaptureQueriesContext(connection) as asked:
            assert ada_at.get(road(flow, end)).status_code == 200
        (call,) = scaigrid.calls("GET", EVENTS)[before:]
        assert parse_qs(call.query)["limit"] == [str(limit)]
        assert len(asked) <= 15, end


def test_what_is_left_out_is_told_on_the_page_and_in_the_charts(ada_at: Visitor, flow: Flow) -> None:
    page = ada_at.read(road(flow, "/runs"))
    assert "50 runs in the newest 500 events" in page
    assert "older ones are left out here and in the charts" in page
    assert "at least 50 in 24 h" in page
    assert "in the newest 100 events" in ada_at.read(road(flow, "/runs/short"))


def test_few_events_are_all_there_is_and_the_page_says_that(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    ManyEvents(3, now=timezone.now()).serve(scaigrid)
    page = ada_at.read(road(flow, "/runs"))
    assert "3 runs in all 30 events that ScaiCore has" in page
    assert "3 in 24 h" in page
    assert "Older events" not in page


def walk(visitor: Visitor, start: str, look: Callable[[str], None]) -> int:
    """Through all pages of older events, and on each through its runs; the number of pages of events."""
    page, pages = visitor.read(start), 1
    while True:
        part = page
        look(part)
        while ">More</a>" in part:
            part = visitor.read(start.partition("?")[0] + following(part, "More"))
            look(part)
        if ">Older events</a>" not in page:
            return pages
        page, pages = visitor.read(start.partition("?")[0] + following(page, "Older events")), pages + 1


def test_all_thousand_runs_can_be_reached_each_once_and_from_one_page_to_the_next(ada_at: Visitor, flow: Flow) -> None:
    found: list[str] = []
    pages = walk(ada_at, road(flow, "/runs"), lambda page: found.extend(RUN.findall(page)))
    assert pages == 20
    assert found == [f"{run:04}" for run in range(1_000, 0, -1)]


def test_the_filters_hold_on_the_way_back_in_time(ada_at: Visitor, flow: Flow) -> None:
    page = ada_at.read(road(flow, "/runs?state=failed&first=failures"))
    older = following(page, "Older events")
    assert "state=failed" in older
    assert "first=failures" in older
    assert RUN.findall(ada_at.read(road(flow, "/runs") + older)) == ["0950", "0940", "0930", "0920", "0910"]


def test_a_run_that_is_cut_in_two_is_neither_running_nor_whole(ada_at: Visitor, flow: Flow) -> None:
    """Of the run 0950 the page of older events has the first five events, the page of the newest the last five."""
    newer = ada_at.get(road(flow, "/runs?cursor=5&from=50"), headers=PARTIAL).content.decode()
    older = ada_at.get(road(flow, "/runs?cursor=505"), headers=PARTIAL).content.decode()
    last, first = newer.rpartition('data-run="exec_0950"')[2], older.partition('data-run="exec_0950"')[2]
    assert "its beginning is not among these events" in last
    assert "It goes on in newer events" in first.partition("</section>")[0]
    assert "running</span>" not in first.partition("</section>")[0]


def test_the_past_is_not_live_and_has_no_chart_of_today(ada_at: Visitor, flow: Flow) -> None:
    page = ada_at.read(road(flow, "/runs?cursor=500"))
    assert "data-live" not in page
    assert "other events, not live" in page
    assert "Back to the newest" in page
    assert "Runs per hour" not in page


def test_a_scaicore_that_tells_the_oldest_first_is_understood(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    ManyEvents(100, now=timezone.now(), oldest_first=True).serve(scaigrid)
    page = ada_at.read(road(flow, "/runs"))
    assert "50 runs in the first 500 events" in page
    assert "newer ones are left out here and in the charts" in page
    newer = ada_at.read(road(flow, "/runs") + following(page, "Newer events"))
    assert RUN.findall(newer)[0] == "0100"


def test_a_run_that_is_not_on_the_page_is_not_taken_for_another(ada_at: Visitor, flow: Flow) -> None:
    page = ada_at.read(road(flow, "/runs?run=exec_0001"))
    assert "<code>exec_0001</code> is not among these events. It may be among older ones." in page
    assert "data-chosen" in ada_at.read(road(flow, "/runs?run=exec_0920&cursor=500"))


def test_a_cursor_that_is_none_is_refused_in_words(ada_at: Visitor, flow: Flow) -> None:
    assert ada_at.get(road(flow, "/runs?cursor=" + "x" * 2001)).status_code == 422
