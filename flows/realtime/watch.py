"""Access that changes: four cheap queries for all that is open here, whenever the bell rings (kit/bell.py) and once a
second, whatever process changed it.

They only tell where something moved; what that means for somebody is asked at the one door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from django.db import connection

from flows.models import Flow, FlowACL
from tenants.models import Membership, User

Marks = dict[tuple[str, str], frozenset[Hashable]]


class Watch:
    def __init__(self) -> None:
        self._before: Marks = {}
        self._questions = Questions([], [])

    def moved(self, flow_ids: list[str], user_ids: list[str]) -> tuple[set[tuple[str, str]], Marks]:
        """`("flow", id)` and `("user", id)` of what is not as it was when last kept, or was not looked at then; and how it
        is now, to be kept once it has been acted on. Blocking; one call at a time."""
        if (self._questions.flow_ids, self._questions.user_ids) != (flow_ids, user_ids):
            self._questions = Questions(flow_ids, user_ids)
        now = self._questions.marks()
        moved = {key for key, mark in now.items() if self._before.get(key) != mark}
        return moved, now

    def keep(self, marks: Marks) -> None:
        self._before = marks


class Questions:
    """Everything in the database that decides about access to these flows by these users. The statements are kept, because
    they are asked every second and making them costs more than asking."""

    def __init__(self, flow_ids: list[str], user_ids: list[str]) -> None:
        self.flow_ids, self.user_ids = flow_ids, user_ids
        flows = Flow.objects.filter(id__in=flow_ids).values_list("id", "tenant_id", "owner_id", "deleted_at")
        entries = FlowACL.objects.filter(flow_id__in=flow_ids).values_list(
            "flow_id", "principal_type", "principal_id", "level"
        )
        users = User.objects.filter(id__in=user_ids).values_list(
            "id", "tenant_id", "admin_role", "status", "deleted_at"
        )
        groups = Membership.objects.living().filter(user_id__in=user_ids)
        memberships = groups.values_list("user_id", "group_id", "tenant_id", "group__tenant_id")
        self._of_flows = [asked.query.sql_with_params() for asked in (flows, entries) if flow_ids]
        self._of_users = [asked.query.sql_with_params() for asked in (users, memberships) if user_ids]

    def marks(self) -> Marks:
        found: dict[tuple[str, str], set[Hashable]] = defaultdict(set)
        with connection.cursor() as cursor:
            for kind, statements in (("flow", self._of_flows), ("user", self._of_users)):
                for sql, values in statements:
                    cursor.execute(sql, values)
                    for row in cursor.fetchall():
                        found[kind, str(row[0])].add(row)
        keys = [("flow", flow_id) for flow_id in self.flow_ids] + [("user", user_id) for user_id in self.user_ids]
        return {key: frozenset(found[key]) for key in keys}
