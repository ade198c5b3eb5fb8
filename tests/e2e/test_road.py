"""The main job against real processes over real HTTP, as a stranger meets it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.demo import Demo, StepOff
from scaiflow.console.processes import clean_environment, free_port, is_taken
from scaiflow.console.visitor import Visitor
from tests.loopback import Service, Told, serving

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]
STEPS = 10


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = clean_environment() | {"SCAIFLOW_DEBUG": "true", "SCAIFLOW_ENV_FILE": "/dev/null"}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_the_demo_goes_all_the_way_and_leaves_nothing_running() -> None:
    told = command("manage.py", "demo")
    assert told.returncode == 0, told.stdout + told.stderr
    assert len(re.findall(r"^ ?\d+\. ", told.stdout, re.MULTILINE)) == STEPS
    assert "published as " in told.stdout
    ports = [int(port) for port in re.findall(r"on port (\d+)", told.stdout)]
    assert len(ports) == 2
    assert [port for port in ports if is_taken(port)] == []


def test_the_demo_ends_badly_when_a_step_is_off() -> None:
    with serving(Service()) as broken:
        broken.on("GET", "/api/v1/auth/config", Told(200, {"scaikey_base_url": broken.url, "client_id": "scaiflow"}))
        with pytest.raises((StepOff, ValueError, KeyError)):
            list(Demo(Visitor(broken.url), {"name": "x"}).steps())


def test_the_examples_are_seeded_and_pass_their_own_fixtures(stage: Visitor) -> None:
    flows = {flow["name"]: flow["id"] for flow in stage.send("GET", "/api/v1/flows").body["items"]}
    assert {"Customer Support", "Expense Approver"} <= set(flows)
    deploy = {flow_id: stage.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}).body for flow_id in flows.values()}
    for name, flow_id in flows.items():  # after all of them are deployed: some call others
        core = deploy[flow_id]["core_id"]
        told = stage.send("POST", f"/api/v1/flows/{flow_id}/run-tests", {"core_id": core}).body
        assert told["failed"] == 0, (name, told)
        assert told["passed"] >= 2, name


def test_a_fixture_with_a_wrong_expectation_fails(stage: Visitor) -> None:
    flow_id = stage.send("GET", "/api/v1/flows?search=customer").body["items"][0]["id"]
    content = stage.send("GET", f"/api/v1/flows/{flow_id}").body["content"]
    content["tests"] = [content["tests"][0] | {"expect": {"intent": "no such intent"}}]
    stage.send("PUT", f"/api/v1/flows/{flow_id}", {"content": content})
    core = stage.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}).body["core_id"]
    told = stage.send("POST", f"/api/v1/flows/{flow_id}/run-tests", {"core_id": core}).body
    assert (told["passed"], told["failed"]) == (0, 1)


def test_another_flow_gives_another_answer(stage: Visitor) -> None:
    def answer(template: str) -> Any:
        nodes = [
            {"id": "start", "type": "entry_api", "label": "Start", "position": {"x": 0, "y": 0}},
            {
                "id": "say", "type": "llm_rigid", "label": "Say", "position": {"x": 200, "y": 0},
                "config": {"template": template},
            },
        ]  # fmt: skip
        ends = {"source": {"node": "start", "port": "out_request"}, "target": {"node": "say", "port": "in"}}
        tests = [{"name": "one", "input": {"name": "Ada"}, "expect": {}}]
        edges = [{"id": "edge_1", "type": "sequential", **ends}]
        content = {"name": f"Says {template}", "nodes": nodes, "edges": edges, "tests": tests}
        flow_id = stage.send("POST", "/api/v1/flows", {"name": content["name"], "content": content}).body["id"]
        core = stage.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}).body["core_id"]
        told = stage.send("POST", f"/api/v1/flows/{flow_id}/run-tests", {"core_id": core}).body
        return told["results"][0]["output"]["text"]

    assert (answer("Hello {{name}}"), answer("Bye {{name}}")) == ("Hello Ada", "Bye Ada")


def test_the_commands_of_the_api_page_run_as_they_stand(stage: Visitor) -> None:
    if not shutil.which("curl"):
        pytest.fail("the API page is written with curl: install it (apt-get install curl)")
    (script,) = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/api.md").read_text(), re.MULTILINE | re.DOTALL)
    env = os.environ | {"SCAIFLOW": stage.base_url, "TOKEN": stage.token}
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout[-2000:] + told.stderr
    assert '"failed":0' in told.stdout


def test_up_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    web, sandbox = free_port(), free_port()
    env = clean_environment() | {
        "SCAIFLOW_DEBUG": "true", "SCAIFLOW_ENV_FILE": "/dev/null", "SCAIFLOW_API_PORT": str(web),
        "SCAIFLOW_DB_URL": f"sqlite:///{tmp_path}/scaiflow.db", "SCAIFLOW_STORAGE_URL": f"file://{tmp_path}/objects",
    }  # fmt: skip
    arguments = [
        sys.executable,
        "manage.py",
        "up",
        "--sandbox-port",
        str(sandbox),
        "--sandbox-state",
        str(tmp_path / "s.db"),
    ]
    with subprocess.Popen(arguments, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as up:
        lines = []
        for raw in up.stdout or []:
            lines.append(raw.decode())
            if "Ctrl-C" in lines[-1]:
                break
        assert f"http://127.0.0.1:{web}" in "".join(lines), "".join(lines)
        assert Visitor(f"http://127.0.0.1:{web}").send("GET", "/").status == 200
        up.send_signal(signal.SIGTERM)
        assert up.wait(20) == 0
    assert not is_taken(web)
    assert not is_taken(sandbox)


def test_a_port_that_is_taken_is_named() -> None:
    with serving(Service()) as taken:
        port = taken.url.rpartition(":")[2]
        env = clean_environment() | {
            "SCAIFLOW_DEBUG": "true",
            "SCAIFLOW_ENV_FILE": "/dev/null",
            "SCAIFLOW_API_PORT": port,
        }
        told = subprocess.run(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    assert told.returncode == 1
    assert f"port {port} is taken" in told.stderr
    assert "Traceback" not in told.stderr
