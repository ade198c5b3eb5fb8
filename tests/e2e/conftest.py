"""A whole ScaiFlow on loopback for each module: a server and its sandbox, the demo tenant seeded, and Ada signed in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, start_worker, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.backends import real_parts
from tests.e2e.client import Typed, generate
from tests.migrated import migrate


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the client that is made from our document, on the path."""
    folder = generate(tmp_path_factory.mktemp("client"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def ada(stage: Visitor, generated: Path) -> Iterator[Typed]:
    """Ada at the API, through that client."""
    typed = Typed(stage.base_url, stage.token)
    yield typed
    typed.leave()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    folder = tmp_path_factory.mktemp("stage")
    ports = Ports(web=free_port(), sandbox=free_port())
    with real_parts() as parts, Processes(logs=folder) as group:
        env = throwaway_environment(clean_environment(), ports, folder) | parts | {"SCAIFLOW_API_TOKEN": "shared-" * 6}
        start_sandbox(group, env, ports)
        migrate(group, env)
        group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports)
        if "SCAIFLOW_REDIS_URL" in env:
            start_worker(group, env)
        visitor = Visitor(f"http://127.0.0.1:{ports.web}")
        visitor.sign_in("usr_ada")
        yield visitor
