"""Whoever works on a deploy is killed in the middle of each step; the retry makes one Core and one record of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_web, start_worker, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told, serving
from tests.scaikey import ScaiKey
from tests.servers import running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
CORES, QUEUES = "/v1/modules/scaicore/cores", "/v1/modules/scaiqueue/scopes"
# Where the road is held until the worker is dead: which call, and whether ScaiGrid has done what was asked by then.
PLACES = {
    "provision-before": ("scopes", False),
    "core-before": ("create", False),
    "core-after": ("create", True),
    "publish-before": ("publish", False),
    "publish-after": ("publish", True),
}


class StatefulGrid(Service):
    """A ScaiGrid with Cores by slug that never makes two of one slug, and that can hold a caller at one place."""

    def __init__(self) -> None:
        super().__init__()
        self.cores: dict[str, str] = {}
        self.published: set[str] = set()
        self.held: dict[str, threading.Event] = {}
        self.is_holding = True
        self.killed = threading.Event()

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        if asked.path == QUEUES:
            return self._held_at("scopes", "provision-before", lambda: Told(200, {"data": [{"id": "sc", "slug": "s"}]}))
        if asked.path == CORES and asked.method == "GET":
            return Told(200, {"data": [{"id": core, "slug": slug} for slug, core in self.cores.items()]})
        if asked.path == CORES:
            return self._create(yaml.safe_load(asked.body)["core"]["name"])
        if asked.path.endswith("/publish"):
            core = asked.path.split("/")[-2]
            slug = next(slug for slug, each in self.cores.items() if each == core)
            return self._held_at("publish", slug, lambda: self._publish(core, slug))
        return Told(200, {"data": {"id": asked.path.split("/")[-1], "metadata": {"published_slug": "scaicore/x"}}})

    def _create(self, slug: str) -> Told:
        def make() -> Told:
            if slug in self.cores:
                return Told(409, {"error": {"code": "SLUG_CONFLICT", "message": "taken"}})
            self.cores[slug] = f"core_{len(self.cores)}"
            return Told(201, {"data": {"id": self.cores[slug]}})

        return self._held_at("create", slug, make)

    def _publish(self, core: str, slug: str) -> Told:
        if core in self.published:
            return Told(400, {"error": {"code": "BAD_REQUEST", "message": "Core is already published"}})
        self.published.add(core)
        return Told(200, {"data": {"published_slug": f"scaicore/{slug}", "published_model_id": "m"}})

    def _held_at(self, call: str, place: str, do: Any) -> Told:
        """`place` is the flow's slug, which says where it wants to be held."""
        wanted, is_done = PLACES.get(place, ("", False))
        if wanted != call or not self.is_holding:
            return do()
        told = do() if is_done else Told(503, {})
        self.held.setdefault(place, threading.Event()).set()
        self.killed.wait(60)
        return told


def drawing(name: str) -> dict[str, Any]:
    config: dict[str, Any] = {"publish_as_model": name.startswith("publish")}
    if name.startswith("provision"):
        config["scaiqueue"] = {"scope": "s", "queues": []}
    return greeting(config=config, name=name)


class Installation:
    """A server (and a worker, when there is Redis), with its people and its ScaiGrid under the test's control."""

    def __init__(self, folder: Path, key: ScaiKey, grid: StatefulGrid, redis_url: str | None) -> None:
        self.key, self.grid, self.redis_url = key, grid, redis_url
        self.ports = Ports(web=free_port(), sandbox=0)
        self.env = throwaway_environment(clean_environment(), self.ports, folder) | {
            "SCAIKEY_BASE_URL": key.url,
            "SCAIGRID_BASE_URL": grid.url,
            "SCAIFLOW_JOB_WAIT_SECONDS": "100",
        }
        if redis_url:
            self.env["SCAIFLOW_REDIS_URL"] = redis_url
        self.group = Processes(logs=folder)

    def start(self) -> None:
        self.group.run("migrate", [*MANAGE, "migrate", "--noinput"], self.env)
        start_web(self.group, self.env, self.ports)
        if self.redis_url:
            start_worker(self.group, self.env)

    def kill_who_works(self) -> None:
        """kill -9, and somebody new in the place of the dead."""
        role = "worker" if self.redis_url else "web"
        dead = self.group.running.pop(role)
        dead.kill()
        dead.wait()
        self.grid.is_holding = False
        self.grid.killed.set()
        if self.redis_url:
            start_worker(self.group, self.env)
        else:
            start_web(self.group, self.env, self.ports)

    def visitor(self) -> Visitor:
        visitor = Visitor(f"http://127.0.0.1:{self.ports.web}")
        visitor.token = self.key.token()
        return visitor


@pytest.fixture(params=["embedded", "redis"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        key = stack.enter_context(serving(ScaiKey()))
        grid = stack.enter_context(serving(StatefulGrid()))
        redis_url = stack.enter_context(running_redis(tmp_path)) if request.param == "redis" else None
        made = Installation(tmp_path, key, grid, redis_url)  # type: ignore[arg-type]
        stack.enter_context(made.group)
        made.start()
        yield made


def test_a_deploy_that_was_killed_at_any_step_is_made_good_by_its_retry(installation: Installation) -> None:
    visitor, grid = installation.visitor(), installation.grid
    flows = {}
    for place in PLACES:
        content = drawing(place)
        flows[place] = visitor.send("POST", "/api/v1/flows", {"name": place, "content": content}).body["id"]
        grid.held[place] = threading.Event()

    def deploy(place: str) -> dict[str, Any]:
        return installation.visitor().send("POST", f"/api/v1/flows/{flows[place]}/deploy", {}).body

    with ThreadPoolExecutor(len(PLACES)) as pool:
        first = [pool.submit(deploy, place) for place in PLACES]
        for place in PLACES:
            assert grid.held[place].wait(30), f"nobody came to {place}"
        installation.kill_who_works()
        for lost in first:
            lost.exception(120)  # with the web process its answer died too; with a worker the job ends as lost
        told = list(pool.map(deploy, PLACES))
    for place, answer in zip(PLACES, told, strict=True):
        assert answer.get("core_id") == grid.cores[place], (place, answer)
        records = visitor.send("GET", f"/api/v1/flows/{flows[place]}/deployments").body
        assert [record["core_id"] for record in records] == [grid.cores[place]]
        jobs = visitor.send("GET", f"/api/v1/flows/{flows[place]}/jobs").body["items"]
        assert [job["state"] for job in jobs] == ["succeeded", "failed"]
        assert jobs[1]["error"]["detail"]["error"] == "worker_lost"
    assert sorted(grid.cores) == sorted(PLACES)
