from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scaiflow.kit.errors import UpstreamFailure
from tenants.operations.sync import sync


class Command(BaseCommand):
    help = "Bring the mirror of ScaiKey's users, groups and memberships up to date, and tell what was done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="delete also where a list has shrunk by more than half"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = sync(force=options["force"])
        except UpstreamFailure as error:
            raise CommandError(f"ScaiKey: {error.message}; nothing was changed") from None
        for name, value in report.items():
            self.stdout.write(f"{name}: {value}")
