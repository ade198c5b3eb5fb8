from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flows.operations.documents import set_aside_files
from scaiflow.console.backup import NotRestored, restore
from scaiflow.kit import audit
from scaiflow.kit.models import AuditChain
from tenants.operations.start import refuse_unknown_keys


class Command(BaseCommand):
    help = "Bring a backup back into an empty, migrated installation, and compare every digest."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            manifest = restore(folder, when_empty=self._set_aside)
        except (NotRestored, FileNotFoundError) as error:
            raise CommandError(str(error)) from None
        refuse_unknown_keys()
        broken = [found for tenant in AuditChain.objects.all() for found in audit.problems(tenant.tenant_id)]
        if broken:
            raise CommandError(f"restored, but the audit log is not whole: {broken[0]}")
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(f"restored {rows} rows and {len(manifest['objects'])} objects; every digest is as it was")

    def _set_aside(self) -> None:
        """Edits that were made live in the database that was here before, and never got into it: with the next start they
        would get into this one."""
        try:
            for path in set_aside_files():
                self.stdout.write(f"set aside {path}: live edits of the database that was here before")
        except BlockingIOError:
            raise NotRestored("a server of this installation is running; end it first") from None
