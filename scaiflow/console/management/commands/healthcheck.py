from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from scaiflow.console.views.health import parts_in_words
from scaiflow.kit.alive import is_alive

OVER_HTTP, BY_SIGNS = ("web", "sync"), ("worker", "beat")


class Command(BaseCommand):
    help = "Ends with 0 when the process of this role lives here and what it stands on answers; else with 1 and the reason."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", choices=[*OVER_HTTP, *BY_SIGNS])
        parser.add_argument("--port", type=int, default=settings.API_PORT, help="of web and sync")

    def handle(self, *args: Any, role: str, port: int, **options: Any) -> None:
        problems = self._asked(port) if role in OVER_HTTP else self._signs(role)
        if problems:
            raise CommandError(f"{role} is not ready: {'; '.join(problems)}")
        self.stdout.write(f"{role} is ready")

    def _asked(self, port: int) -> list[str]:
        connection = HTTPConnection("127.0.0.1", port, timeout=6)
        try:
            connection.request("GET", "/readyz", headers={"Host": settings.ALLOWED_HOSTS[0]})
            answer = connection.getresponse()
            return [] if answer.status == 200 else [answer.read().decode(errors="replace")]
        except (OSError, HTTPException) as error:
            return [f"nothing answers on port {port} ({type(error).__name__})"]
        finally:
            connection.close()

    def _signs(self, role: str) -> list[str]:
        silent = [] if is_alive(role) else ["it gave no sign of life for a minute"]
        return silent + [f"{name} {word}" for name, word in parts_in_words().items() if not word.startswith("ok")]
