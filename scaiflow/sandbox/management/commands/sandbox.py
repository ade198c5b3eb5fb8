"""`manage.py sandbox`: the same as `python -m scaiflow.sandbox`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scaiflow.sandbox import cli
from scaiflow.sandbox.config import ConfigError


class Command(BaseCommand):
    """Serve the five upstreams on loopback until SIGTERM or SIGINT."""

    help = (
        "Serve ScaiKey, ScaiGrid, ScaiQueue, ScaiBunker and ScaiVault stand-ins on one loopback port (development aid)."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cli.serve(options)
        except ConfigError as error:
            raise CommandError(str(error)) from error
