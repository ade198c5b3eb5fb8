"""Processes of ours, started together and stopped together: what `make run` and `make demo` stand on."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType

from scaiflow.env import BASE_DIR

START_SECONDS = 30.0
STOP_SECONDS = 10.0
OURS = ("DJANGO_SETTINGS_MODULE", "SCAIFLOW_", "SCAIKEY_", "SCAIGRID_", "SCAIQUEUE_", "SCAIBUNKER_", "SCAIVAULT_")


class NotStarted(Exception):
    """A process ended, or did not answer in time. The message holds the last lines that it wrote, where they are kept."""


class Stopped(Exception):
    """Whoever started the processes was told to stop."""


class Processes:
    """`with Processes() as group: group.start("web", [...], env)`. At the end every one of them is gone: asked first,
    killed after ten seconds; and if this process is killed itself, the kernel ends them."""

    def __init__(self, *, logs: Path | None = None) -> None:
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._is_stopped = False

    def stop_at(self, *numbers: signal.Signals) -> None:
        """From now on such a signal ends what is waited for here with Stopped. Not from its handler: an exception from
        there could come after a process was started and before anything knew of it, or while the others are ended."""
        for number in numbers:
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._is_stopped = True

    def _has_ended(self, process: subprocess.Popen[bytes]) -> bool:
        """Raises Stopped, which comes first: the same Ctrl-C ends the processes too."""
        has_ended = process.poll() is not None
        if self._is_stopped:
            raise Stopped
        return has_ended

    def start(self, name: str, arguments: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with ExitStack() as stack:
            output = stack.enter_context((self.logs / f"{name}.log").open("ab")) if self.logs else None
            process = subprocess.Popen(  # noqa: S603  our own program and arguments
                [sys.executable, *arguments],
                cwd=BASE_DIR,
                env=dict(env),
                preexec_fn=_die_with_parent,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        self.running[name] = process
        return process

    def run(self, name: str, arguments: list[str], env: Mapping[str, str]) -> None:
        """Start it and wait for its end. Raises NotStarted unless it ends well, and Stopped."""
        process = self.start(name, arguments, env)
        while not self._has_ended(process):
            time.sleep(0.02)
        if process.returncode != 0:
            raise NotStarted(f"{name} failed{self.last_words(name)}")
        del self.running[name]

    def wait_until_up(self, name: str, port: int, path: str = "/", *, seconds: float = START_SECONDS) -> None:
        """Until it answers anything at all on loopback. Raises NotStarted and Stopped."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._has_ended(self.running[name]):
                raise NotStarted(f"{name} ended at once{self.last_words(name)}")
            if _answers(port, path):
                return
            time.sleep(0.05)
        raise NotStarted(f"{name} did not answer within {seconds:.0f} s{self.last_words(name)}")

    def wait_for_any_end(self) -> str:
        """The name of the first process that ends. Raises Stopped."""
        while True:
            for name, process in self.running.items():
                if self._has_ended(process):
                    return name
            time.sleep(0.2)

    def last_words(self, name: str) -> str:
        if self.logs is None:
            return ""
        lines = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
        return "; its last lines:\n" + "\n".join(lines)

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of loopback for a server that is about to start. On Linux nobody else is given it while this process lives:
    a socket stays bound to it, beside which servers (which all say SO_REUSEADDR) may still bind and listen."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    port = int(probe.getsockname()[1])
    if sys.platform == "linux":
        probe.detach()  # open until the end of this process
    else:
        probe.close()
    return port


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that configures ScaiFlow."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _answers(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
