"""Our sync socket beside the reference server and Hocuspocus, one after the other in one run, under the same load.

    make bench-sync                         (about 20 minutes; `python benchmarks/sync.py --quick` takes two)

Ours writes every update to a database on disk before it tells anybody; the other two keep everything in memory. Prints a row
for each server and load: updates delivered a second, p50 and p99 of the time from writing to reading in milliseconds, the
server's CPU time for each delivery in microseconds (by its process's clock) and its peak memory: each the median of several
turns. Below each server stand its ratios to the reference, number by number: the medians of those within a turn.
At the end the goals, a line for each: met, or NOT met; and the exit code is 1 when one is not.
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
from itertools import pairwise
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
CPU_OF_PROCESS = 2  # CPUCLOCK_SCHED
UNLIMITED = {"SCAIFLOW_SYNC_SOCKETS_PER_USER": "100000", "SCAIFLOW_SYNC_SOCKETS_PER_FLOW": "100000"}
OURS, REFERENCE, HOCUSPOCUS = "ScaiFlow", "@y/websocket-server", "Hocuspocus"
NAMES = (REFERENCE, HOCUSPOCUS, OURS)
Found = dict[str, float]  # what was measured
# What was promised (spec: realtime.md, W13 and Speed).
P99_OF_ONE_WRITER, JOIN, IDLE = 25.0, 500.0, 60.0  # ms, ms, KiB


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


ONE_TO_A_HUNDRED = Load(1, 101, 1, rate=20)
LOADS = [
    Load(25, 2, 2, rate=10),
    Load(5, 20, 4, rate=10),
    Load(1, 100, 5, rate=10),
    ONE_TO_A_HUNDRED,
    Load(25, 2, 2, window=4),
    Load(5, 20, 4, window=8),
    Load(1, 100, 10, window=8),
]


@dataclass(frozen=True)
class Row:
    """The servers took turns, several times. Ratios are made within a turn: the machine is not as fast at any time."""

    turns: list[dict[str, Found]]

    def median(self, name: str) -> Found:
        return {key: statistics.median(turn[name][key] for turn in self.turns) for key in self.turns[0][name]}

    def ratio(self, name: str, rival: str) -> Found:
        keys = self.turns[0][name]
        return {key: statistics.median(ratio(turn[name][key], turn[rival][key]) for turn in self.turns) for key in keys}


@dataclass(frozen=True)
class Goal:
    """Something that was promised, what was measured, and how much it may be."""

    about: str
    found: float
    most: float

    @property
    def is_met(self) -> bool:
        return self.found <= self.most

    def __str__(self) -> str:
        return f"{'met    ' if self.is_met else 'NOT met'}  {self.about}: {self.found:.2f}, at most {self.most:g}"


@dataclass
class Server:
    name: str
    pid: int
    addresses: list[dict[str, str]] = field(default_factory=list)
    is_hocuspocus: bool = False

    def cpu(self) -> float:
        """Seconds of this process so far, user and system, to the nanosecond: by its own clock (clock_getcpuclockid(3)),
        where /proc/<pid>/stat counts in hundredths."""
        return time.clock_gettime(~self.pid << 3 | CPU_OF_PROCESS)

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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="loads whose words contain this")
    options = parser.parse_args()
    subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts", "--silent"], cwd=FOLDER, check=True)
    seconds, rounds = (2.0, 1) if options.quick else (options.seconds, options.rounds)
    rows = {load: one_row(load, seconds, rounds) for load in LOADS if options.only in str(load)}
    goals = [goal for load, found in rows.items() for goal in goals_of(load, found)]
    if not options.only:
        goals += falling(rows) + joins_and_idlers()
    print("\ngoals")
    for goal in goals:
        print(goal)
    sys.exit(not all(goal.is_met for goal in goals))


def one_row(load: Load, seconds: float, rounds: int) -> Row:
    print(f"\n{load}")
    print(f"{'server':<22}{'delivered/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU us':>9}{'peak MiB':>10}")
    row = Row([{name: measure(name, load, seconds) for name in NAMES} for _ in range(rounds)])
    for name in NAMES:
        told = row.median(name)
        print(
            f"{name:<22}{told['rate']:>12,.0f}{told['p50']:>9.1f}{told['p99']:>9.1f}{told['cpu']:>9.1f}{told['peak']:>10.0f}"
        )
        if name != REFERENCE:
            shares = row.ratio(name, REFERENCE)
            print(
                f"{'  / reference':<22}{shares['rate']:>12.2f}{shares['p50']:>9.2f}{shares['p99']:>9.2f}"
                f"{shares['cpu']:>9.2f}{shares['peak']:>10.2f}",
                flush=True,
            )
    return row


def goals_of(load: Load, found: Row) -> list[Goal]:
    rivals = [REFERENCE, HOCUSPOCUS] if load.window else [REFERENCE]
    goals = [
        Goal(f"{load}: CPU for a delivery, to {rival}'s", found.ratio(OURS, rival)["cpu"], 1.0) for rival in rivals
    ]
    if load == ONE_TO_A_HUNDRED:
        goals.append(Goal(f"{load}: p99 in milliseconds", found.median(OURS)["p99"], P99_OF_ONE_WRITER))
    return goals


def falling(rows: dict[Load, Row]) -> list[Goal]:
    """What a delivery costs is to fall with the size of the room: one encoding for each message, not for each reader."""
    costs = [(load.size, rows[load].median(OURS)["cpu"]) for load in LOADS[:3]]
    return [
        Goal(f"CPU for a delivery in rooms of {size}, to that in rooms of {smaller}", ratio(cost, before), 1.0)
        for (smaller, before), (size, cost) in pairwise(costs)
    ]


def joins_and_idlers() -> list[Goal]:
    print(f"\n{'server':<22}{'join of 10,000 updates, ms':>28}{'KiB an idle connection at 1,000':>34}")
    found = {}
    for name in NAMES:
        found[name] = join, idle = join_time(name, 10_000)["join"], idle_memory(name, 1000)
        print(f"{name:<22}{join:>28.1f}{idle:>34.1f}")
        if name != REFERENCE:
            joins, idles = ratio(join, found[REFERENCE][0]), ratio(idle, found[REFERENCE][1])
            print(f"{'  / reference':<22}{joins:>28.2f}{idles:>34.2f}", flush=True)
    return [
        Goal("join of a document of 10,000 updates, in milliseconds", found[OURS][0], JOIN),
        Goal("KiB for an idle connection at 1,000", found[OURS][1], IDLE),
    ]


def ratio(number: float, reference: float) -> float:
    return number / reference if reference else float("inf")


if __name__ == "__main__":
    main()
