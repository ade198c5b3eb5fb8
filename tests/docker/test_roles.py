"""Every role as docker/entrypoint.sh starts it, over a real Redis: well when it is, and not when it hangs or is gone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port, is_taken
from scaiflow.console.stage import Ports, throwaway_environment
from scaiflow.console.visitor import Visitor, request
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told, serving
from tests.migrated import migrate
from tests.scaikey import ScaiKey
from tests.servers import die_with_parent, running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
CORES = "/v1/modules/scaicore/cores"
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
HEALTHCHECK: list[str] = json.loads(re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[0])
STALE = 61  # seconds; a sign of life may be a minute old (scaiflow/kit/alive.py)


class Installation:
    """All roles over one Redis and one database, each started by the image's own script, and a ScaiGrid that can be held."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.key, self.grid = folder, ScaiKey(), Service()
        for service in (self.key, self.grid):
            stack.enter_context(serving(service))
        self.asked, self.answers = threading.Event(), threading.Event()
        self.grid.on("GET", CORES, Told(200, {"data": []})).on("POST", CORES, self._held)
        self.ports = {role: free_port() for role in ("web", "sync", "worker")}
        self.env = throwaway_environment(clean_environment(), Ports(web=self.ports["web"], sandbox=0), folder) | {
            "SCAIFLOW_REDIS_URL": stack.enter_context(running_redis()), "SCAIKEY_BASE_URL": self.key.url,
            "SCAIGRID_BASE_URL": self.grid.url, "BIND": "127.0.0.1", "TMPDIR": str(folder),
            "SCAIFLOW_WORKER_METRICS_PORT": str(self.ports["worker"]),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }  # fmt: skip
        with Processes(logs=folder) as group:
            migrate(group, self.env)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(self._stop)

    def _held(self, _: Asked) -> Told:
        self.asked.set()
        self.answers.wait(60)
        return Told(201, {"data": {"id": f"core_{len(self.grid.calls('POST', CORES))}"}})

    def start(self, role: str) -> None:
        self.temporary(role).mkdir(exist_ok=True)
        with (self.folder / f"{role}.log").open("ab") as log:
            self.running[role] = subprocess.Popen(
                ["sh", "docker/entrypoint.sh", role], cwd=ROOT, env=self._env_of(role), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self.is_alive(role):
            told = (self.folder / f"{role}.log").read_text(errors="replace")[-2000:]
            assert self.running[role].poll() is None, told
            assert time.monotonic() < deadline, told

    def _env_of(self, role: str) -> dict[str, str]:
        return self.env | {"PORT": str(self.ports.get(role, 0)), "TMPDIR": str(self.temporary(role))}

    def temporary(self, role: str) -> Path:
        """The container's own /tmp."""
        return self.folder / role

    def is_alive(self, role: str) -> bool:
        """What the image's HEALTHCHECK asks, every few seconds."""
        return self._ends_well(role, *HEALTHCHECK)

    def is_ready(self, role: str) -> bool:
        """What an operator asks: also for all that the role stands on."""
        port = ["--port", str(self.ports[role])] if role in {"web", "sync"} else []
        return self._ends_well(role, "python", "manage.py", "healthcheck", role, *port)

    def _ends_well(self, role: str, *command: str) -> bool:
        """In the environment that the container was given, without what its start command made of it."""
        env = self._env_of(role)
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False).returncode == 0

    def let_time_pass(self, role: str) -> None:
        """A minute without a sign of life."""
        sign, long_ago = self.temporary(role) / f"scaiflow-{role}.alive", time.time() - STALE
        os.utime(sign, (long_ago, long_ago))

    def visitor(self) -> Visitor:
        visitor = Visitor(f"http://127.0.0.1:{self.ports['web']}")
        visitor.token = self.key.token()
        return visitor

    def _stop(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        yield Installation(tmp_path, stack)


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_who_cannot_be_asked_over_http_is_well_as_long_as_it_gives_signs(installation: Installation, role: str) -> None:
    assert not installation.is_alive(role)
    installation.start(role)
    assert installation.is_ready(role)
    process = installation.running[role]
    process.send_signal(signal.SIGSTOP)  # it hangs
    installation.let_time_pass(role)
    assert (installation.is_alive(role), installation.is_ready(role)) == (False, False)
    process.send_signal(signal.SIGCONT)
    assert until(lambda: installation.is_alive(role))
    process.kill()
    process.wait()
    installation.let_time_pass(role)
    assert (installation.is_alive(role), installation.is_ready(role)) == (False, False)


@pytest.mark.parametrize("role", ["web", "sync"])
def test_who_answers_http_is_well_as_long_as_it_answers(installation: Installation, role: str) -> None:
    assert not installation.is_alive(role)
    installation.start(role)
    assert installation.is_ready(role)
    everybody = processes_under(installation.running[role].pid)
    for process in everybody:
        os.kill(process, signal.SIGSTOP)
    assert (installation.is_alive(role), installation.is_ready(role)) == (False, False)
    for process in everybody:
        os.kill(process, signal.SIGCONT)
    assert until(lambda: installation.is_alive(role))
    installation.running[role].terminate()
    assert installation.running[role].wait(60) in {0, -signal.SIGTERM}  # uvicorn ends by the signal itself
    assert (installation.is_alive(role), installation.is_ready(role)) == (False, False)
    assert not is_taken(installation.ports[role])


def test_a_worker_counts_its_jobs_and_ends_the_one_that_it_has_when_it_is_told_to_go(
    installation: Installation,
) -> None:
    for role in ("web", "worker"):
        installation.start(role)
    visitor = installation.visitor()
    flows = [
        visitor.send("POST", "/api/v1/flows", {"name": name, "content": greeting(name=name)}).body["id"]
        for name in ("Quick", "Slow")
    ]
    installation.answers.set()
    assert visitor.send("POST", f"/api/v1/flows/{flows[0]}/deploy", {}).body["core_id"] == "core_1"
    counts = f"http://127.0.0.1:{installation.ports['worker']}/metrics"
    assert 'scaiflow_jobs_total{kind="deploy",state="succeeded"} 1.0' in request("GET", counts).raw.decode()
    installation.answers.clear()
    installation.asked.clear()
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(visitor.send, "POST", f"/api/v1/flows/{flows[1]}/deploy", {})
        assert installation.asked.wait(60)
        installation.running["worker"].send_signal(signal.SIGTERM)
        assert request("GET", counts).status == 200  # it is still there, because it still has a job
        installation.answers.set()
        answer = deploying.result(60)
    assert (answer.status, answer.body["core_id"]) == (200, "core_2")
    assert installation.running["worker"].wait(60) == 0
    assert not is_taken(installation.ports["worker"])


def until(holds: Any, *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
    return False


def processes_under(pid: int) -> list[int]:
    """It and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in processes_under(int(child)))]
