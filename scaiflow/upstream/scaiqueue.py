"""ScaiQueue: find or create a scope and its queues. (spec: upstreams.md, ScaiQueue)

A POST for a taken slug answers 409 and returns nothing, so whoever loses the race lists again and takes what is there.
"""

from __future__ import annotations

from typing import Any

from scaiflow.kit import json
from scaiflow.upstream.http import Unreachable, UpstreamError, call, expect_object, segment, unwrap
from scaiflow.upstream.pages import Item, all_items

SERVICE = "scaiqueue"


def ensure_scope(*, base_url: str, token: str, slug: str) -> str:
    """The scope's id. Raises UpstreamError, Unreachable."""
    return str(_ensure(f"{base_url}/scopes", token, {"slug": slug, "display_name": slug})["id"])


def ensure_queue(*, base_url: str, token: str, scope_id: str, queue: dict[str, Any]) -> dict[str, Any]:
    """The queue as ScaiQueue has it, which may differ from what was asked for. Raises UpstreamError, Unreachable."""
    return _ensure(f"{base_url}/scopes/{segment(scope_id)}/queues", token, queue)


def find_scope(*, base_url: str, token: str, slug: str) -> str | None:
    """The id of the scope, or None when there is none. Only reads. Raises UpstreamError, Unreachable."""
    found = _find(f"{base_url}/scopes", token, slug)
    return str(found["id"]) if found else None


def list_scopes(*, base_url: str, token: str) -> list[Item]:
    """Raises UpstreamError, Unreachable, PassedThrough."""
    return list(all_items(SERVICE, f"{base_url}/scopes", token=token))


def list_queues(*, base_url: str, token: str, scope_id: str) -> list[Item]:
    """Raises UpstreamError, Unreachable, PassedThrough, NotFound (an id that is none)."""
    return list(all_items(SERVICE, f"{base_url}/scopes/{segment(scope_id)}/queues", token=token))


def _ensure(url: str, token: str, wanted: dict[str, Any]) -> dict[str, Any]:
    return _find(url, token, wanted["slug"]) or _create(url, token, wanted)


def _create(url: str, token: str, wanted: dict[str, Any]) -> dict[str, Any]:
    try:
        made = unwrap(call(SERVICE, "POST", url, token=token, body=json.dumps(wanted)).data)
    except UpstreamError as error:
        found = _find(url, token, wanted["slug"]) if error.status == 409 else None
        if found is None:
            raise
        return found
    return _with_id(made)


def _find(url: str, token: str, slug: str) -> dict[str, Any] | None:
    return next((_with_id(item) for item in all_items(SERVICE, url, token=token) if item.get("slug") == slug), None)


def _with_id(item: Any) -> dict[str, Any]:
    found = expect_object(SERVICE, item)
    if not isinstance(found.get("id"), str):
        raise Unreachable(SERVICE, "answered without an id")
    return found
