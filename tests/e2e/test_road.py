"""The main job against real processes over real HTTP, as a stranger meets it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.demo import EXAMPLE, Demo, StepOff
from scaiflow.console.processes import clean_environment, free_port, is_taken
from scaiflow.console.visitor import Answer, Visitor
from tests.drawings import greeting
from tests.e2e.client import Typed
from tests.loopback import Service, serving

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
    assert "make run, then http://127.0.0.1:8001" in told.stdout.splitlines()[-1]
    ports = [int(port) for port in re.findall(r"on port (\d+)", told.stdout)]
    assert len(ports) == 2
    assert [port for port in ports if is_taken(port)] == []


class Spoiling(Visitor):
    """Changes what one call was answered, on its way back."""

    def __init__(self, base_url: str, end: str, **spoilt: Any) -> None:
        super().__init__(base_url)
        self.end, self.spoilt = end, spoilt

    def send(self, method: str, path: str, *arguments: Any, **more: Any) -> Answer:
        answer = super().send(method, path, *arguments, **more)
        if not f"{method} {path}".endswith(self.end):
            return answer
        body = answer.body[1:] if isinstance(answer.body, list) else answer.body | self.spoilt
        return replace(answer, raw=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("number", "end", "spoilt"),
    [
        (2, "GET /api/v1/me", {"permissions": None}),
        (3, "POST /api/v1/flows", {"content": None}),
        (4, "PUT /api/v1/flows/{flow}", {"version": "1.0.0"}),
        (5, "/versions", {}),
        (6, "/validate", {"valid": False}),
        (7, "/compile", {"body": "", "errors": []}),
        (8, "/deploy", {"published_slug": None}),
        (9, "/run-tests", {"passed": 0}),
        (10, "/deployments", {}),
    ],
)
def test_the_demo_stops_at_the_step_that_is_off(stage: Visitor, number: int, end: str, spoilt: dict[str, Any]) -> None:
    content = json.loads((ROOT / EXAMPLE).read_bytes()) | {"name": f"Demo off at {number}"}
    visitor = Spoiling(stage.base_url, end, **spoilt)
    demo = Demo(visitor, content)
    done = []
    with pytest.raises(StepOff, match=rf"^{number}\. "):
        for step in demo.steps():
            done.append(step.number)
            visitor.end = end.replace("{flow}", demo.flow_id)
    assert done == list(range(1, number))


@pytest.mark.slow
def test_the_demo_ends_badly_when_a_step_is_off(tmp_path: Path) -> None:
    """The example has a test that fails; the command's own process says so and ends with 1."""
    content = json.loads((ROOT / EXAMPLE).read_bytes())
    content["tests"][0]["expect"] = {"intent": "no such intent"}
    (tmp_path / EXAMPLE).parent.mkdir(parents=True)
    (tmp_path / EXAMPLE).write_text(json.dumps(content))
    code = f"""
from pathlib import Path
from django.conf import settings
from django.core.management import execute_from_command_line
settings.BASE_DIR = Path({str(tmp_path)!r})
execute_from_command_line(["manage.py", "demo"])
"""
    env = clean_environment() | {"SCAIFLOW_DEBUG": "true", "SCAIFLOW_ENV_FILE": "/dev/null"}
    env["DJANGO_SETTINGS_MODULE"] = "scaiflow.settings"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 1, told.stdout + told.stderr
    assert "the demo is off: 9. run its tests: fixtures failed" in told.stderr
    assert "10. " not in told.stdout


def test_the_examples_are_seeded_and_pass_their_own_fixtures(ada: Typed) -> None:
    flows = {flow.name: flow.id for flow in ada("list_flows").items}
    assert {"Customer Support", "Expense Approver"} <= set(flows)
    cores = {flow_id: ada("deploy_flow", flow_id, body={}).core_id for flow_id in flows.values()}
    for name, flow_id in flows.items():  # after all of them are deployed: some call others
        told = ada("run_tests", flow_id, body={"core_id": cores[flow_id]})
        assert told.failed == 0, (name, told)
        assert told.passed >= 2, name


def test_a_fixture_with_a_wrong_expectation_fails(ada: Typed) -> None:
    flow_id = ada("list_flows", search="customer").items[0].id
    content = ada("get_flow", flow_id).content.to_dict()
    content["tests"] = [content["tests"][0] | {"expect": {"intent": "no such intent"}}]
    ada("update_flow", flow_id, body={"content": content})
    core = ada("deploy_flow", flow_id, body={}).core_id
    told = ada("run_tests", flow_id, body={"core_id": core})
    assert (told.passed, told.failed) == (0, 1)


def test_another_flow_gives_another_answer(ada: Typed) -> None:
    def answer(template: str) -> Any:
        tests = [{"name": "one", "input": {"name": "Ada"}, "expect": {}}]
        content = greeting(template, name=f"Says {template}", tests=tests)
        flow_id = ada("create_flow", body={"name": content["name"], "content": content}).id
        core = ada("deploy_flow", flow_id, body={}).core_id
        (told,) = ada("run_tests", flow_id, body={"core_id": core}).results
        return told.output["text"]

    assert (answer("Hello {{name}}"), answer("Bye {{name}}")) == ("Hello Ada", "Bye Ada")


def test_a_flow_goes_through_the_catalog_and_comes_out_as_another(ada: Typed) -> None:
    """Published, found, downloaded, imported, installed, hidden and taken back; at the Core, what it did is seen."""
    flow = ada("create_flow", body={"name": "To share", "content": greeting(name="To share")})
    draft = {"package_id": "to-share", "name": "To share", "version": "1.0.0", "readme": "# It", "flow_id": flow.id}
    assert ada("publish_package", body=draft).package_id == "to-share"
    assert "to-share" in [one.package_id for one in ada("list_packages").items]
    kept = ada("get_package", "to-share")
    assert (kept.version, kept.author_id) == ("1.0.0", ada("me").sub)
    installed = ada("install_package", "to-share", body={"save": True})
    assert (installed.id == flow.id, installed.owner_id) == (False, ada("me").sub)
    compiled = ada("compile_flow", body={"content": installed.content.to_dict(), "format": "yaml"})
    assert ada("import_manifest", body={"manifest": compiled.body}).content.to_dict()["nodes"]
    core = ada("deploy_flow", installed.id, body={}).core_id
    assert ada("invoke_core", core, body={"input": {"name": "Ada"}}).data
    seen = [event["type"] for event in ada("list_events", core_id=core).to_dict()["data"]["events"]]
    assert "scaicore.runtime.invocation.completed" in seen
    assert ada("change_visibility", "to-share", body={"visibility": "tenant"}).package_id == "to-share"
    assert ada.ask("delete_package", "to-share")[0] == 204
    assert ada.ask("get_package", "to-share")[0] == 404


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
        ada = Visitor(f"http://127.0.0.1:{web}")
        assert ada.send("GET", "/").status == 200
        ada.sign_in("usr_ada")
        assert len(ada.send("GET", "/api/v1/flows").body["items"]) == len(
            list((ROOT / EXAMPLE).parent.glob("*.flow.json"))
        )
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
