"""A ScaiGrid that can hold a deploy at any place of its road, and an installation whose worker can be killed there."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import redis
import yaml

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import Ports, start_web, start_worker, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.loopback import Asked, Service, Told
from tests.migrated import migrate
from tests.scaikey import ScaiKey

CORES, SCOPES = "/v1/modules/scaicore/cores", "/v1/modules/scaiqueue/scopes"
MISSING = Told(404, {"error": {"code": "secret_not_found", "message": "no such secret"}})
FAILED = Told(503, {"error": {"message": "not done"}})
# Where the road is held until the worker is dead: at which call, and whether it has been done by then. (The id of the
# request, which is passed on to every upstream, is the name of the place.)
HELD = {
    "at-credential": ("vault", False),
    "provision-before": ("scope", False),
    "provision-after": ("scope", True),
    "core-before": ("create", False),
    "core-after": ("create", True),
    "publish-before": ("publish", False),
    "publish-after": ("publish", True),
    "unpublish-after": ("unpublish", True),
    "at-the-record": ("create", True),
}


class StatefulGrid(Service):
    """ScaiGrid, ScaiQueue and ScaiVault in one. It has Cores by slug and never makes two of one slug."""

    def __init__(self) -> None:
        super().__init__()
        self.cores: dict[str, str] = {}
        self.scopes: dict[str, str] = {}
        self.published: set[str] = set()
        self.come = {place: threading.Event() for place in HELD}
        self.go = {place: threading.Event() for place in HELD}

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        call, do = self._call(asked)
        place = asked.headers["X-Request-ID"]
        wanted, is_done_first = HELD.get(place, ("", False))
        if wanted != call or self.go[place].is_set():
            return do()
        told = do() if is_done_first else FAILED
        self.come[place].set()
        self.go[place].wait(60)
        return told

    def _call(self, asked: Asked) -> tuple[str, Callable[[], Told]]:
        last = asked.path.rpartition("/")[2]
        core = asked.path.split("/")[-2]
        match asked.method, asked.path:
            case _, path if path.startswith("/v1/secrets/"):
                return "vault", lambda: MISSING
            case "GET", path if path == SCOPES:
                return "scopes", lambda: Told(200, {"data": [{"id": i, "slug": s} for s, i in self.scopes.items()]})
            case "POST", path if path == SCOPES:
                return "scope", lambda: self._made(self.scopes, asked.json["slug"])
            case "GET", path if path == CORES:
                return "list", lambda: Told(200, {"data": [{"id": i, "slug": s} for s, i in self.cores.items()]})
            case "POST", path if path == CORES:
                return "create", lambda: self._made(self.cores, _slug_in(asked.body))
            case "POST", path if path.startswith(CORES):
                return last, lambda: self._publish(core) if last == "publish" else self._unpublish(core)
        return "core", lambda: self._core(last)

    def _made(self, kept: dict[str, str], slug: str) -> Told:
        if slug in kept:
            return Told(409, {"error": {"code": "SLUG_CONFLICT", "message": "taken"}})
        kept[slug] = f"id_of_{slug}"
        return Told(201, {"data": {"id": kept[slug]}})

    def _core(self, core: str) -> Told:
        slug = f"scaicore/{core}" if core in self.published else None
        return Told(200, {"data": {"id": core, "metadata": {"published_slug": slug, "published_model_id": "m"}}})

    def _publish(self, core: str) -> Told:
        if core in self.published:
            return Told(400, {"error": {"code": "BAD_REQUEST", "message": "Core is already published"}})
        self.published.add(core)
        return Told(200, {"data": {"published_slug": f"scaicore/{core}", "published_model_id": "m"}})

    def _unpublish(self, core: str) -> Told:
        if core not in self.published:
            return Told(400, {"error": {"code": "BAD_REQUEST", "message": "Core is not published"}})
        self.published.remove(core)
        return Told(200, {"data": {}})


def _slug_in(manifest: bytes) -> str:
    """Read by the fast half of YAML: the slow one takes longer for thousands of steps than a deploy waits for an answer."""
    return str(yaml.load(manifest, yaml.CSafeLoader)["core"]["name"])


class Installation:
    """A server (and a worker, when there is Redis), with its people and its upstreams under the test's control."""

    def __init__(self, folder: Path, key: ScaiKey, grid: StatefulGrid, **addresses: str) -> None:
        self.key, self.grid, self.folder = key, grid, folder
        self.ports = Ports(web=free_port(), sandbox=0)
        self.env = throwaway_environment(clean_environment(), self.ports, folder) | {
            "SCAIKEY_BASE_URL": key.url,
            "SCAIGRID_BASE_URL": grid.url,
            "SCAIVAULT_BASE_URL": grid.url,
            "SCAIFLOW_JOB_WAIT_SECONDS": "100",
            **addresses,
        }
        self.redis_url = addresses.get("SCAIFLOW_REDIS_URL")
        self.group = Processes(logs=folder)

    def start(self, *, with_worker: bool = True) -> None:
        migrate(self.group, self.env)
        start_web(self.group, self.env, self.ports)
        if self.redis_url and with_worker:
            start_worker(self.group, self.env)

    def let_others_go_first(self) -> None:
        """Whoever works, until killed: on a busy machine it gets less time than this process, which watches it."""
        worker = self.group.running["worker" if self.redis_url else "web"]
        for thread in Path(f"/proc/{worker.pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), 10)

    def kill_who_works(self) -> None:
        """kill -9, and nobody in the place of the dead yet."""
        dead = self.group.running.pop("worker" if self.redis_url else "web")
        dead.kill()
        dead.wait()

    def start_again(self) -> None:
        if self.redis_url:
            start_worker(self.group, self.env)
        else:
            start_web(self.group, self.env, self.ports)

    def visitor(self) -> Visitor:
        visitor = Visitor(f"http://127.0.0.1:{self.ports.web}")
        visitor.token = self.key.token()
        return visitor

    def connect(self) -> Any:
        """The database, past the server."""
        url = self.env["SCAIFLOW_DB_URL"]
        if url.startswith("sqlite"):
            return sqlite3.connect(self.folder / "scaiflow.db", timeout=20, isolation_level=None)
        return psycopg.connect(url)

    def locked(self) -> Any:
        """A connection that keeps everybody else from writing jobs and deployments until it is closed."""
        made = self.connect()
        is_sqlite = isinstance(made, sqlite3.Connection)
        made.execute("BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE flows_job, flows_deployment IN EXCLUSIVE MODE")
        return made

    def object_of(self, flow_id: str) -> Path:
        (found,) = (self.folder / "objects").glob(f"**/{flow_id}/v1.0.0.flow.json")
        return found


class Pipe:
    """In the place of a stored object: whoever opens it waits, until the real one is put back."""

    def __init__(self, path: Path) -> None:
        self.path, self.real = path, path.read_bytes()
        path.unlink()
        os.mkfifo(path)

    def has_a_reader(self) -> bool:
        """Somebody waits for it to be written to. (Nothing is.)"""
        with suppress(OSError):
            self.writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            return True
        return False

    def put_back(self) -> None:
        os.close(self.writer)
        self.path.unlink()
        self.path.write_bytes(self.real)


class Broker:
    """What Celery keeps in a Redis of the tasks that workers have taken and have not said to be done with."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)

    def taken(self) -> list[str]:
        """The jobs of these tasks."""
        return sorted(self._job_of(json.loads(raw)[0]) for raw in self.client.hvals("unacked"))

    def messages(self) -> list[bytes]:
        return [json.dumps(json.loads(raw)[0]).encode() for raw in self.client.hvals("unacked")]

    def is_empty(self) -> bool:
        return not self.client.hlen("unacked") and not self.client.llen("celery")

    def let_an_hour_pass(self) -> None:
        """As far as the tasks are concerned that dead workers have taken: the next worker takes them."""
        for tag in self.client.zrange("unacked_index", 0, -1):
            self.client.zadd("unacked_index", {tag: 0})

    def deliver(self, message: bytes) -> None:
        self.client.lpush("celery", message)

    @staticmethod
    def _job_of(message: dict[str, Any]) -> str:
        _, arguments, _ = json.loads(base64.b64decode(message["body"]))
        return str(arguments["job_id"])


class Eavesdropper:
    """Everything that is said to a Redis, while it is listened to."""

    def __init__(self, url: str) -> None:
        self.url, self.heard = url, [""]
        self.client = redis.Redis.from_url(url)
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        with suppress(redis.exceptions.RedisError, OSError, ValueError), self.client.monitor() as monitor:
            for said in monitor.listen():
                self.heard.append(said["command"])

    def all_keys(self) -> list[bytes]:
        """What rests there, as it is stored."""
        with redis.Redis.from_url(self.url) as client:
            return [client.dump(key) or b"" for key in client.scan_iter()]
