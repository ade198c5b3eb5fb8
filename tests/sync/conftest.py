from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from scaiflow.console.processes import Processes
from tests.backends import real_parts
from tests.loopback import serving
from tests.scaikey import ScaiKey
from tests.servers import running_redis
from tests.sync.node import Node, running_node
from tests.sync.stage import Stage

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clients do not outlive their test."""
    yield
    if "node" in request.fixturenames:
        request.getfixturevalue("node").ask("endAll")


@pytest.fixture(scope="session")
def make_stage(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Callable[..., Stage]]:
    """On SQLite each stage has a database of its own, and no Redis unless the test brings one. On a run's real parts all
    of them share a database, and each has a Redis, which remembers the sockets of servers that were killed."""
    folder = tmp_path_factory.mktemp("sync")
    with (
        serving(ScaiKey()) as scaikey, Processes(logs=folder) as group, real_parts() as parts, ExitStack() as brokers,
    ):  # fmt: skip
        if parts:
            Stage(folder, scaikey, group, parts).command("migrate", "-v", "0")

        def make(**more: str) -> Stage:
            own = folder / str(next(NUMBERS))
            own.mkdir()
            stage = Stage(own, scaikey, OfOneStage(own, group), parts | more)
            if parts and "SCAIFLOW_REDIS_URL" not in more:
                stage.more["SCAIFLOW_REDIS_URL"] = brokers.enter_context(running_redis())
            if not parts:
                stage.take_schema(str(connection.settings_dict["NAME"]))
            return stage

        yield make


class OfOneStage(Processes):
    """Processes of one stage; what it leaves running ends with the session."""

    def __init__(self, logs: Path, all_of_them: Processes) -> None:
        super().__init__(logs=logs)
        self._all = all_of_them

    def start(self, name: str, arguments: list[str], env: Any) -> Any:
        process = super().start(name, arguments, env)
        self._all.running[f"{self.logs}/{name}/{process.pid}"] = process
        return process


# With Redis the sockets of a server that was killed count until its lease ends, and here one is killed often.
HASTY = {"SCAIFLOW_SYNC_IDLE_SECONDS": "0", "SCAIFLOW_SYNC_SOCKETS_PER_USER": "100"}


@pytest.fixture(scope="session")
def calm(make_stage: Callable[..., Stage]) -> Stage:
    """A server that no test ends."""
    stage = make_stage(**HASTY)
    stage.start()
    return stage


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    """A server of the test's own, to be ended and started again."""
    own = make_stage(**HASTY)
    own.start()
    yield own
    for name in list(own.group.running):
        own.kill(name).wait()


@pytest.fixture(scope="session", params=["uvicorn", "daphne"])
def server(request: pytest.FixtureRequest, make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    """A running server; the rows are tried on both kinds that the product starts: sockets alone with Redis, and everything
    in one process without."""
    with ExitStack() as brokers:
        redis = brokers.enter_context(running_redis()) if request.param == "uvicorn" else ""
        stage = make_stage(SCAIFLOW_REDIS_URL=redis)
        stage.start(kind=request.param)
        yield stage
