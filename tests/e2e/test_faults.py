"""Whoever works on a deploy is killed in the middle of each step; the retry makes one Core and one record of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.drawings import edge, greeting, node
from tests.e2e.faults import HELD, Broker, Eavesdropper, Installation, Pipe, StatefulGrid
from tests.loopback import Told, serving
from tests.scaikey import ScaiKey
from tests.servers import running_postgres, running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
PLACES = [*HELD, "at-reading", "at-compile"]
LONG = 4_990  # steps: takes a third of a second to compile, and longer on a machine that is busy


@pytest.fixture(params=["embedded", "redis and postgres"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        key = stack.enter_context(serving(ScaiKey()))
        key.on("POST", "/token", Told(200, {"access_token": "a service's", "expires_in": 600}))
        grid = stack.enter_context(serving(StatefulGrid()))
        addresses = {}
        if request.param != "embedded":
            addresses["SCAIFLOW_REDIS_URL"] = stack.enter_context(running_redis())
            addresses["SCAIFLOW_DB_URL"] = stack.enter_context(running_postgres())
        made = Installation(tmp_path, key, grid, **addresses)
        stack.enter_context(made.group)
        made.start()
        yield made


def drawing(place: str) -> dict[str, Any]:
    config: dict[str, Any] = {"publish_as_model": place.startswith("publish")}
    if place.startswith("provision"):
        config["scaiqueue"] = {"scope": place, "queues": []}
    if place != "at-compile":
        return greeting(config=config, name=place)
    steps = [node(f"step_{n}", "llm_rigid", template="Hello {{name}}") for n in range(LONG)]
    road = [edge(f"step_{n}", f"step_{n + 1}") for n in range(LONG - 1)]
    first = edge("start", "step_0", port="out_request")
    return {"name": place, "nodes": [node("start", "entry_api"), *steps], "edges": [first, *road]}


def until(is_so: Callable[[], object], what: str, *, seconds: float = 120) -> float:
    """The seconds that it took to become so."""
    started, pause = time.monotonic(), threading.Event()
    while not is_so():
        assert time.monotonic() < started + seconds, f"still not so after {seconds} s: {what}"
        pause.wait(0.002)
    return time.monotonic() - started


class Deploys:
    """One flow for each place, and what became of its deploys."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.visitor = installation, installation.visitor()
        self.flows = {place: self._make(place) for place in PLACES}
        self.send("unpublish-after", publish_as_model=True)
        self.pipe = Pipe(installation.object_of(self.flows["at-reading"]))

    def _make(self, place: str) -> str:
        body = {"name": place, "content": drawing(place)}
        return self.visitor.send("POST", "/api/v1/flows", body).body["id"]

    def send(self, place: str, *, held: bool = False, **body: Any) -> dict[str, Any]:
        headers = {"X-Request-ID": place} if held else {}
        return self.installation.visitor().send("POST", f"/api/v1/flows/{self.flows[place]}/deploy", body, headers).body

    def get(self, place: str, what: str) -> Any:
        return self.visitor.send("GET", f"/api/v1/flows/{self.flows[place]}/{what}").body

    def steps(self, place: str) -> dict[str, str]:
        """The progress of its newest job, read past the server."""
        query = "SELECT progress FROM flows_job WHERE flow_id = '{}' ORDER BY created_at DESC LIMIT 1"
        with closing(self.installation.connect()) as database:
            row = database.execute(query.format(self.flows[place])).fetchone()
        found = row[0] if row else []
        return {entry["step"]: entry["state"] for entry in (json.loads(found) if isinstance(found, str) else found)}

    def running(self) -> list[str]:
        """The jobs that somebody works on, as far as the database knows, read past the server."""
        with closing(self.installation.connect()) as database:
            rows = database.execute("SELECT id FROM flows_job WHERE state = 'running' ORDER BY id").fetchall()
        assert len(rows) == len(PLACES)
        return sorted(row[0] for row in rows)

    def states(self) -> set[str]:
        return {self.get(place, "jobs")["items"][0]["state"] for place in PLACES}


def hold_all(deploys: Deploys, pool: ThreadPoolExecutor) -> list[Future[dict[str, Any]]]:
    """Every deploy is where it is meant to be killed; the one that compiles does so at this moment."""
    grid = deploys.installation.grid
    sent = [pool.submit(deploys.send, place, held=True) for place in PLACES if place != "at-compile"]
    for place in HELD:
        assert grid.come[place].wait(120), f"nobody came to {place}"
    until(deploys.pipe.has_a_reader, "somebody reads the content")
    deploys.installation.let_others_go_first()
    sent.append(pool.submit(deploys.send, "at-compile", held=True))
    until(lambda: deploys.steps("at-compile").get("compile") == "running", "the compiler runs")
    return sent


def test_a_deploy_that_was_killed_at_any_step_is_made_good_by_its_retry(installation: Installation) -> None:
    deploys, grid = Deploys(installation), installation.grid
    ears = Eavesdropper(installation.redis_url) if installation.redis_url else None
    if ears:
        ears.thread.start()
        until(lambda: b"cmd=monitor" in ears.client.execute_command("CLIENT", "LIST", NEVER_DECODE=True), "it listens")
    with ThreadPoolExecutor(len(PLACES)) as pool:
        first = hold_all(deploys, pool)
        lock = installation.locked()
        assert deploys.steps("at-compile") == {"read": "done", "credential": "done", "compile": "running"}
        grid.go["at-the-record"].set()  # its Core is made, and what it did cannot be written down
        installation.kill_who_works()
        if ears:  # the dead worker had said of none of its tasks that it was done with it
            assert Broker(ears.url).taken() == deploys.running()
        lock.close()
        for event in grid.go.values():
            event.set()
        deploys.pipe.put_back()
        installation.start_again()
        until(lambda: deploys.states() == {"failed"}, "no job runs any more", seconds=60)  # as is promised
        for lost in first:
            lost.exception(60)  # with the web process its answer died too; with a worker the job's end is told
        told = dict(zip(PLACES, pool.map(deploys.send, PLACES), strict=True))
    for place in PLACES:
        check_one(deploys, place, told[place])
    assert sorted(grid.cores) == sorted(PLACES)
    assert grid.published == {grid.cores[place] for place in PLACES if place.startswith("publish")}
    check_secrets(installation, ears)


def check_one(deploys: Deploys, place: str, answer: dict[str, Any]) -> None:
    core_id = deploys.installation.grid.cores[place]
    assert answer.get("core_id") == core_id, (place, answer)
    assert answer["published_slug"] == (f"scaicore/{core_id}" if place.startswith("publish") else None)
    records = deploys.get(place, "deployments")
    assert [record["core_id"] for record in records] == [core_id] * (2 if place == "unpublish-after" else 1)
    assert (records[0]["status"], records[0]["published_slug"]) == ("deployed", answer["published_slug"])
    retried, lost = deploys.get(place, "jobs")["items"][:2]
    assert (retried["state"], lost["state"]) == ("succeeded", "failed")
    assert lost["error"]["detail"]["error"] == "worker_lost"


def check_secrets(installation: Installation, ears: Eavesdropper | None) -> None:
    """The tokens that were sent are nowhere: not in the rows, not in what went through the broker or rests there."""
    tokens = {asked.headers["Authorization"].removeprefix("Bearer ") for asked in installation.grid.asked}
    tokens = {token for token in tokens if token.startswith("ey")}
    with closing(installation.connect()) as database:
        rows = database.execute("SELECT * FROM flows_job").fetchall()
        assert database.execute("SELECT count(*) FROM flows_job WHERE sealed_token IS NOT NULL").fetchone()[0] == 0
    seen = [repr(rows), *(ears.heard if ears else []), *(map(repr, ears.all_keys()) if ears else [])]
    assert tokens
    assert [token for token in tokens for text in seen if token in text] == []
    if ears:
        assert any("flows.deploy" in said for said in ears.heard)
        assert any("job_" in said for said in ears.heard)
