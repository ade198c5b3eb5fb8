"""The console in a real browser, against real processes: the whole story, by each role, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, Route, expect

from tests.e2e.chromium import DESKTOP, PHONE, WIDE, Person
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
    assert set(complaints) == {vera.is_refused(flow)}  # before it was shared, and after
    for person in (ada, tara, vera):
        person.leave()


def look_around(person: Person, lived_in: dict[str, str]) -> list[str]:
    """What is wrong on the pages, all of them: statuses, barriers, what runs over the edge, and what the browser says."""
    wrong = []
    for path in PAGES:
        answer = person.page.goto(person.address + path.format(**lived_in))
        if answer is None or answer.status != 200:
            wrong.append(f"{path}: {answer and answer.status}")
        person.settle()
        wrong += person.barriers() + person.overflow()
        if (own := person.page.viewport_size) == DESKTOP:
            person.page.set_viewport_size(WIDE)
            wrong += person.overflow()
            person.page.set_viewport_size(own)
    return wrong + person.complaints


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_no_page_has_a_barrier_or_a_complaint_or_runs_over_an_edge(
    stage: Stage, lived_in: dict[str, str], size: str, scheme: Any
) -> None:
    sam = stage.person("usr_sam", size, color_scheme=scheme)
    assert look_around(sam, lived_in) == []
    sam.leave()


def test_the_page_to_sign_in_has_no_barrier(stage: Stage) -> None:
    stranger = Person(stage.browser, stage.address, viewport=PHONE)
    stranger.open("/flows")
    stranger.sees("After that you go on to")
    assert stranger.barriers() + stranger.complaints == []
    stranger.leave()


HEADINGS = {404: "There is no such page", 500: "Something went wrong on our side"}
SEND_AN_OLD_FORM = "document.forms[0].elements.csrfmiddlewaretoken.value = 'x'; document.forms[0].submit()"


def answered(body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type="text/html")


def test_what_answers_a_form_or_refuses_a_page_has_no_barrier(stage: Stage, lived_in: dict[str, str]) -> None:
    sam = stage.person("usr_sam")
    page = sam.open(f"{lived_in['flow']}/compiled?format=document")
    document = page.locator("#made").inner_text()
    page = sam.open("/flows/try")
    page.get_by_label("Document", exact=True).fill(document)
    page.get_by_label("Compile it to").select_option("yaml")
    page.locator("form:has(#format) button").last.click()
    sam.sees("valid")
    wrong = sam.barriers() + sam.overflow()
    sam.open(lived_in["flow"])
    sam.settle()
    wrong += sam.barriers()
    assert sam.complaints == []
    sam.follow("Edit")
    page.get_by_label("Document", exact=True).fill("{no")
    sam.press("Save a new version")
    sam.sees("this is not JSON")
    wrong += sam.barriers() + sam.overflow()
    sam.open("/flows/flow_none")
    wrong += sam.barriers() + sam.overflow()
    sam.open("/health").evaluate(SEND_AN_OLD_FORM)
    sam.sees("This form is out of date")
    wrong += sam.barriers()
    for status in (404, 500):  # a server that is debugged shows Django's own instead
        page.route(f"**/{status}", answered(render_to_string(f"{status}.html")))
        sam.open(f"/{status}")
        page.get_by_role("heading", name=HEADINGS[status]).wait_for()
        wrong += sam.barriers() + sam.overflow()
    assert wrong == []
    expected = {"/edit": "422 (Unknown Status)", "/flows/flow_none": "404 (Not Found)", "/logout": "403 (Forbidden)"}
    roads = {road.replace("/edit", f"{lived_in['flow']}/edit"): status for road, status in expected.items()}
    assert set(sam.complaints) == {sam.is_refused(road, status) for road, status in roads.items()}
    sam.leave()


def view_of(page: Page) -> list[float]:
    return [float(part) for part in str(page.locator("svg.graph").get_attribute("viewBox")).split()]


IS_ANOTHER = """(before) => document.querySelector("svg.graph").getAttribute("viewBox").split(" ")
  .some((part, at) => Math.abs(part - before[at]) > 0.01)"""
DRAWN = "(graph) => { const box = graph.getBBox(); return [box.x, box.y, box.x + box.width, box.y + box.height]; }"


def changed(page: Page, before: list[float]) -> list[float]:
    """The view once it is another one."""
    page.wait_for_function(IS_ANOTHER, arg=before)
    return view_of(page)


def test_a_drawing_is_zoomed_and_moved(stage: Stage, lived_in: dict[str, str]) -> None:
    ada = stage.person("usr_ada")
    page = ada.open(lived_in["flow"])
    page.locator("[data-canvas].live").wait_for()
    area, first = page.locator("[data-canvas]").bounding_box(), view_of(page)
    assert area
    page.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] / 2)
    page.mouse.wheel(0, -100)
    closer = changed(page, first)
    assert closer[2] == pytest.approx(first[2] / 1.12, rel=0.01)
    assert closer[0] + closer[2] / 4 == pytest.approx(first[0] + first[2] / 4, abs=closer[2] * 0.01)  # under the mouse
    assert page.evaluate("window.scrollY") == 0
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 4 + 60, area["y"] + area["height"] / 2 - 20, steps=4)
    page.mouse.up()
    moved = changed(page, closer)
    scale = closer[2] / area["width"]
    assert moved == pytest.approx([closer[0] - 60 * scale, closer[1] + 20 * scale, *closer[2:]], abs=6 * scale)
    for button, factor in (("Zoom in", 1 / 1.3), ("Zoom out", 1.3), ("Zoom out", 1.3)):
        before = view_of(page)
        ada.press(button)
        assert changed(page, before)[2] == pytest.approx(before[2] * factor, rel=0.01)
    ada.press("Fit the whole drawing")
    x, y, width, height = view_of(page)
    box = page.locator("svg.graph").evaluate(DRAWN)
    assert x <= box[0]
    assert y <= box[1]
    assert x + width >= box[2]
    assert y + height >= box[3]
    assert ada.complaints == []
    ada.leave()


def test_a_call_is_copied_by_a_click(stage: Stage) -> None:
    ada = stage.person("usr_ada", permissions=["clipboard-read", "clipboard-write"])
    page = ada.open("/settings/api")
    call = page.locator("details.fold", has_text="Deploy").first
    call.locator("summary").click()
    call.get_by_role("button", name="Copy", exact=True).click()
    call.get_by_role("button", name="Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == call.locator("pre").text_content()
    assert copied.startswith("curl ")
    assert ada.complaints == []
    ada.leave()


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
    assert sam.barriers() == []
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
