"""Servers as the product starts them, on a database of their own, with a ScaiKey whose keys the test holds."""

from __future__ import annotations

import base64
import json
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import sync_arguments, web_arguments
from scaiflow.env import BASE_DIR
from tests.drawings import greeting
from tests.scaikey import ScaiKey
from webhooks.signature import sign

METRICS = "the-metrics-token"
WEBHOOKS = "whsec_the-secret-of-the-hook"
PATIENCE = 120.0  # the machine that runs the tests may be busy with others
ARGUMENTS = {
    "uvicorn": sync_arguments,
    "daphne": web_arguments,
    # As an operator may start it who has not read our documents.
    "plain daphne": lambda port: ["-m", "daphne", "-p", str(port), "scaiflow.asgi:application"],
    "plain uvicorn": lambda port: ["-m", "uvicorn", "--port", str(port), "scaiflow.asgi:application"],
    "wsproto": lambda port: ["-m", "uvicorn", "--ws", "wsproto", "--port", str(port), "scaiflow.asgi:application"],
}


@dataclass
class Answer:
    status: int
    body: Any


@dataclass
class Stage:
    """One installation: several servers may run on it. `call` speaks HTTP to the first one that was started last."""

    folder: Path
    scaikey: ScaiKey
    group: Processes
    more: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        return clean_environment() | {
            "SCAIFLOW_ENV_FILE": "/dev/null",
            "SCAIFLOW_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
            "SCAIFLOW_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
            "SCAIFLOW_DB_URL": f"sqlite:///{self.folder}/scaiflow.db",
            "SCAIFLOW_STORAGE_URL": f"file://{self.folder}/objects",
            "SCAIFLOW_METRICS_TOKEN": METRICS,
            "SCAIFLOW_SCAIKEY_CLIENT_ID": "scaiflow",
            "SCAIFLOW_SCAIKEY_CLIENT_SECRET": "the-clients-secret",
            "SCAIFLOW_HTTPS_ONLY": "false",
            "SCAIFLOW_SYNC_DRAIN_SECONDS": "1",
            "SCAIFLOW_SYNC_QUEUE_BYTES": "1048576",
            "SCAIKEY_BASE_URL": self.scaikey.url,
            **self.more,
        }

    def take_schema(self, migrated: str) -> None:
        """A copy of the test run's own database, before any test has written to it or after it was emptied."""
        with sqlite3.connect(migrated) as source, sqlite3.connect(self.folder / "scaiflow.db") as own:
            source.backup(own)

    def start(self, name: str = "server", kind: str = "uvicorn", **more: str) -> None:
        self.ports[name] = free_port()
        self.group.start(name, ARGUMENTS[kind](self.ports[name]), self.env() | more)
        self.group.wait_until_up(name, self.ports[name], "/healthz", seconds=PATIENCE)

    def kill(self, name: str = "server", number: int = signal.SIGKILL) -> subprocess.Popen[bytes]:
        process = self.group.running.pop(name)
        process.send_signal(number)
        return process

    def again(self, name: str = "server", kind: str = "uvicorn") -> None:
        """The same server on the same port, after it ended."""
        self.group.start(name, ARGUMENTS[kind](self.ports[name]), self.env())
        self.group.wait_until_up(name, self.ports[name], "/healthz", seconds=PATIENCE)

    def command(self, *arguments: str) -> None:
        """A management command. Raises CalledProcessError."""
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=BASE_DIR, env=self.env(), check=True)

    # --- what people do -----------------------------------------------------------------------------------------------

    def token(self, sub: str = "usr_ada", **claims: Any) -> str:
        return self.scaikey.token(sub=sub, name=sub.removeprefix("usr_").title(), **claims)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", name: str = "server", **more: str
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.ports[name], timeout=20)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token or self.token()}", **more}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        is_json = (answer.getheader("Content-Type") or "").startswith("application/json")
        return Answer(answer.status, json.loads(raw) if raw and is_json else raw.decode())

    def hook(self, kind: str, **data: str) -> None:
        """What ScaiKey tells, signed; the stage has WEBHOOKS as its secret."""
        at, moment = datetime.now(UTC).isoformat(), int(time.time())
        event = {"id": secrets.token_hex(8), "type": kind, "created_at": at, "tenant_id": "tnt_demo", "data": data}
        proof = f"t={moment},v1={sign(raw=json.dumps(event).encode(), secret=WEBHOOKS, moment=moment)}"
        signed = {"X-Scaikey-Signature": proof, "X-Scaikey-Timestamp": str(moment)}
        told = self.call("POST", "/api/v1/webhooks/scaikey", event, **signed)
        assert told.body == {"handled": True}, told

    def flow(self, name: str = "server") -> str:
        told = self.call("POST", "/api/v1/flows", {"name": secrets.token_hex(4), "content": greeting()}, name=name)
        assert told.status == 201, told
        return str(told.body["id"])

    def url(self, flow_id: str, name: str = "server") -> str:
        return f"ws://127.0.0.1:{self.ports[name]}/api/v1/flows/{flow_id}"

    def metrics(self, name: str = "server") -> dict[str, float]:
        text = self.call("GET", "/metrics", token=METRICS, name=name).body
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {series: float(value) for series, _, value in lines}

    def resident(self, name: str = "server") -> int:
        """KiB of memory that the process holds now."""
        status = Path(f"/proc/{self.group.running[name].pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Straight from the database, past the server. Arguments stand in the query as `?`."""
        with opened(self.env()["SCAIFLOW_DB_URL"]) as (cursor, mark):
            cursor.execute(query.replace("?", mark), arguments)
            return list(cursor.fetchall()) if cursor.description else []

    def rows_of_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        with opened(self.env()["SCAIFLOW_DB_URL"]) as (cursor, mark):
            cursor.executemany(statement.replace("?", mark), rows)

    def put(self, table: str, **row: str | None) -> None:
        """A row with this `id`, whether there was one or not."""
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        is_mariadb = self.env()["SCAIFLOW_DB_URL"].startswith("mysql:")
        else_ = "ON DUPLICATE KEY UPDATE" if is_mariadb else "ON CONFLICT (id) DO UPDATE SET"
        new = ", ".join(f"{name} = VALUES({name})" if is_mariadb else f"{name} = excluded.{name}" for name in row)
        self.rows(f"INSERT INTO {table} ({names}) VALUES ({marks}) {else_} {new}", *row.values())

    def log_of(self, name: str = "server") -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextmanager
def opened(url: str) -> Iterator[tuple[Any, str]]:
    """A cursor, whose work is kept at the end, and how its driver marks a place for an argument."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
    elif parts.scheme == "postgres":
        connection = psycopg.connect(url)
    else:
        connection = pymysql.connect(
            host=parts.hostname, port=parts.port, user=parts.username, database=parts.path[1:], sql_mode="ANSI_QUOTES"
        )  # fmt: skip
    with closing(connection):
        yield connection.cursor(), "?" if parts.scheme == "sqlite" else "%s"
        connection.commit()
