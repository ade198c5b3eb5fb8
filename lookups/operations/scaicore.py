"""Events and checkpoints of a Core, its invocation, and the resolution of its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.roles import Level
from lookups.actions import CHECKPOINT_RESOLVED, CORE_INVOKED
from lookups.failures import told_as
from lookups.operations.cores import Core, core_for, core_of_checkpoint
from scaiflow.kit import audit
from scaiflow.kit.errors import PassedThrough, UpstreamFailure
from scaiflow.upstream import scaicore
from tenants.principals import Principal

SERVICE = "scaicore"
LOOK, ACT = "scaicore:view", "scaicore:manage"


def list_events(*, by: Principal, core_id: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{events, next_cursor}`, the events as ScaiCore gives them. Raises NotFound, NotAllowed, MissingCredentials,
    ServiceRefused, ServiceFailed, PassedThrough; so do the others here."""
    core = core_for(by, core_id, level=Level.VIEW)
    with told_as(SERVICE, needs=LOOK):
        page = scaicore.list_events(**core.at, core_id=core_id, limit=limit, cursor=cursor)
    return {"events": page.items, "next_cursor": page.next_cursor}


def list_checkpoints(*, by: Principal, core_id: str, status: str, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{checkpoints, next_cursor}`, the checkpoints as ScaiCore gives them."""
    core = core_for(by, core_id, level=Level.VIEW)
    with told_as(SERVICE, needs=LOOK):
        page = scaicore.list_checkpoints(**core.at, core_id=core_id, status=status, limit=limit, cursor=cursor)
    return {"checkpoints": page.items, "next_cursor": page.next_cursor}


def invoke_core(*, by: Principal, core_id: str, arguments: Any) -> dict[str, Any]:
    """`{output, execution_id?, ...}`."""
    core = core_for(by, core_id, level=Level.DEPLOY)
    with _written_down(CORE_INVOKED, by, core, "core", core_id), told_as(SERVICE, needs=ACT):
        return scaicore.invoke(**core.at, core_id=core_id, arguments=arguments)


def resolve_checkpoint(*, by: Principal, checkpoint_id: str, core_id: str | None, body: dict[str, Any]) -> Any:
    """What ScaiCore answers; the body is passed on. `core_id` is the caller's hint (see `core_of_checkpoint`)."""
    with told_as(SERVICE, needs=LOOK):
        core = core_of_checkpoint(by, checkpoint_id, core_id=core_id, level=Level.DEPLOY)
    with _written_down(CHECKPOINT_RESOLVED, by, core, "checkpoint", checkpoint_id), told_as(SERVICE, needs=ACT):
        return scaicore.resolve_checkpoint(**core.at, checkpoint_id=checkpoint_id, body=body)


@contextmanager
def _written_down(action: str, by: Principal, core: Core, object_type: str, object_id: str) -> Iterator[None]:
    """What is changed stands at ScaiCore and not in our rows, so there is no transaction to share: the entry follows the
    answer, whichever it was. Neither inputs nor decisions get in; the log is kept longer than they should be."""
    entry: dict[str, Any] = {
        "action": action, "tenant_id": core.tenant_id, "actor_id": by.sub, "object_type": object_type,
        "object_id": object_id, "changes": {"core": core.id, "flow": core.flow_id},
    }  # fmt: skip
    try:
        yield
    except (UpstreamFailure, PassedThrough):
        audit.record(**entry, result=audit.FAILED)
        raise
    audit.record(**entry)
