"""The command line, run as a process of its own, without a database and without settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from catalog.packaging import read_package
from flows.compiler import compile_flow
from scaiflow.sandbox.config import Config
from scaiflow.sandbox.people import API_KEYS
from tests.drawings import greeting, node
from tests.loopback import Service, Told, serving
from tests.sandbox.client import SandboxClient
from tests.sandbox.conftest import running

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/customer-support.flow.json"
KEY = API_KEYS["tnt_demo"]
CORES = "/v1/modules/scaicore/cores"


def scaiflow(*arguments: str | Path, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {"PATH": os.environ["PATH"], "SCAIFLOW_ENV_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "scaiflow.cli", *map(str, arguments)]
    return subprocess.run(command, input=given, env=kept | environment, capture_output=True, check=False, timeout=60)


def lines(told: bytes) -> list[str]:
    return told.decode().splitlines()


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A flow with two errors and a warning."""
    document = greeting("", nodes=[node("start", "entry_api", method="FETCH"), node("greet", "llm_rigid")])
    document["variables"] = [{"name": "unread"}]
    path = tmp_path / "bad.flow.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.flow.json"
    path.write_text(json.dumps(greeting(version="1.2.3", metadata={"description": "Says hello"})))
    return path


def test_the_console_script_leads_to_the_same_commands() -> None:
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["scaiflow"]
    module, _, name = script.partition(":")
    assert callable(getattr(import_module(module), name))


def test_a_good_flow_is_valid() -> None:
    told = scaiflow("validate", EXAMPLE)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"valid\n", b"")


def test_every_error_is_a_line_on_the_standard_error_and_warnings_are_not_among_them(bad: Path) -> None:
    told = scaiflow("validate", bad)
    assert told.returncode == 1
    assert [line.partition(":")[0] for line in lines(told.stderr)] == [
        "nodes[0].config.method",
        "nodes[1].config.template",
    ]
    assert lines(told.stdout) == [
        "warning: variables[0]: no node reads or sets the variable 'unread' [unused_variable]"
    ]


def test_validate_answers_as_the_api_does_with_json(bad: Path) -> None:
    told = scaiflow("validate", bad, "--json")
    answer = json.loads(told.stdout)
    assert (told.returncode, answer["valid"]) == (1, False)
    assert told.stderr == scaiflow("validate", bad).stderr != b""
    assert [found["code"] for found in answer["diagnostics"]] == ["bad_config", "missing_config", "unused_variable"]
    assert set(answer["diagnostics"][0]) == {"severity", "code", "message", "path", "node_id", "edge_id"}


@pytest.mark.parametrize("format", ["yaml", "ir", "scai"])
def test_compile_writes_the_compilers_bytes(good: Path, tmp_path: Path, format: Any) -> None:
    expected = compile_flow(json.loads(good.read_text()), format=format).body
    assert scaiflow("compile", good, "--format", format).stdout == expected
    out = tmp_path / "out"
    assert scaiflow("compile", "-", "--format", format, "--out", out, given=good.read_bytes()).returncode == 0
    assert out.read_bytes() == expected


def test_a_flow_with_errors_writes_nothing(bad: Path, tmp_path: Path) -> None:
    told = scaiflow("compile", bad, "--out", tmp_path / "out")
    assert (told.returncode, len(lines(told.stderr)), told.stdout) == (1, 2, b"")
    assert not (tmp_path / "out").exists()


def test_import_is_the_way_back(good: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yaml"
    scaiflow("compile", good, "--out", manifest)
    assert json.loads(scaiflow("import", manifest).stdout) == json.loads(good.read_text())


def test_publish_writes_a_package_that_is_the_same_every_time(good: Path, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# Hello\n")
    for name in ("one", "two"):
        assert scaiflow("publish", good, "--out", tmp_path / name, "--readme", readme).returncode == 0
    package = read_package((tmp_path / "one").read_bytes())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (package.package_id, package.version, package.description) == ("greeting", "1.2.3", "Says hello")
    assert package.readme == "# Hello\n"
    assert package.content == json.loads(good.read_text())
    assert package.manifest == compile_flow(package.content).body


def test_publish_refuses_what_is_no_package_id_or_version(good: Path, tmp_path: Path) -> None:
    for option, value in (("--package-id", "../up"), ("--package-version", "one")):
        told = scaiflow("publish", good, option, value, "--out", tmp_path / "out")
        assert (told.returncode, len(lines(told.stderr))) == (1, 1)
        assert not (tmp_path / "out").exists()


MISUSE: dict[str, tuple[list[str], bytes]] = {
    "no command": ([], b""),
    "no such command": (["dance"], b""),
    "no such file": (["validate", "nowhere.json"], b""),
    "no such format": (["compile", "-", "--format", "pdf"], b"{}"),
    "not JSON": (["validate", "-"], b"{"),
    "bottomless JSON": (["validate", "-"], b"[" * 100_000),
    "not UTF-8": (["compile", "-"], b"\xff"),
    "not a document": (["compile", "-"], b"7"),
    "not YAML": (["import", "-"], b"core: ["),
    "an alias bomb": (["import", "-"], b"core: &a [x]\nflows: [*a, *a]"),
    "no folder to write to": (["import", "-", "--out", "nowhere/x"], compile_flow(greeting()).body),
}


@pytest.mark.parametrize("name", MISUSE)
def test_what_cannot_be_done_is_said_in_one_line_for_each_error(name: str) -> None:
    arguments, given = MISUSE[name]
    told = scaiflow(*arguments, given=given)
    assert (told.returncode, told.stdout) == (1, b"")
    assert [line for line in lines(told.stderr) if "Traceback" in line] == []
    assert len(lines(told.stderr)) == (2 if name == "not a document" else 1)  # neither a map nor with an entry


def test_all_but_deploy_work_without_django() -> None:
    code = "import sys; from scaiflow.cli import commands; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running(Config(port=0)) as url:
        yield url


def test_deploy_makes_queues_and_core_and_a_second_deploy_updates_it(sandbox: str) -> None:
    first = scaiflow("deploy", EXAMPLE, "--base-url", sandbox, "--publish-as-model", "--api-key", KEY)
    assert (first.returncode, first.stderr) == (0, b"")
    answer = json.loads(first.stdout)
    assert set(answer["scaiqueue_provisioning"]["queue_ids"]) == {"review"}
    assert answer["published_slug"]
    again = scaiflow("deploy", EXAMPLE, "--no-publish-as-model", SCAIGRID_BASE_URL=sandbox, SCAIGRID_API_KEY=KEY)
    assert json.loads(again.stdout)["core_id"] == answer["core_id"]
    assert json.loads(again.stdout)["published_slug"] is None
    ada = SandboxClient(sandbox).sign_in("usr_ada")
    assert ada.run(answer["core_id"], {"message": "Where is my order?"})["output"]


def test_a_deploy_that_fails_says_why_in_one_line_and_never_the_key(good: Path) -> None:
    with serving(Service()) as grid:
        refused = Told(400, {"error": {"code": "VERIFIER_ERROR", "message": "verifier error:\nno such role"}})
        grid.on("POST", CORES, refused)
        told = scaiflow("deploy", good, "--base-url", grid.url, "--api-key", "sgk_secret")
        assert (told.returncode, told.stdout) == (1, b"")
        assert lines(told.stderr) == ["the Core: scaigrid answered 400: verifier error: no such role"]
        assert grid.calls()[0].headers["Authorization"] == "Bearer sgk_secret"


def test_a_queue_that_is_there_otherwise_stops_the_deploy_before_the_core(tmp_path: Path) -> None:
    flow = tmp_path / "flow.json"
    topology = {"scope": "support", "queues": [{"slug": "review", "max_retries": 3}]}
    flow.write_text(json.dumps(greeting(config={"scaiqueue": topology})))
    with serving(Service()) as grid:
        scopes = "/v1/modules/scaiqueue/scopes"
        grid.on("GET", scopes, Told(200, {"data": [{"id": "sc_1", "slug": "support"}]}))
        grid.on("GET", f"{scopes}/sc_1/queues", Told(200, {"data": [{"id": "q", "slug": "review", "max_retries": 5}]}))
        told = scaiflow("deploy", flow, "--base-url", grid.url, "--api-key", "sgk_secret")
        assert lines(told.stderr) == ["scaiqueue: queue 'review' has max_retries 5, the flow declares 3"]
        assert grid.calls("POST") == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ([], "credentials"),
        (["--api-key", "sgk_x", "--base-url", "http://example.com"], "https"),
        (["--api-key", "sgk_x", "--base-url", "http://127.0.0.1:9"], "reached"),
    ],
)
def test_a_deploy_without_a_way_there_is_one_line(good: Path, options: list[str], word: str) -> None:
    told = scaiflow("deploy", good, *options)
    assert (told.returncode, len(lines(told.stderr))) == (1, 1)
    assert word in lines(told.stderr)[0]
    assert "sgk_" not in told.stderr.decode()


def test_a_rate_limit_is_told_with_its_time(good: Path) -> None:
    with serving(Service()) as grid:
        grid.on("POST", CORES, Told(429, {}, {"Retry-After": "7"}))
        told = scaiflow("deploy", good, "--base-url", grid.url, "--api-key", "sgk_x")
        assert lines(told.stderr) == ["the Core: ScaiGrid limits the rate, try again in 7 s"]
