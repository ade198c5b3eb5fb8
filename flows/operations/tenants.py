"""A tenant's flows, and the tenants that there are, for admins."""

from __future__ import annotations

from django.db.models import Count

from flows.models import Flow
from flows.models.flows import FlowQuerySet
from tenants.operations.people import tenant_of_interest, tenants_in_mirror
from tenants.principals import Principal


def flows_of_tenant(*, by: Principal, tenant_id: str) -> FlowQuerySet:
    """Raises NotAllowed."""
    found: FlowQuerySet = Flow.objects.visible_to(by).living().filter(tenant_id=tenant_of_interest(by, tenant_id))
    return found


def all_tenants(*, by: Principal) -> list[dict[str, object]]:
    """`[{id, users, groups, flows}]`: the mirror's, and those that have flows only. Raises NotAllowed."""
    mirror = tenants_in_mirror(by=by)
    rows = Flow.objects.living().order_by().values_list("tenant_id").annotate(Count("pk"))
    flows: dict[str, int] = dict(rows)
    empty = {"users": 0, "groups": 0}
    return [
        {"id": tenant_id, **mirror.get(tenant_id, empty), "flows": flows.get(tenant_id, 0)}
        for tenant_id in sorted({*mirror, *flows})
    ]
