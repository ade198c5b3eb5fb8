"""`make run`: everything on loopback until Ctrl-C."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from scaiflow.console.processes import NotStarted, Processes, Stopped, is_taken
from scaiflow.console.stage import MANAGE, Ports, environment, start_beat, start_sandbox, start_web, start_worker
from scaiflow.env import VAR_DIR


class Command(BaseCommand):
    help = "Start the sandbox and the server on loopback with the demo tenant seeded, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--sandbox-port", type=int, default=8100)
        parser.add_argument("--sandbox-state", type=Path, default=VAR_DIR / "sandbox.db")

    def handle(self, *args: Any, **options: Any) -> None:
        ports = Ports(web=settings.API_PORT, sandbox=options["sandbox_port"])
        try:
            with Processes() as group:
                group.stop_at(signal.SIGTERM, signal.SIGINT)
                self._start(group, ports, options["sandbox_state"])
                self._invite(ports)
                ended = group.wait_for_any_end()
            raise CommandError(f"{ended} ended; everything else was stopped")
        except NotStarted as error:
            raise CommandError(str(error)) from None
        except Stopped:
            self.stdout.write("stopped")

    def _start(self, group: Processes, ports: Ports, state: Path) -> None:
        own_upstreams = bool(settings.SCAIKEY_BASE_URL)
        for port, variable in ((ports.web, "SCAIFLOW_API_PORT"), (ports.sandbox, "--sandbox-port")):
            if is_taken(port) and not (own_upstreams and port == ports.sandbox):
                raise CommandError(f"port {port} is taken; choose another with {variable}")
        env = environment({"SCAIFLOW_LOG_FORMAT": "console", **os.environ}, ports, client_secret="sandbox-secret")  # noqa: S106
        group.run("migrate", [*MANAGE, "migrate", "--noinput", "--verbosity", "0"], env)
        if not own_upstreams:
            state.parent.mkdir(exist_ok=True)
            start_sandbox(group, env, ports, state=state)
            group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports, host=settings.API_HOST)
        if settings.REDIS_URL:
            start_worker(group, env)
            start_beat(group, env)

    def _invite(self, ports: Ports) -> None:
        lines = ["", f"  ScaiFlow  http://127.0.0.1:{ports.web}"]
        if not settings.SCAIKEY_BASE_URL:
            lines += [
                f"  Sandbox   http://127.0.0.1:{ports.sandbox}   (a stand-in for ScaiKey, ScaiGrid and the others)",
                "",
                "  Ready logins, without a password:",
                "    ada@demo.test   author         vera@demo.test  viewer",
                "    tara@demo.test  tenant admin   sam@demo.test   super admin",
                "    olaf@other.test author of another tenant",
            ]
        self.stdout.write("\n".join([*lines, "", "  Ctrl-C stops all of it.", ""]))
