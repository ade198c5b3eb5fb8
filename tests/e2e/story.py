"""The console lived in: a stage of real processes, and the steps of the story that people live there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, throwaway_environment
from tests.e2e.chromium import DESKTOP, PHONE, Person, chromium
from tests.migrated import migrate

SIZES = {"desk": DESKTOP, "phone": PHONE}
UNCLEAR = {"message": "Do you repair antique gramophones on the moon?"}


@dataclass
class Stage:
    browser: Browser
    address: str

    def person(self, user_id: str, size: str = "desk", **options: Any) -> Person:
        return Person(self.browser, self.address, viewport=SIZES[size], **options).sign_in(user_id)


@contextmanager
def set_up(folder: Path) -> Iterator[Stage]:
    """A sandbox, a server with the demo tenant in it, and a browser."""
    ports = Ports(web=free_port(), sandbox=free_port())
    env = throwaway_environment(clean_environment(), ports, folder)
    with chromium() as browser, Processes(logs=folder) as group:
        start_sandbox(group, env, ports)
        migrate(group, env)
        group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports)
        yield Stage(browser, f"http://127.0.0.1:{ports.web}")


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
    ada.sees("It ran")
    expect(page.locator(".run[data-chosen]")).to_contain_text("waiting")
    expect(page.locator("svg.graph .family-human.mark-waiting")).to_have_count(1)
    ada.open("/checkpoints")
    page.locator("td a.name").first.click()
    ada.sees("What led here")
    page.get_by_label("Comment").fill("Tell them no")
    ada.press("Approve")
    ada.sees("it cannot be taken back")
    ada.press("Decide: approve")
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
    vera.settle()
    ada.open(flow)
    expect(page.locator("section[aria-labelledby=here]")).to_contain_text("Vera Viewer")
    ada.open(f"{flow}/access")
    ada.press("Revoke")
    ada.press("Revoke the access")
    ada.sees("Access taken back")
    vera.open(flow)
    vera.sees("It is not there, or it is not shared with you")
    assert vera.open("/flows").get_by_role("link", name=name, exact=True).count() == 0


def live_in(stage: Stage) -> dict[str, str]:
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
    ada.sees("It ran")
    expect(page.locator(".run[data-chosen]")).to_contain_text("waiting")
    ada.open("/checkpoints")
    checkpoint = str(page.locator("td a.name").first.get_attribute("href"))
    ada.open(f"{flow}/deploy")
    job = str(page.locator('a[href^="/jobs/"]').first.get_attribute("href"))
    ada.open(f"{flow}/tests")
    test_run = str(page.locator('a[href*="/tests/run_"]').first.get_attribute("href"))
    ada.leave()
    return {
        "test_run": test_run,
        "flow": flow,
        "flow_id": flow.rpartition("/")[2],
        "checkpoint": checkpoint,
        "job": job,
    }
