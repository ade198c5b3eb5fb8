"""The servers that could carry a role, side by side: what a request costs on each, and what a process of each role weighs.

    make bench-serving                       (about two and a half minutes; PostgreSQL and Redis come from wheels)

HTTP: one process of each server, all up at once over one database, asked in turn by 8 connections that stay open, round by
round, so that a slow moment of the machine falls on all. Told for each: CPU milliseconds of the server a request (from
/proc/<pid>/stat: hardly moved by what else runs), requests a second and p50/p99 (moved by everything: the asking takes a
core of its own), and memory (Pss, of all its processes). Sockets: many that are still, on one process of each server that
speaks them: KiB and CPU microseconds a second each. Then what worker and beat weigh. Compare rows, not numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import websockets

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import (
    MANAGE,
    Ports,
    start_beat,
    start_worker,
    sync_arguments,
    throwaway_environment,
    web_arguments,
)
from tests.drawings import greeting
from tests.loopback import Service, serving
from tests.scaikey import ScaiKey
from tests.servers import running_postgres, running_redis

TICKS = os.sysconf("SC_CLK_TCK")
THREADS, FLOWS = 8, 200
THE_IMAGES_OWN = ["-m", "gunicorn", "--config", "docker/gunicorn.py"]
SERVERS = {
    "gunicorn, gthread (WSGI)": lambda port: [*THE_IMAGES_OWN, f"--bind=127.0.0.1:{port}", "scaiflow.wsgi:application"],
    "waitress (WSGI)": lambda port: [
        "-m", "waitress", f"--listen=127.0.0.1:{port}", f"--threads={THREADS}", "scaiflow.wsgi:application",
    ],
    "uvicorn (ASGI)": sync_arguments,
    "daphne (ASGI)": web_arguments,
}  # fmt: skip


@dataclass
class Server:
    name: str
    port: int
    pid: int
    requests: int = 0
    cpu: float = 0.0
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """Of the process and all below it so far, user and system."""
    found = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in tree(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in found) / TICKS


def mebibytes(pid: int) -> float:
    rollups = [Path(f"/proc/{one}/smaps_rollup").read_text().splitlines() for one in tree(pid)]
    return sum(int(line.split()[1]) for lines in rollups for line in lines if line.startswith("Pss:")) / 1024


def ask(server: Server, method: str, road: str, body: bytes | None, token: str, until: float) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    while time.monotonic() < until:
        started = time.perf_counter()
        connection.request(method, road, body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        server.times.append(time.perf_counter() - started)
    connection.close()


def load(server: Server, roads: list[tuple[str, str, bytes | None]], token: str, seconds: float) -> None:
    """All roads at once, on connections of their own."""
    before, started, asked = cpu_seconds(server.pid), time.monotonic(), len(server.times)
    calls = [(*roads[number % len(roads)], token, started + seconds) for number in range(THREADS)]
    people = [threading.Thread(target=ask, args=(server, *call)) for call in calls]
    for one in people:
        one.start()
    for one in people:
        one.join()
    server.seconds += time.monotonic() - started
    server.cpu += cpu_seconds(server.pid) - before
    server.requests += len(server.times) - asked


def created(port: int, token: str) -> list[str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for number in range(FLOWS):
        body = json.dumps({"name": f"Flow {number}", "content": greeting()})
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/flows", body, headers)
        found.append(json.loads(connection.getresponse().read())["id"])
    return found


async def hold_still(server: Server, flows: list[str], token: str, count: int, seconds: float) -> tuple[float, float]:
    """KiB a socket, and CPU microseconds a second of each while nobody says anything."""
    empty, opened = mebibytes(server.pid), []
    for number in range(count):
        road = f"ws://127.0.0.1:{server.port}/api/v1/flows/{flows[number % len(flows)]}/sync?token={token}"
        opened.append(await websockets.connect(road, compression=None))
    readers = [asyncio.ensure_future(_read(one)) for one in opened]
    await asyncio.sleep(2)
    full, before = mebibytes(server.pid), cpu_seconds(server.pid)
    await asyncio.sleep(seconds)
    cpu = cpu_seconds(server.pid) - before
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*(one.close() for one in opened))
    return (full - empty) * 1024 / count, cpu / seconds / count * 1e6


async def _read(socket: websockets.ClientConnection) -> None:
    async for _ in socket:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--sockets", type=int, default=500)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key, grid = stack.enter_context(serving(ScaiKey())), stack.enter_context(serving(Service()))
        env = throwaway_environment(clean_environment(), Ports(web=free_port(), sandbox=0), folder) | {
            "SCAIFLOW_DB_URL": stack.enter_context(running_postgres()),
            "SCAIFLOW_REDIS_URL": stack.enter_context(running_redis()),
            "SCAIKEY_BASE_URL": key.url, "SCAIGRID_BASE_URL": grid.url, "SCAIFLOW_DEBUG": "false",
            "SCAIFLOW_ENCRYPTION_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
            "SCAIFLOW_HTTPS_ONLY": "false", "SCAIFLOW_ALLOWED_HOSTS": "127.0.0.1", "WEB_PROCESSES": "1",
            "WEB_THREADS": str(THREADS), "TMPDIR": str(folder), "SCAIFLOW_LOG_FORMAT": "json",
            "SCAIFLOW_SYNC_SOCKETS_PER_USER": "100000", "SCAIFLOW_SYNC_SOCKETS_PER_FLOW": "100000",
        }  # fmt: skip
        group = stack.enter_context(Processes(logs=folder))
        group.run("migrate", [*MANAGE, "migrate", "--noinput"], env)
        token: str = key.token(exp=int(time.time()) + 3600)  # type: ignore[attr-defined]
        servers = [start(group, name, env) for name in SERVERS]
        flows = created(servers[0].port, token)
        compare(servers, flows, token, given.rounds, given.seconds)
        for server in servers[2:]:
            kib, micros = asyncio.run(hold_still(server, flows[:50], token, given.sockets, 5))
            print(f"{server.name:26} {given.sockets} sockets that are still: {kib:.0f} KiB and {micros:.0f} us/s each")
        start_worker(group, env)
        start_beat(group, env)
        time.sleep(6)
        for role in ("worker", "beat"):
            print(f"{role:26} {mebibytes(group.running[role].pid):.0f} MiB")


def start(group: Processes, name: str, env: dict[str, str]) -> Server:
    port, role = free_port(), name.split(",")[0].split(" ")[0]
    started = group.start(role, SERVERS[name](port), env)
    group.wait_until_up(role, port, "/healthz")
    return Server(name, port, started.pid)


def compare(servers: list[Server], flows: list[str], token: str, rounds: int, seconds: float) -> None:
    rename = json.dumps({"description": secrets.token_hex(4)}).encode()
    roads: list[tuple[str, str, bytes | None]] = [
        ("GET", "/api/v1/flows?limit=20", None),
        ("GET", f"/api/v1/flows/{flows[0]}", None),
        ("GET", f"/api/v1/flows/{flows[1]}/versions", None),
        ("PUT", f"/api/v1/flows/{flows[2]}", rename),
    ]
    for server in servers:
        load(server, roads, token, 1.0)
        server.requests, server.cpu, server.seconds, server.times = 0, 0.0, 0.0, []
    for _ in range(rounds):
        for server in servers:
            load(server, roads, token, seconds)
    print(f"{'one process':26} {'CPU ms':>7} {'req/s':>6} {'p50 ms':>7} {'p99 ms':>7} {'MiB':>5}")
    for server in servers:
        cuts = statistics.quantiles(server.times, n=100)
        cost, pace = server.cpu / server.requests * 1000, server.requests / server.seconds
        print(
            f"{server.name:26} {cost:7.2f} {pace:6.0f} {cuts[49] * 1000:7.1f} {cuts[98] * 1000:7.1f} "
            f"{mebibytes(server.pid):5.0f}"
        )


if __name__ == "__main__":
    main()
