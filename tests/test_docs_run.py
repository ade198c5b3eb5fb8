"""The commands in the documents run as they stand: each page's `sh` blocks in one shell, against an installation of its own.

A block that is only to be looked at is fenced as `console`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.migrated import migrate

pytestmark = [pytest.mark.process, pytest.mark.slow]
ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = {
    "quickstart.md": '"items"',
    "api.md": '"failed":0',
    "runbooks.md": "every digest is as it was",
    "catalog.md": "",
    "identity.md": "the audit log is whole",
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody who operates a small installation. Each page has its own: two flows of one name, which
    pages that begin alike would make, cannot both be deployed."""
    folder = tmp_path
    ports = Ports(web=free_port(), sandbox=free_port())
    env = throwaway_environment(clean_environment(), ports, folder)
    with Processes(logs=folder) as group:
        start_sandbox(group, env, ports)
        migrate(group, env)
        group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports)
        visitor = Visitor(f"http://127.0.0.1:{ports.web}")
        visitor.sign_in("usr_ada")
        yield env | {
            "SCAIFLOW": visitor.base_url, "TOKEN": visitor.token, "TMPDIR": str(folder),
            "NEW_DB_URL": f"sqlite:///{folder}/new.db", "NEW_STORAGE_URL": f"file://{folder}/new-objects",
        }  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_as_they_stand(shell: dict[str, str], page: str) -> None:
    api_page = BLOCK.findall((ROOT / "docs/api.md").read_text())
    before = api_page[:1] if page == "catalog.md" else []  # it goes on from there
    script = "\n".join(before + BLOCK.findall((ROOT / "docs" / page).read_text()))
    assert script
    told = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=shell, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert PAGES[page] in told.stdout


def test_every_page_with_commands_is_run_or_only_shown() -> None:
    """README.md's commands are make targets, which CI calls by their names."""
    with_commands = {page.name for page in (ROOT / "docs").glob("**/*.md") if BLOCK.search(page.read_text())}
    assert with_commands == set(PAGES)
