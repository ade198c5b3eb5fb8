"""The ScaiQueue topology that a flow declares: found or created before any Core is touched."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from scaiflow.kit.errors import UpstreamFailure
from scaiflow.upstream import scaiqueue
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.operations.credentials import Credential

DEFAULTS = {"consumer_mode": "fifo", "max_retries": 5}


class ScaiQueueAuth(UpstreamFailure):
    error = "scaiqueue_auth"


class ScaiQueueProvisionFailed(UpstreamFailure):
    error = "scaiqueue_provision_failed"


def provision(*, credential: Credential, topology: dict[str, Any]) -> dict[str, Any]:
    """`{scope_id, scope_slug, queue_ids: {slug: id}}`. Raises ScaiQueueAuth, ScaiQueueProvisionFailed, PassedThrough."""
    scope = str(topology["scope"])
    at = {"base_url": base_url_for(credential), "token": credential.token}
    queue_ids: dict[str, str] = {}
    slug: str | None = None
    try:
        scope_id = scaiqueue.ensure_scope(**at, slug=scope)
        for declared in topology.get("queues") or []:
            slug = str(declared["slug"])
            queue_ids[slug] = _ensure_queue(at, scope, scope_id, declared)
    except UpstreamError as error:
        if error.is_auth:
            fix = "Caller needs scaiqueue:manage to provision missing scopes/queues."
            raise ScaiQueueAuth(error.message, fix=fix, scope=scope, queue=slug) from None
        raise ScaiQueueProvisionFailed(error.message, scope=scope, queue=slug) from None
    except Unreachable as error:
        raise ScaiQueueProvisionFailed(str(error), scope=scope, queue=slug) from None
    return {"scope_id": scope_id, "scope_slug": scope, "queue_ids": queue_ids}


def base_url_for(credential: Credential) -> str:
    return settings.SCAIQUEUE_BASE_URL or f"{credential.base_url}/v1/modules/scaiqueue"


def _ensure_queue(at: dict[str, str], scope: str, scope_id: str, declared: dict[str, Any]) -> str:
    """A queue that is there already with another mode or another limit is not the one that the flow means."""
    wanted = {
        "slug": declared["slug"],
        "display_name": declared.get("display_name") or declared["slug"],
        **{key: declared.get(key, default) for key, default in DEFAULTS.items()},
    }
    found = scaiqueue.ensure_queue(**at, scope_id=scope_id, queue=wanted)
    differing = [key for key in DEFAULTS if key in found and found[key] != wanted[key]]
    if differing:
        key = differing[0]
        message = f"queue '{wanted['slug']}' exists with {key} {found[key]!r}, the flow declares {wanted[key]!r}"
        raise ScaiQueueProvisionFailed(message, scope=scope, queue=wanted["slug"])
    return str(found["id"])
