"""The console in a real browser, against real processes: the whole story, by each role, on a phone and on a desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, throwaway_environment
from tests.e2e.chromium import DESKTOP, PHONE, Person, chromium
from tests.e2e.pages import PAGES, TABS

pytestmark = [pytest.mark.process, pytest.mark.slow]
SIZES = {"desk": DESKTOP, "phone": PHONE}
UNCLEAR = {"message": "Do you repair antique gramophones on the moon?"}


@dataclass
class Stage:
    browser: Browser
    address: str

    def person(self, user_id: str, size: str = "desk", **options: Any) -> Person:
        return Person(self.browser, self.address, viewport=SIZES[size], **options).sign_in(user_id)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("console")
    ports = Ports(web=free_port(), sandbox=free_port())
    env = throwaway_environment(clean_environment(), ports, folder)
    with chromium() as browser, Processes(logs=folder) as group:
        start_sandbox(group, env, ports)
        group.run("migrate", [*MANAGE, "migrate", "--noinput"], env)
        group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports)
        yield Stage(browser, f"http://127.0.0.1:{ports.web}")


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


def begin(ada: Person, name: str) -> str:
    """A flow out of the example; its road."""
    ada.follow("New flow")
    page = ada.press("Use Customer Support")
    ada.sees("Its first version is 1.0.0")
    flow = page.url.removeprefix(ada.address).partition("?")[0]
    page.locator("svg.graph a").nth(1).click()
    expect(page.locator("#inspector")).to_contain_text("Classify")
    ada.open(f"{flow}/edit")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Tags").fill("Support, Demo")
    ada.press("Save a new version")
    ada.sees("The newest version is 1.0.0")  # a name is no content
    return flow


def change_it(ada: Person, flow: str) -> None:
    page = ada.open(f"{flow}/edit")
    document = page.get_by_label("Document", exact=True)
    content = json.loads(document.input_value())
    content["nodes"][1]["label"] = "Sort the message"
    document.fill(json.dumps(content | {"nodes": content["nodes"][:1]}))
    ada.press("Check without saving")
    ada.sees("has errors")
    document.fill(json.dumps(content))
    ada.press("Check without saving")
    expect(page.locator("#checked")).to_contain_text("valid")
    ada.press("Save a new version")
    ada.sees("The newest version is 1.0.1")
    ada.open(f"{flow}/versions")
    ada.press("Show the difference")
    ada.sees("1 node changed")
    expect(page.locator("svg.graph .mark-changed")).to_have_count(1)


def deploy_and_test(ada: Person, flow: str) -> None:
    page = ada.open(f"{flow}/deploy")
    ada.sees("a new one is made")
    page.get_by_label("Yes", exact=True).check()
    ada.press("Deploy version 1.0.1")
    expect(page.locator("#progress")).to_contain_text("succeeded")
    ada.follow("Run the tests")
    ada.press("Run the tests")
    ada.sees("6 passed, 0 failed")


def ask_and_decide(ada: Person, flow: str) -> None:
    """A run that is not sure asks a person, live on the page of runs; the decision lets it end."""
    page = ada.open(f"{flow}/runs")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_label("Input", exact=True).fill(json.dumps(UNCLEAR))
    ada.press("Invoke")
    expect(page.locator(".run[data-chosen]")).to_contain_text("waiting")
    expect(page.locator("svg.graph .mark-waiting")).to_have_count(1)
    ada.open("/checkpoints")
    page.locator("td a.name").first.click()
    ada.sees("What led here")
    page.get_by_label("Comment").fill("Tell them no")
    ada.press("Approve")
    ada.sees("Decided: approve")
    ada.open("/checkpoints?status=resolved")
    ada.sees("by Ada Author")
    ada.open(f"{flow}/runs")
    expect(page.locator(".run[data-chosen]")).to_contain_text("completed")


def publish(ada: Person, flow: str, *, package: str) -> None:
    page = ada.open(flow)
    ada.follow("Publish")
    page.get_by_label("Id", exact=True).fill(package)
    page.get_by_label("Readme").fill("# How to use it\n\nAsk <script>alert(1)</script> *nicely*.")
    ada.press("Publish")
    ada.sees("is in the catalog")
    expect(page.locator(".readme em")).to_have_text("nicely")
    expect(page.locator(".readme script")).to_have_count(0)


def install(tara: Person, *, package: str, name: str) -> None:
    tara.follow("Catalog")
    tara.open(f"/catalog/{package}")
    tara.press("Install as a flow of mine")
    tara.sees("This copy is yours")
    expect(tara.page.locator("h1")).to_have_text(name)


def share_and_take_back(ada: Person, vera: Person, flow: str, *, name: str) -> None:
    vera.open(flow)
    vera.sees("It is not there, or it is not shared with you")
    page = ada.open(f"{flow}/access")
    page.get_by_label("To", exact=True).select_option("user:usr_vera")
    ada.press("Give access")
    ada.sees("Access given: view")
    vera.open("/flows")
    vera.follow(name)
    expect(vera.page.locator("h1")).to_have_text(name)
    assert vera.page.get_by_role("link", name="Edit", exact=True).count() == 0
    ada.press("Revoke")
    ada.press("Revoke the access")
    ada.sees("Access taken back")
    vera.open(flow)
    vera.sees("It is not there, or it is not shared with you")
    assert vera.open("/flows").get_by_role("link", name=name, exact=True).count() == 0


@pytest.fixture(scope="module")
def lived_in(stage: Stage) -> dict[str, str]:
    """A console with something on every page: a deployed and tested flow with versions, a run that waits, a package, a job
    that failed. The ids that pages need."""
    ada = stage.person("usr_ada")
    flow = begin(ada, "Lived in")
    change_it(ada, flow)
    deploy_and_test(ada, flow)
    publish(ada, flow, package="lived-in")
    page = ada.open(f"{flow}/runs")
    page.get_by_label("Input", exact=True).fill(json.dumps(UNCLEAR))
    ada.press("Invoke")
    expect(page.locator(".run[data-chosen]")).to_contain_text("waiting")
    ada.open("/checkpoints")
    checkpoint = str(page.locator("td a.name").first.get_attribute("href"))
    ada.open(f"{flow}/deploy")
    job = str(page.locator('a[href^="/jobs/"]').first.get_attribute("href"))
    ada.leave()
    return {"flow": flow, "flow_id": flow.rpartition("/")[2], "checkpoint": checkpoint, "job": job}


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
