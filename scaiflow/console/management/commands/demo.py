"""`make demo`: the main job against a server of its own, which is gone when it ends."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scaiflow.console.demo import EXAMPLE, Demo, StepOff
from scaiflow.console.processes import NotStarted, Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, throwaway_environment
from scaiflow.console.visitor import Visitor


class Command(BaseCommand):
    help = "Sign in, draw, save, compile, deploy and test a flow, over HTTP, and leave nothing running."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="scaiflow-demo-") as name:
            try:
                self._play(Path(name))
            except (NotStarted, StepOff, OSError, ValueError) as error:
                raise CommandError(f"the demo is off: {error}") from None
        self.stdout.write(f"\nAll of it in {time.perf_counter() - started:.1f} s; nothing is left running.")
        self.stdout.write("To keep a server open in the browser: make run, then http://127.0.0.1:8001")

    def _play(self, folder: Path) -> None:
        ports = Ports(web=free_port(), sandbox=free_port())
        env = throwaway_environment(clean_environment(), ports, folder)
        with Processes(logs=folder) as group:
            self.stdout.write(f"starting a sandbox on port {ports.sandbox} and a server on port {ports.web} ...\n\n")
            start_sandbox(group, env, ports)
            group.run("migrate", [*MANAGE, "migrate", "--noinput", "--verbosity", "0"], env)
            start_web(group, env, ports)
            content = json.loads((settings.BASE_DIR / EXAMPLE).read_bytes())
            for step in Demo(Visitor(f"http://127.0.0.1:{ports.web}"), content).steps():
                self.stdout.write(f"{step.number:>2}. {step.title}")
                self.stdout.write(f"    {step.call}  {step.status}  {step.seconds:.2f} s")
                self.stdout.write(f"    {step.said}")
                self.stdout.flush()
