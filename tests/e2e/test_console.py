"""The console in a real browser, against real processes: the whole story, by each role, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.chromium import PHONE, Person
from tests.e2e.pages import PAGES, TABS
from tests.e2e.story import (
    SIZES,
    Stage,
    ask_and_decide,
    begin,
    change_it,
    deploy_and_test,
    install,
    live_in,
    publish,
    set_up,
    share_and_take_back,
)

pytestmark = [pytest.mark.process, pytest.mark.slow]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with set_up(tmp_path_factory.mktemp("console")) as ready:
        yield ready


@pytest.fixture(scope="module")
def lived_in(stage: Stage) -> dict[str, str]:
    return live_in(stage)


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_story_from_an_example_to_access_taken_back(stage: Stage, size: str) -> None:
    ada = stage.person("usr_ada", size)
    flow = begin(ada, f"Support on the {size}")
    change_it(ada, flow)
    deploy_and_test(ada, flow)
    ask_and_decide(ada, flow)
    publish(ada, flow, package=f"support-{size}")
    tara = stage.person("usr_tara", size)
    install(tara, package=f"support-{size}", name=f"Support on the {size}")
    vera = stage.person("usr_vera", size)
    share_and_take_back(ada, vera, flow, name=f"Support on the {size}")
    complaints = [*ada.complaints, *tara.complaints, *vera.complaints]
    assert [one for one in complaints if "404" not in one] == []
    for person in (ada, tara, vera):
        person.leave()


def look_around(person: Person, lived_in: dict[str, str]) -> list[str]:
    """What is wrong on the pages, all of them: statuses, barriers, and what the browser complains of."""
    wrong = []
    for path in PAGES:
        answer = person.page.goto(person.address + path.format(**lived_in))
        if answer is None or answer.status != 200:
            wrong.append(f"{path}: {answer and answer.status}")
        person.settle()
        wrong += person.barriers()
    return wrong + person.complaints


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_no_page_has_a_barrier_or_a_complaint(stage: Stage, lived_in: dict[str, str], size: str, scheme: Any) -> None:
    sam = stage.person("usr_sam", size, color_scheme=scheme)
    assert look_around(sam, lived_in) == []
    sam.leave()


def test_the_page_to_sign_in_has_no_barrier(stage: Stage) -> None:
    stranger = Person(stage.browser, stage.address, viewport=PHONE)
    stranger.open("/flows")
    stranger.sees("After that you go on to")
    assert stranger.barriers() + stranger.complaints == []
    stranger.leave()


def test_nothing_runs_over_the_edge_of_a_phone(stage: Stage, lived_in: dict[str, str]) -> None:
    sam = stage.person("usr_sam", "phone")
    for path in PAGES:
        page = sam.open(path.format(**lived_in))
        sam.settle()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    sam.leave()


def test_pages_can_be_read_and_forms_work_without_javascript(stage: Stage, lived_in: dict[str, str]) -> None:
    ada = stage.person("usr_ada", java_script_enabled=False)
    for path in PAGES:
        if not path.startswith("/settings") or path in {"/settings", "/settings/api"}:
            page = ada.open(path.format(**lived_in))
            assert page.locator("h1").count() == 1, path
    page = ada.open(lived_in["flow"])
    page.locator("svg.graph a").nth(2).click()
    expect(page.locator("#inspector")).to_contain_text("Search the knowledge base")
    ada.open(f"{lived_in['flow']}/versions")
    page.locator("summary", has_text="Restore").first.click()
    ada.press("Restore it")
    ada.sees("is the newest again")
    ada.leave()


def test_the_keyboard_reaches_the_nodes_of_a_drawing(stage: Stage, lived_in: dict[str, str]) -> None:
    ada = stage.person("usr_ada")
    page = ada.open(lived_in["flow"])
    page.locator("svg.graph a").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#inspector")).to_contain_text("node_classify")
    expect(page.locator("svg.graph a[aria-current]")).to_have_count(1)
    ada.leave()


def test_a_sync_says_that_it_works_and_then_what_it_did(stage: Stage) -> None:
    sam = stage.person("usr_sam")
    page = sam.open("/settings/sync")
    working = page.get_by_text("Reading people and groups from ScaiKey")
    expect(working).to_be_hidden()
    seen = []

    def look(route: Route) -> None:
        """While the answer is awaited."""
        seen.append(working.is_visible())
        route.continue_()

    page.route("**/settings/sync", look)
    sam.press("Sync now")
    sam.sees("Result")
    expect(working).to_be_hidden()
    assert seen == [True]
    assert sam.complaints == []
    sam.leave()


def test_a_viewer_is_offered_nothing_that_they_may_not_do(stage: Stage, lived_in: dict[str, str]) -> None:
    ada = stage.person("usr_ada")
    page = ada.open(f"{lived_in['flow']}/access")
    if page.get_by_label("To", exact=True).locator('option[value="user:usr_vera"]').count():
        page.get_by_label("To", exact=True).select_option("user:usr_vera")
        page.get_by_label("admin and give access").check()
        ada.press("Give access")
        ada.sees("Access given: admin")
    vera = stage.person("usr_vera")
    for path in ("/flows", "/catalog", "/catalog/lived-in", "/settings", *(lived_in["flow"] + end for end in TABS)):
        page = vera.open(path)
        vera.settle()
        assert page.locator("main form[method=post]").count() == 0, path
    assert vera.complaints == []
    for person in (ada, vera):
        person.leave()


def test_times_are_those_of_the_reader_where_they_are_read_and_where_they_are_typed(
    stage: Stage, lived_in: dict[str, str]
) -> None:
    """Kolkata is five and a half hours ahead of what the server keeps."""
    sam = stage.person("usr_sam", timezone_id="Asia/Kolkata", locale="en-GB")
    page = sam.open("/settings/audit")
    moment = page.locator("tbody time").first
    told = datetime.fromisoformat(str(moment.get_attribute("datetime"))) + timedelta(hours=5, minutes=30)
    assert f"{told:%H:%M:%S}" in moment.inner_text()
    page.get_by_label("Since", exact=True).fill("2026-01-02T05:30:00")
    sam.press("Filter")
    page.wait_for_url("**since=2026-01-02T00%3A00%3A00.000Z**")
    assert page.get_by_label("Since", exact=True).input_value().startswith("2026-01-02T05:30")
    assert sam.complaints == []
    sam.leave()
