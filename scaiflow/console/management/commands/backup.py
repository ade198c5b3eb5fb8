from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flows.operations.documents import copy_files
from scaiflow.console.backup import back_up


class Command(BaseCommand):
    help = "Write the whole installation, rows and objects, into a new folder. Keep SCAIFLOW_ENCRYPTION_KEYS somewhere else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if folder.exists():
            raise CommandError(f"{folder} exists; a backup is never written over another")
        copy_files()
        manifest = back_up(folder)
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(
            f"{rows} rows of {len(manifest['tables'])} tables and {len(manifest['objects'])} objects in {folder}"
        )
