"""Our sync socket beside the reference server and Hocuspocus, one after the other in one run, under the same load.

    make bench-sync                         (about 13 minutes; `python benchmarks/sync.py --quick` takes two)

Ours writes every update to a database on disk before it tells anybody; the other two keep everything in memory. Prints a row
for each server and load: updates delivered a second, p50 and p99 of the time from writing to reading in milliseconds, the
server's CPU time for each delivery in microseconds (from /proc/<pid>/stat), its peak memory, and the ratio to the reference:
each the median of several rounds, in which the servers take turns.
Ends with 1 when ours costs more than the reference on any row, or more than Hocuspocus where the load is as fast as it goes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from scaiflow.console.processes import Processes, free_port, is_taken
from tests.loopback import serving
from tests.scaikey import ScaiKey
from tests.sync.stage import Stage

FOLDER = Path(__file__).parent / "node"
WARM_SECONDS = 3.0
TICKS = os.sysconf("SC_CLK_TCK")
UNLIMITED = {"SCAIFLOW_SYNC_SOCKETS_PER_USER": "100000", "SCAIFLOW_SYNC_SOCKETS_PER_FLOW": "100000"}
OURS, REFERENCE, HOCUSPOCUS = "ScaiFlow", "@y/websocket-server", "Hocuspocus"


@dataclass(frozen=True)
class Load:
    """Rooms of a size; how many in each write, each so many times a second, or with so many updates under way."""

    rooms: int
    size: int
    writers: int
    rate: int = 0
    window: int = 0

    def __str__(self) -> str:
        pace = f"{self.rate}/s each" if self.rate else "as fast as it goes"
        return f"{self.rooms} x {self.size}, {self.writers} write, {pace}"


LOADS = [
    Load(25, 2, 2, rate=10),
    Load(5, 20, 4, rate=10),
    Load(1, 100, 5, rate=10),
    Load(1, 100, 1, rate=20),
    Load(25, 2, 2, window=4),
    Load(5, 20, 4, window=8),
    Load(1, 100, 10, window=8),
]


@dataclass
class Server:
    name: str
    pid: int
    addresses: list[dict[str, str]] = field(default_factory=list)
    is_hocuspocus: bool = False

    def cpu(self) -> float:
        """Seconds of this process so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, line: str) -> int:
        """KiB: VmRSS now, VmHWM at its peak."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(row for row in status.splitlines() if row.startswith(line)).split()[1])


@contextmanager
def ours(rooms: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as name, serving(ScaiKey()) as scaikey, Processes(logs=Path(name)) as group:
        stage = Stage(Path(name), scaikey, group, UNLIMITED)  # type: ignore[arg-type]
        stage.command("migrate", "-v", "0")
        stage.start()
        token = stage.token(exp=int(time.time()) + 36000)
        flows = [stage.flow() for _ in range(rooms)]
        server = Server(OURS, group.running["server"].pid)
        server.addresses = [{"name": flow, "url": f"{stage.url(flow)}/sync?token={token}"} for flow in flows]
        yield server


@contextmanager
def from_npm(name: str, script: str, rooms: int) -> Iterator[Server]:
    port = free_port()
    env = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1"}
    process = subprocess.Popen(["node", script], cwd=FOLDER, env=env, stdout=subprocess.DEVNULL)
    try:
        while not is_taken(port):
            time.sleep(0.02)
        server = Server(name, process.pid, is_hocuspocus=name == HOCUSPOCUS)
        for number in range(rooms):
            path = "" if server.is_hocuspocus else f"/room{number}"
            server.addresses.append({"name": f"room{number}", "url": f"ws://127.0.0.1:{port}{path}"})
        yield server
    finally:
        process.terminate()
        process.wait()


def started(name: str, rooms: int) -> Any:
    if name == OURS:
        return ours(rooms)
    script = "node_modules/@y/websocket-server/src/server.js" if name == REFERENCE else "hocuspocus.mjs"
    return from_npm(name, script, rooms)


@contextmanager
def client(server: Server, **plan: Any) -> Iterator[subprocess.Popen[str]]:
    """The load, connected and synced, waiting for a word."""
    told = json.dumps({"urls": server.addresses, "hocuspocus": server.is_hocuspocus, **plan})
    with subprocess.Popen(
        ["node", "load.mjs", told], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        if read_line(process) != "ready":
            raise SystemExit(f"{server.name}: the load could not connect")
        yield process
        process.stdin.write("end\n")
        process.stdin.flush()


def go(process: subprocess.Popen[str], expected: str = "") -> dict[str, Any]:
    """On to the next part; what is told at its end."""
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()
    line = read_line(process)
    told: dict[str, Any] = {} if line == expected else json.loads(line)
    return told


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def measure(name: str, load: Load, seconds: float) -> dict[str, float]:
    with started(name, load.rooms) as server:
        plan = {"size": load.size, "writers": load.writers, "rate": load.rate, "window": load.window}
        with client(server, seconds=seconds, warm=WARM_SECONDS, **plan) as process:
            go(process, "warm")
            before = server.cpu()
            told = go(process)
            cost = (server.cpu() - before) / max(1, told["delivered"]) * 1e6
            peak = server.memory("VmHWM") / 1024
    rate = told["delivered"] / told["seconds"]
    return {"rate": rate, "p50": told["p50"] or 0, "p99": told["p99"] or 0, "cpu": cost, "peak": peak}


def join_time(name: str, updates: int) -> dict[str, float]:
    with started(name, 1) as server, client(server, size=2, writers=1, fill=updates) as process:
        told = go(process)
    return {"join": told["join"], "bytes": told["bytes"]}


def idle_memory(name: str, connections: int) -> float:
    """KiB for each of so many idle connections, a hundred to a room."""
    with started(name, connections // 100) as server:
        before = server.memory("VmRSS")
        with client(server, size=100, writers=0) as process:
            go(process)
            return (server.memory("VmRSS") - before) / connections


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short rounds")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="loads whose words contain this")
    options = parser.parse_args()
    subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts", "--silent"], cwd=FOLDER, check=True)
    seconds, rounds = (2.0, 1) if options.quick else (options.seconds, options.rounds)
    missed = [miss for load in LOADS if options.only in str(load) for miss in one_row(load, seconds, rounds)]
    if not options.only:
        print(f"\n{'server':<22}{'join of 10,000 updates, ms':>28}{'KiB an idle connection at 1,000':>34}")
        for name in (OURS, REFERENCE, HOCUSPOCUS):
            print(f"{name:<22}{join_time(name, 10_000)['join']:>28.1f}{idle_memory(name, 1000):>34.1f}", flush=True)
    print("\n" + ("goals missed: " + "; ".join(missed) if missed else "all goals met"))
    sys.exit(bool(missed))


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(told[key] for told in rounds) for key in rounds[0]}


def one_row(load: Load, seconds: float, rounds: int) -> list[str]:
    print(f"\n{load}")
    print(f"{'server':<22}{'delivered/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'peak MiB':>10}{'CPU ratio':>11}")
    names = (REFERENCE, HOCUSPOCUS, OURS)
    turns = [{name: measure(name, load, seconds) for name in names} for _ in range(rounds)]
    found = {name: medians([turn[name] for turn in turns]) for name in names}
    for name, told in found.items():
        ratio = told["cpu"] / found[REFERENCE]["cpu"]
        numbers = (
            f"{told['rate']:>12,.0f}{told['p50']:>9.1f}{told['p99']:>9.1f}{told['cpu']:>9.1f}{told['peak']:>10.0f}"
        )
        print(f"{name:<22}{numbers}{ratio:>11.2f}", flush=True)
    rivals = [REFERENCE, HOCUSPOCUS] if load.window else [REFERENCE]
    return [f"{load} ({rival})" for rival in rivals if found[OURS]["cpu"] > found[rival]["cpu"]]


if __name__ == "__main__":
    main()
