"""A whole ScaiFlow on loopback: the sandbox in the place of the upstreams, and the server in front of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    arguments = ["-m", "daphne", "--verbosity", "0", "-b", host, "-p", str(ports.web), "scaiflow.asgi:application"]
    group.start("web", arguments, env)
    group.wait_until_up("web", ports.web, "/healthz")


def start_worker(group: Processes, env: Mapping[str, str]) -> None:
    """For installations with Redis; without it the web process works on jobs itself."""
    threads = ["--concurrency", "16", "--pool", "threads"]
    group.start("worker", ["-m", "celery", "-A", "scaiflow.celery", "worker", *threads], env)


def start_beat(group: Processes, env: Mapping[str, str]) -> None:
    group.start("beat", ["-m", "celery", "-A", "scaiflow.celery", "beat"], env)
