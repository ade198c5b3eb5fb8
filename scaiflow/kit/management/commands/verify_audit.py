from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scaiflow.kit import audit
from scaiflow.kit.models import AuditChain, AuditEntry


class Command(BaseCommand):
    help = "Check that no entry of the audit log was changed, removed or slipped in. Ends with 1 when one was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this tenant's chain")
        parser.add_argument("--heads", action="store_true", help="print each chain's end, to be kept somewhere else")
        parser.add_argument("--anchors", type=Path, help="a file of such lines: the log must still hold those entries")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [problem for tenant_id in self._tenants(options["tenant"]) for problem in audit.problems(tenant_id)]
        if options["anchors"]:
            found += audit.broken_anchors(self._anchors(options["anchors"]))
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"the audit log was tampered with: {len(found)} findings")
        self.stdout.write(f"the audit log is whole: {AuditEntry.objects.count()} entries")

        if options["heads"]:
            for head in audit.heads():
                self.stdout.write(" ".join(map(str, head)))

    def _anchors(self, file: Path) -> list[tuple[str, int, str]]:
        try:
            parts = [line.split() for line in file.read_text().splitlines() if line.count(" ") == 2]
            return [(tenant_id, int(sequence), digest) for tenant_id, sequence, digest in parts]
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from None

    def _tenants(self, only: str | None) -> list[str]:
        if only:
            return [only]
        named = AuditEntry.objects.order_by().values_list("tenant_id", flat=True).distinct()
        return sorted({*named, *AuditChain.objects.values_list("tenant_id", flat=True)})
