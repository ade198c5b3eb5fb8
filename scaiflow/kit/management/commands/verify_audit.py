from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scaiflow.kit import audit
from scaiflow.kit.models import AuditChain, AuditEntry


class Command(BaseCommand):
    help = "Check that no entry of the audit log was changed, removed or slipped in. Ends with 1 when one was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this tenant's chain")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [problem for tenant_id in self._tenants(options["tenant"]) for problem in audit.problems(tenant_id)]
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"the audit log was tampered with: {len(found)} findings")
        self.stdout.write(f"the audit log is whole: {AuditEntry.objects.count()} entries")

    def _tenants(self, only: str | None) -> list[str]:
        if only:
            return [only]
        named = AuditEntry.objects.order_by().values_list("tenant_id", flat=True).distinct()
        return sorted({*named, *AuditChain.objects.values_list("tenant_id", flat=True)})
