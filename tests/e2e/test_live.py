"""The live page of runs in a real browser, whose connection breaks while a Core runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from scaiflow.console.visitor import Visitor
from tests.e2e.chromium import Person
from tests.e2e.story import Stage, begin, set_up
from tests.e2e.wire import Wire, wired

pytestmark = [pytest.mark.process, pytest.mark.slow]
# What the page's own event source heard, with the ids that the server gave. (The page itself shows only what came of it.)
LISTEN = """
  window.heard = [];
  const Real = window.EventSource;
  window.EventSource = class extends Real {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", (event) => window.heard.push([event.lastEventId, event.data]));
      this.addEventListener("gap", () => window.heard.push(["gap", "null"]));
    }
  };
"""
LAST_ID = re.compile(rb"GET [^\r]*/runs/stream[^\r]*\r\n(?:[^\r]+\r\n)*?Last-Event-ID: ([^\r]+)\r\n", re.IGNORECASE)


@dataclass
class House:
    stage: Stage
    wire: Wire
    ada: Visitor  # beside the browser, on a wire of her own that is never cut

    def events(self, core_id: str) -> list[dict[str, Any]]:
        told = self.ada.send("GET", f"/api/v1/scaicore/events?core_id={core_id}&limit=500").body["data"]["events"]
        return list(reversed(told))

    def invoke(self, core_id: str) -> str:
        body = {"input": {"message": "I was charged twice for my order, I want my money back!"}}
        return str(self.ada.send("POST", f"/api/v1/scaicore/cores/{core_id}/invoke", body).body["data"]["execution_id"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with set_up(tmp_path_factory.mktemp("live")) as stage, wired(int(urlsplit(stage.address).port or 0)) as wire:
        ada = Visitor(stage.address)
        ada.sign_in("usr_ada")
        yield House(Stage(stage.browser, f"http://127.0.0.1:{wire.port}"), wire, ada)


def heard(person: Person) -> list[tuple[str, dict[str, Any]]]:
    return [(one, json.loads(data)) for one, data in person.page.evaluate("window.heard")]


def waits_to_hear(person: Person, number: int) -> None:
    person.page.wait_for_function("number => window.heard.length >= number", arg=number)


def test_a_stream_that_is_cut_goes_on_where_it_was_and_tells_every_event_once(house: House) -> None:
    person = house.stage.person("usr_ada")
    flow = begin(person, "Watched over a bad line")
    deployed = house.ada.send("POST", f"/api/v1{flow}/deploy", {})
    core_id = deployed.body["core_id"]
    person.context.add_init_script(LISTEN)
    page = person.open(f"{flow}/runs?state=completed")
    expect(page.locator("#live")).to_have_text("live")

    first = house.invoke(core_id)
    waits_to_hear(person, len(house.events(core_id)))
    expect(page.locator(f'[data-run="{first}"]')).to_contain_text("completed")
    before = house.events(core_id)

    house.wire.cut()
    expect(page.locator("#live")).to_have_text("connecting again …")
    missed = [house.invoke(core_id) for _ in range(3)]  # while nobody listens
    house.wire.mend()
    expect(page.locator("#live")).to_have_text("live")
    waits_to_hear(person, len(house.events(core_id)))
    last = house.invoke(core_id)  # and once more, to hear what comes behind it

    told = house.events(core_id)
    waits_to_hear(person, len(told))
    assert [body for _, body in heard(person)] == told
    ids = [one for one, _ in heard(person)]
    assert len(set(ids)) == len(ids)
    assert [found.decode() for sent in house.wire.sent for found in LAST_ID.findall(sent)][-1] == ids[len(before) - 1]
    for run_id in (first, *missed, last):
        expect(page.locator(f'[data-run="{run_id}"]')).to_have_count(1)
    assert urlsplit(page.url).query == "state=completed"
    assert page.get_by_label("State").input_value() == "completed"
    person.leave()
