"""`scaiqueue`: publish and escalate onto the tenant's queues."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.plugins.call import Call
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.scaiqueue import queues


def publish(call: Call) -> dict[str, Any]:
    return _put(call, call.args)


def escalate(call: Call) -> dict[str, Any]:
    """A message of type `escalation`, of high priority, with the reason."""
    return _put(call, {"message_type": "escalation", "priority": "high", **call.args})


def _put(call: Call, message: dict[str, Any]) -> dict[str, Any]:
    scope, slug = call.text("scope"), call.text("queue")
    queue = queues.queue_for(call.sandbox, call.tenant_id, scope, slug)
    if queue is None:
        raise StepFailed(f"{call.name}: there is no queue {slug!r} in scope {scope!r}")
    made = queues.publish(call.sandbox, queue, {**message, "execution_id": call.execution_id})
    return {"message_id": made["id"], "queue": slug}
