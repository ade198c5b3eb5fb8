"""Live editing, as the audit log tells of it: who wrote in a shared document, one entry for each person and sitting.

A sitting is somebody's time on a flow's sync socket. What they write first in it becomes a row of the document's log in the
transaction of the entry, before anybody is told of it; what follows needs no more of the database. (docs/adr/0015)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import structlog
from django.db import transaction

from flows.actions import FLOW_EDITED_LIVE
from flows.models import Flow
from flows.operations.documents import append_updates
from scaiflow.kit import audit


class Sitting(NamedTuple):
    """Who begins to write, and the id of their socket's request."""

    user_id: str
    request_id: str


def begin_sittings(flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
    """The write group in which these people wrote first, and their entries: all of it or nothing. Raises DatabaseError."""
    with transaction.atomic():
        append_updates([(flow_id, change)])
        tenant_id = Flow.objects.values_list("tenant_id", flat=True).get(id=flow_id)
        for sitting in sittings:
            with structlog.contextvars.bound_contextvars(request_id=sitting.request_id):
                audit.record(
                    action=FLOW_EDITED_LIVE, tenant_id=tenant_id, actor_id=sitting.user_id, object_type="flow",
                    object_id=flow_id,
                )  # fmt: skip
