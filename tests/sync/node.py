"""The real clients under Node, in one long-lived process that is told what to do in JSON lines (tests/node/driver.mjs)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "node"


class StepOff(AssertionError):
    """A command failed, or what was waited for did not come."""


class Node:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        """`ask("set", id="ada", key="x", value=1)`. Raises StepOff."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        told: dict[str, Any] = json.loads(line) if line else {"error": "the driver has ended"}
        if "error" in told:
            raise StepOff(told["error"])
        return told

    def until(self, what: str, **arguments: Any) -> float:
        """Milliseconds until it was so. Raises StepOff after 20 s (or `seconds`)."""
        return float(self.ask("until", what=what, **arguments)["milliseconds"])


def install() -> None:
    """`npm ci` into a folder that git does not know, once for each lock file; several test workers wait for each other."""
    lock, mark = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".of-this-lock"
    if mark.is_file() and mark.read_bytes() == lock.read_bytes():
        return
    import fcntl

    with (FOLDER / ".installing").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if not (mark.is_file() and mark.read_bytes() == lock.read_bytes()):
            subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts"], cwd=FOLDER, check=True)
            mark.write_bytes(lock.read_bytes())


def require_node() -> None:
    """Where there is no Node the tests are skipped, loudly. CI has one, or the tests fail."""
    if shutil.which("node") and shutil.which("npm"):
        return
    if os.environ.get("CI"):
        pytest.fail("the sync tests need node and npm, and CI does not skip them")
    pytest.skip("NO NODE HERE: the sync socket was NOT TESTED with real clients (install Node 18 or newer)")


@contextmanager
def running_node() -> Iterator[Node]:
    require_node()
    install()
    with subprocess.Popen(
        ["node", "driver.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Node(process)
        assert process.stdin
        process.stdin.close()
