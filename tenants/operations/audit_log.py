"""The audit log, for those who may read it: tenant admins their tenant's, super admins all."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from scaiflow.kit.models import AuditEntry
from tenants.operations.admin_roles import require_tenant_admin
from tenants.operations.people import tenant_of_interest
from tenants.principals import Principal


def audit_entries(
    *, by: Principal, tenant_id: str = "", since: datetime | None = None, until: datetime | None = None, **exact: str
) -> QuerySet[AuditEntry]:
    """Raises NotAllowed."""
    require_tenant_admin(by)
    found = AuditEntry.objects.filter(**{name: value for name, value in exact.items() if value})
    if not by.is_super_admin or tenant_id:
        found = found.filter(tenant_id=tenant_of_interest(by, tenant_id))
    if since:
        found = found.filter(at__gte=since)
    return found.filter(at__lte=until) if until else found
