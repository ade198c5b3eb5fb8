"""A rolling upgrade with real code: servers from before the newest migration and of today, over one database with today's
schema, in turns at the same flow. What stood before is taken from the repository's own history (there is no release yet)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaiflow.console.demo import EXAMPLE, Demo
from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import Ports, start_sandbox, start_web, throwaway_environment, web_arguments
from scaiflow.console.visitor import Visitor
from tests.migrated import migrate
from tests.servers import die_with_parent

pytestmark = [pytest.mark.process, pytest.mark.slow]
ROOT = Path(__file__).parents[1]
MIGRATIONS = "*/migrations/0*.py"


def git(*arguments: str) -> str:
    told = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"this test needs the repository's history: {told.stderr}"
    return told.stdout.strip()


def before_the_newest_migration() -> str:
    """The commit on the main line after which a migration was added."""
    assert git("rev-parse", "--is-shallow-repository") == "false", "the history is cut off: git fetch --unshallow"
    newest = git("log", "--first-parent", "-m", "-M", "--diff-filter=A", "--format=%H", "-n1", "--", MIGRATIONS)
    return git("rev-parse", f"{newest}^1")


@pytest.fixture
def code_before(tmp_path: Path) -> Path:
    folder, commit = tmp_path / "before", before_the_newest_migration()
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def both(code_before: Path, tmp_path: Path) -> Iterator[tuple[Visitor, Visitor]]:
    """Ada at the server from before, and at today's."""
    ports, old_port = Ports(web=free_port(), sandbox=free_port()), free_port()
    env = throwaway_environment(clean_environment(), ports, tmp_path)
    with Processes(logs=tmp_path) as group:
        start_sandbox(group, env, ports)
        migrate(group, env)
        with (tmp_path / "old.log").open("wb") as log:
            group.running["old"] = subprocess.Popen(
                [sys.executable, *web_arguments(old_port)], cwd=code_before, env=env, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
            )  # fmt: skip
        group.wait_until_up("old", old_port, "/healthz")
        start_web(group, env, ports)
        people = Visitor(f"http://127.0.0.1:{old_port}"), Visitor(f"http://127.0.0.1:{ports.web}")
        for visitor in people:
            assert visitor.sign_in("usr_ada").status == 200
        yield people


def test_what_runs_there_is_the_code_of_before(code_before: Path) -> None:
    known = {path.relative_to(code_before) for path in code_before.glob(MIGRATIONS)}
    today = {path.relative_to(ROOT) for path in ROOT.glob(MIGRATIONS)}
    assert len(known) < len(today)
    where = [sys.executable, "-c", "import flows, scaiflow.env; print(flows.__file__, scaiflow.env.__file__)"]
    told = subprocess.run(where, cwd=code_before, capture_output=True, text=True, check=True).stdout
    assert [Path(one).is_relative_to(code_before) for one in told.split()] == [True, True]


def test_the_code_of_before_does_the_whole_main_job_on_todays_schema(both: tuple[Visitor, Visitor]) -> None:
    before, _ = both
    steps = list(Demo(before, json.loads((ROOT / EXAMPLE).read_bytes())).steps())
    assert [step.status for step in steps] == [200, 200, 201, 200, 200, 200, 200, 200, 200, 200]


def test_both_work_at_one_flow_in_turns(both: tuple[Visitor, Visitor]) -> None:
    content = json.loads((ROOT / EXAMPLE).read_bytes())
    made = both[0].send("POST", "/api/v1/flows", {"name": "In turns", "content": content})
    assert made.status == 201, made.raw
    road = f"/api/v1/flows/{made.body['id']}"
    for turn in range(1, 5):
        content["nodes"][1]["label"] = f"Turn {turn}"
        saved = both[turn % 2].send("PUT", road, {"content": content})
        assert (saved.status, saved.body["version"]) == (200, f"1.0.{turn}")
        read = both[(turn + 1) % 2].send("GET", road).body
        assert (read["version"], read["content"]["nodes"][1]["label"]) == (f"1.0.{turn}", f"Turn {turn}")
    cores = [one.send("POST", f"{road}/deploy", {}).body["core_id"] for one in both]
    assert cores[0] == cores[1]
    told = both[0].send("POST", f"{road}/run-tests", {"core_id": cores[1]}).body
    assert (told["failed"], told["passed"] > 0) == (0, True)
    listed = [one.send("GET", f"{road}/deployments").body for one in both]
    assert [[record["id"] for record in found] for found in listed] == [[one["id"] for one in listed[0]]] * 2
