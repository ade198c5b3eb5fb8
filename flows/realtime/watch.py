"""Access that changes: four cheap queries a second for all that is open here, whatever process changed it.

They only tell where something moved; what that means for somebody is asked at the one door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable

from flows.models import Flow, FlowACL
from tenants.models import Membership, User

Marks = dict[tuple[str, str], frozenset[Hashable]]


class Watch:
    def __init__(self) -> None:
        self._before: Marks = {}

    def moved(self, flow_ids: list[str], user_ids: list[str]) -> set[tuple[str, str]]:
        """`("flow", id)` and `("user", id)` of what is not as it was at the last look, or was not looked at then.
        Blocking; one call at a time."""
        now = marks(flow_ids, user_ids)
        moved = {key for key, mark in now.items() if self._before.get(key) != mark}
        self._before = now
        return moved


def marks(flow_ids: list[str], user_ids: list[str]) -> Marks:
    """Everything in the database that decides about access to these flows by these users."""
    found: dict[tuple[str, str], set[Hashable]] = defaultdict(set)
    flows = Flow.objects.filter(id__in=flow_ids).values_list("id", "tenant_id", "owner_id", "deleted_at")
    entries = FlowACL.objects.filter(flow_id__in=flow_ids).values_list(
        "flow_id", "principal_type", "principal_id", "level"
    )
    users = User.objects.filter(id__in=user_ids).values_list("id", "tenant_id", "admin_role", "status", "deleted_at")
    groups = Membership.objects.living().filter(user_id__in=user_ids).values_list("user_id", "group_id", "tenant_id")
    for kind, rows in (("flow", flows), ("flow", entries), ("user", users), ("user", groups)):
        _add(found, kind, rows)
    keys = [("flow", flow_id) for flow_id in flow_ids] + [("user", user_id) for user_id in user_ids]
    return {key: frozenset(found[key]) for key in keys}


def _add(found: dict[tuple[str, str], set[Hashable]], kind: str, rows: Iterable[tuple[Hashable, ...]]) -> None:
    for row in rows:
        found[kind, str(row[0])].add(row)
