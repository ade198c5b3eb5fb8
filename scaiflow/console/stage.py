"""A whole ScaiFlow on loopback: the sandbox in the place of the upstreams, and the server in front of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from scaiflow.console.processes import Processes

CLIENT_ID = "scaiflow"
MANAGE = ["manage.py"]


@dataclass(frozen=True)
class Ports:
    web: int
    sandbox: int


def environment(base: Mapping[str, str], ports: Ports, *, client_secret: str) -> dict[str, str]:
    """The variables with which both processes find each other. What `base` sets already stays."""
    sandbox = f"http://127.0.0.1:{ports.sandbox}"
    ours = {
        "SCAIFLOW_DEBUG": "true",
        "SCAIFLOW_API_PORT": str(ports.web),
        "SCAIKEY_BASE_URL": sandbox,
        "SCAIGRID_BASE_URL": sandbox,
        "SCAIFLOW_SCAIKEY_CLIENT_ID": CLIENT_ID,
        "SCAIFLOW_SCAIKEY_CLIENT_SECRET": client_secret,
        "SANDBOX_CLIENT_ID": CLIENT_ID,
        "SANDBOX_CLIENT_SECRET": client_secret,
        # What changes on the sandbox's page of people and groups is told to the server at once.
        "SCAIFLOW_SCAIKEY_WEBHOOK_SECRET": client_secret,
        "SANDBOX_WEBHOOK_SECRET": client_secret,
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{ports.web}/api/v1/webhooks/scaikey",
    }
    return ours | dict(base)


def throwaway_environment(base: Mapping[str, str], ports: Ports, folder: Path) -> dict[str, str]:
    """Like `environment`, with everything that is kept in `folder`."""
    kept = {
        "SCAIFLOW_ENV_FILE": "/dev/null",
        "SCAIFLOW_DB_URL": f"sqlite:///{folder}/scaiflow.db",
        "SCAIFLOW_STORAGE_URL": f"file://{folder}/objects",
        "SCAIFLOW_SECRET_KEY": secrets.token_urlsafe(48),
    }
    return environment({**base, **kept}, ports, client_secret=secrets.token_urlsafe(24))


def start_sandbox(group: Processes, env: Mapping[str, str], ports: Ports, *, state: Path | None = None) -> None:
    """Raises NotStarted."""
    kept = ["--state", str(state)] if state else []
    group.start("sandbox", [*MANAGE, "sandbox", "--port", str(ports.sandbox), *kept], env)
    group.wait_until_up("sandbox", ports.sandbox)


def start_web(group: Processes, env: Mapping[str, str], ports: Ports, *, host: str = "127.0.0.1") -> None:
    """Raises NotStarted."""
    group.start("web", web_arguments(ports.web, host=host), env)
    group.wait_until_up("web", ports.web, "/healthz")


def web_arguments(port: int, *, host: str = "127.0.0.1") -> list[str]:
    """HTTP and sockets in one process. daphne itself ends sockets without a word at 1 MiB; our own limit is
    half of what is given here, and says why."""
    largest = [f"--websocket-max-{part}-size={2 * settings.MAX_SYNC_BYTES}" for part in ("message", "frame")]
    address = ["-b", host, "-p", str(port)]
    return ["-m", "daphne", "--verbosity", "0", *largest, *address, "scaiflow.asgi:application"]


def sync_arguments(port: int, *, host: str = "127.0.0.1") -> list[str]:
    """A process for sockets alone: of the servers that were measured the cheapest (docs/realtime.md)."""
    sockets = ["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"]
    limits = [f"--ws-max-size={2 * settings.MAX_SYNC_BYTES}"]
    quiet = ["--log-level", "warning", "--no-access-log", "--lifespan", "off"]
    address = ["--host", host, "--port", str(port)]
    return ["-m", "uvicorn", *sockets, *limits, *quiet, *address, "scaiflow.asgi:application"]


def start_worker(group: Processes, env: Mapping[str, str]) -> None:
    """For installations with Redis; without it the web process works on jobs itself."""
    threads = ["--concurrency", "16", "--pool", "threads"]
    group.start("worker", ["-m", "celery", "-A", "scaiflow.celery", "worker", *threads], env)


def start_beat(group: Processes, env: Mapping[str, str]) -> None:
    group.start("beat", ["-m", "celery", "-A", "scaiflow.celery", "beat"], env)
