"""The ScaiQueue topology that a flow declares: found or created before any Core is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from flows.topology import declared_queues, difference
from scaiflow.kit.errors import UpstreamFailure
from scaiflow.upstream import scaiqueue
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.operations.credentials import Credential


@dataclass
class Place:
    """How far the walk through a topology has come."""

    queue: str | None = None


class ScaiQueueAuth(UpstreamFailure):
    """ScaiQueue does not take the credential, or the credential may not do this."""

    error = "scaiqueue_auth"


class ScaiQueueProvisionFailed(UpstreamFailure):
    """A scope or a queue that the flow declares could not be made; no Core was touched."""

    error = "scaiqueue_provision_failed"


@contextmanager
def named_failures(scope: str) -> Iterator[Place]:
    """Tells what ScaiQueue fails at as the documented errors; the body keeps the place up to date."""
    at = Place()
    try:
        yield at
    except UpstreamError as error:
        if error.is_auth:
            fix = "Caller needs scaiqueue:manage to provision missing scopes/queues."
            raise ScaiQueueAuth(error.message, fix=fix, scope=scope, queue=at.queue) from None
        raise ScaiQueueProvisionFailed(error.message, scope=scope, queue=at.queue) from None
    except Unreachable as error:
        raise ScaiQueueProvisionFailed(str(error), scope=scope, queue=at.queue) from None


def topology_of(content: dict[str, Any]) -> dict[str, Any] | None:
    """What `config.scaiqueue` declares, or None when that is nothing."""
    declared: dict[str, Any] = (content.get("config") or {}).get("scaiqueue") or {}
    return declared if declared.get("scope") or declared.get("queues") else None


def _scope_of(topology: dict[str, Any]) -> str:
    """Raises ScaiQueueProvisionFailed: queues without a scope have no place to be in."""
    scope = topology.get("scope")
    if not scope:
        raise ScaiQueueProvisionFailed("the flow's config.scaiqueue has queues but no scope", scope=None, queue=None)
    return str(scope)


def provision(*, credential: Credential, topology: dict[str, Any]) -> dict[str, Any]:
    """`{scope_id, scope_slug, queue_ids: {slug: id}}`. Raises ScaiQueueAuth, ScaiQueueProvisionFailed, PassedThrough."""
    scope = _scope_of(topology)
    service = service_of(credential)
    queue_ids: dict[str, str] = {}
    with named_failures(scope) as at:
        scope_id = scaiqueue.ensure_scope(**service, slug=scope)
        for wanted in declared_queues(topology):
            at.queue = wanted["slug"]
            found = scaiqueue.ensure_queue(**service, scope_id=scope_id, queue=wanted)
            _check_same(found, wanted, scope)
            queue_ids[wanted["slug"]] = str(found["id"])
    return {"scope_id": scope_id, "scope_slug": scope, "queue_ids": queue_ids}


def survey(*, credential: Credential, topology: dict[str, Any]) -> dict[str, Any]:
    """What `provision` would do, found out by reading alone: `{scope, scope_exists, create, existing, conflicts}` (slugs; a
    conflict is a queue that exists otherwise than declared). Raises as `provision` does."""
    scope = _scope_of(topology)
    service = service_of(credential)
    with named_failures(scope):
        scope_id = scaiqueue.find_scope(**service, slug=scope)
        listed = scaiqueue.list_queues(**service, scope_id=scope_id) if scope_id else []
    there = {str(queue.get("slug")): queue for queue in listed}
    wanted = {queue["slug"]: queue for queue in declared_queues(topology)}
    differing = [slug for slug in wanted if slug in there and difference(there[slug], wanted[slug])]
    return {
        "scope": scope,
        "scope_exists": scope_id is not None,
        "create": [slug for slug in wanted if slug not in there],
        "existing": [slug for slug in wanted if slug in there and slug not in differing],
        "conflicts": differing,
    }


def service_of(credential: Credential) -> dict[str, str]:
    return credential.at("scaiqueue", settings.SCAIQUEUE_BASE_URL)


def _check_same(found: dict[str, Any], wanted: dict[str, Any], scope: str) -> None:
    key = difference(found, wanted)
    if key:
        message = f"queue '{wanted['slug']}' exists with {key} {found[key]!r}, the flow declares {wanted[key]!r}"
        raise ScaiQueueProvisionFailed(message, scope=scope, queue=wanted["slug"])
