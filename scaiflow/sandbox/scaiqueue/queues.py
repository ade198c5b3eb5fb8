"""Scopes, queues and messages of a tenant, for the HTTP doors and for the runtime alike."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import ApiError
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

MODES = ("fifo", "priority", "deadline", "broadcast")
_PRIORITIES = {"low": -1, "normal": 0, "medium": 0, "high": 1, "urgent": 2, "critical": 2}


def create_scope(sandbox: Sandbox, tenant_id: str, slug: str, display_name: str, description: str) -> dict[str, Any]:
    """A new scope; 409 when the slug is taken."""
    body = {"id": sandbox.ids.new("sc"), "slug": slug, "display_name": display_name, "description": description}
    with sandbox.store.transaction():
        _claim(sandbox, f"{tenant_id}/{slug}", body["id"], f"scope {slug!r} already exists")
        sandbox.store.add("scope", body["id"], body, tenant=tenant_id)
    return body


def create_queue(
    sandbox: Sandbox, scope: Document, slug: str, display_name: str, consumer_mode: str, max_retries: int
) -> dict[str, Any]:
    """A new queue of a scope; 409 when the slug is taken there."""
    body = {
        "id": sandbox.ids.new("q"),
        "scope_id": scope.id,
        "slug": slug,
        "display_name": display_name,
        "consumer_mode": consumer_mode,
        "max_retries": max_retries,
    }
    with sandbox.store.transaction():
        _claim(sandbox, f"{scope.id}/{slug}", str(body["id"]), f"queue {slug!r} already exists")
        sandbox.store.add("queue", str(body["id"]), body, tenant=scope.tenant, ref=scope.id)
    return body


def _claim(sandbox: Sandbox, key: str, id: str, message: str) -> None:
    if not sandbox.store.add("queue_slug", key, {"id": id}):
        raise ApiError(409, "SLUG_CONFLICT", message)


def queue_for(sandbox: Sandbox, tenant_id: str, scope: str, queue: str) -> Document | None:
    """The queue by the slugs of scope and queue, None when there is none."""
    scope_slug = sandbox.store.get("queue_slug", f"{tenant_id}/{scope}")
    queue_slug = scope_slug and sandbox.store.get("queue_slug", f"{scope_slug.body['id']}/{queue}")
    return sandbox.store.get("queue", queue_slug.body["id"]) if queue_slug else None


def publish(sandbox: Sandbox, queue: Document, message: dict[str, Any]) -> dict[str, Any]:
    """Put a message on a queue; returns it with its id."""
    body = {
        "id": sandbox.ids.new("msg"),
        "queue_id": queue.id,
        "message_type": message.get("message_type") or "message",
        "payload": message.get("payload"),
        "priority": message.get("priority") or "normal",
        "labels": message.get("labels") or {},
        "published_at": iso(sandbox.clock.now()),
        **{name: message[name] for name in ("reason", "checkpoint_id", "execution_id") if message.get(name)},
    }
    sandbox.store.add("message", body["id"], body, tenant=queue.tenant, ref=queue.id)
    return body


def waiting(sandbox: Sandbox, queue: Document) -> list[dict[str, Any]]:
    """The queue's messages, the next one to be consumed first."""
    messages = [row.body for row in sandbox.store.find("message", ref=queue.id)]
    if queue.body["consumer_mode"] == "priority":
        return sorted(messages, key=lambda message: -_rank(message["priority"]))
    if queue.body["consumer_mode"] == "deadline":
        return sorted(messages, key=_deadline)
    return messages


def _rank(priority: Any) -> float:
    if isinstance(priority, int | float):
        return float(priority)
    return _PRIORITIES.get(str(priority).lower(), 0)


def _deadline(message: dict[str, Any]) -> str:
    """ISO times sort as text; a message without a deadline comes last."""
    labels = message["labels"]
    return str(labels.get("deadline") or "~") if isinstance(labels, dict) else "~"


def consume(sandbox: Sandbox, queue: Document, consumer: str, limit: int) -> list[dict[str, Any]]:
    """Take up to `limit` messages. A broadcast queue keeps its own and gives each of them to every consumer once."""
    with sandbox.store.transaction():
        if queue.body["consumer_mode"] != "broadcast":
            taken = waiting(sandbox, queue)[:limit]
            for message in taken:
                sandbox.store.delete("message", message["id"])
            return taken
        fresh = [message for message in waiting(sandbox, queue) if _unseen(sandbox, message, consumer)]
        for message in fresh[:limit]:
            sandbox.store.add("delivery", f"{message['id']}/{consumer}", {})
        return fresh[:limit]


def _unseen(sandbox: Sandbox, message: dict[str, Any], consumer: str) -> bool:
    return sandbox.store.get("delivery", f"{message['id']}/{consumer}") is None
