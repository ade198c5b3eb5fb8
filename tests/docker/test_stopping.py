"""The web role as the image runs it: whoever was let in is served to the end, also when the process is told to go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port, is_taken
from scaiflow.console.stage import Ports, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told, serving
from tests.migrated import migrate
from tests.scaikey import ScaiKey
from tests.servers import running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
CORES = "/v1/modules/scaicore/cores"


class Web:
    """gunicorn with the image's own configuration, and a ScaiGrid that answers when it is told to."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.key, self.grid = ScaiKey(), Service()
        for service in (self.key, self.grid):
            stack.enter_context(serving(service))
        self.port = free_port()
        self.asked, self.answers = threading.Event(), threading.Event()
        self.grid.on("GET", CORES, Told(200, {"data": []})).on("POST", CORES, self._held)
        env = throwaway_environment(clean_environment(), Ports(web=self.port, sandbox=0), folder) | {
            "SCAIKEY_BASE_URL": self.key.url, "SCAIGRID_BASE_URL": self.grid.url, "BIND": "127.0.0.1",
            "PORT": str(self.port), "TMPDIR": str(folder),
        }  # fmt: skip
        self.group = stack.enter_context(Processes(logs=folder))
        migrate(self.group, env)
        server = ["-m", "gunicorn", "--config", "docker/gunicorn.py", "scaiflow.wsgi:application"]
        self.process = self.group.start("web", server, env)
        self.group.wait_until_up("web", self.port, "/healthz")

    def _held(self, _: Asked) -> Told:
        self.asked.set()
        self.answers.wait(60)
        return Told(201, {"data": {"id": "core_1"}})

    def visitor(self) -> Visitor:
        visitor = Visitor(f"http://127.0.0.1:{self.port}")
        visitor.token = self.key.token()
        return visitor


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with ExitStack() as stack:
        yield Web(tmp_path, stack)


def test_a_deploy_that_has_begun_is_answered_although_the_server_was_told_to_go(web: Web) -> None:
    flow = web.visitor().send("POST", "/api/v1/flows", {"name": "Slow", "content": greeting()}).body["id"]
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(web.visitor().send, "POST", f"/api/v1/flows/{flow}/deploy", {})
        assert web.asked.wait(30)
        web.process.send_signal(signal.SIGTERM)
        web.answers.set()
        answer = deploying.result(60)
    assert (answer.status, answer.body["core_id"]) == (200, "core_1")
    assert web.process.wait(30) == 0
    assert not is_taken(web.port)


def test_new_code_is_rolled_in_under_load_without_a_request_lost(web: Web) -> None:
    """SIGHUP: new processes come, the old ones finish what they have. The listener stays open all the while."""
    over = threading.Event()

    def keep_asking() -> list[int | str]:
        statuses: list[int | str] = []
        visitor = web.visitor()
        while not over.is_set():
            try:
                statuses.append(visitor.send("GET", "/api/v1/flows").status)
            except (OSError, HTTPException) as error:
                statuses.append(type(error).__name__)
        return statuses

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(keep_asking) for _ in range(4)]
        for _ in range(2):
            web.process.send_signal(signal.SIGHUP)
            for _ in range(40):
                assert web.visitor().send("GET", "/healthz").status == 200
        over.set()
        seen = [status for one in asking for status in one.result(60)]
    assert len(seen) >= 20
    assert set(seen) == {200}


def test_the_counts_of_all_processes_are_told_together(tmp_path: Path) -> None:
    with ExitStack() as stack:
        counted = tmp_path / "counted"
        counted.mkdir()
        redis_url = stack.enter_context(running_redis())
        env = throwaway_environment(clean_environment(), Ports(web=free_port(), sandbox=0), tmp_path) | {
            "SCAIFLOW_REDIS_URL": redis_url, "SCAIKEY_BASE_URL": "", "SCAIGRID_BASE_URL": "http://127.0.0.1:9",
            "SCAIFLOW_METRICS_TOKEN": "for-the-test", "BIND": "127.0.0.1",
            "PROMETHEUS_MULTIPROC_DIR": str(counted), "TMPDIR": str(tmp_path),
        }  # fmt: skip
        env["PORT"] = env["SCAIFLOW_API_PORT"]
        group = stack.enter_context(Processes(logs=tmp_path))
        migrate(group, env)
        group.start("web", ["-m", "gunicorn", "--config", "docker/gunicorn.py", "scaiflow.wsgi:application"], env)
        group.wait_until_up("web", int(env["PORT"]), "/healthz")
        visitor = Visitor(f"http://127.0.0.1:{env['PORT']}")
        for _ in range(30):
            visitor.send("GET", "/api/v1/auth/config")
        visitor.token = "for-the-test"
        told = visitor.send("GET", "/metrics").raw.decode()
        line = 'scaiflow_requests_total{method="GET",route="api/v1/auth/config",status="200"} 30.0'
        assert line in told
