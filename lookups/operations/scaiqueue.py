"""Scopes and queues, as the canvas shows them."""

from __future__ import annotations

from typing import Any

from flows.operations.queues import service_of
from lookups.failures import told_as
from scaiflow.upstream import scaiqueue
from tenants.operations.credentials import required_credential
from tenants.principals import Principal

NEEDS = "scaiqueue:view"


def list_scopes(*, by: Principal) -> list[dict[str, Any]]:
    """`[{id, slug, display_name, description}]`. Raises MissingCredentials, ServiceRefused, ServiceFailed, PassedThrough."""
    credential = required_credential(tenant_id=by.tenant_id, token=by.token)
    with told_as("scaiqueue", needs=NEEDS):
        found = scaiqueue.list_scopes(**service_of(credential))
    return [{**_names_of(scope), "description": scope.get("description")} for scope in found]


def list_queues(*, by: Principal, scope_id: str) -> list[dict[str, Any]]:
    """`[{id, scope_id, slug, display_name, consumer_mode, max_retries}]`. Raises as `list_scopes` does."""
    credential = required_credential(tenant_id=by.tenant_id, token=by.token)
    with told_as("scaiqueue", needs=NEEDS):
        found = scaiqueue.list_queues(**service_of(credential), scope_id=scope_id)
    return [
        {
            **_names_of(queue),
            "scope_id": queue.get("scope_id") or scope_id,
            "consumer_mode": queue.get("consumer_mode"),
            "max_retries": queue.get("max_retries"),
        }
        for queue in found
    ]


def _names_of(item: dict[str, Any]) -> dict[str, Any]:
    slug = item.get("slug")
    return {"id": item.get("id"), "slug": slug, "display_name": item.get("display_name") or item.get("name") or slug}
