"""ScaiQueue: find or create a scope and its queues. (spec: upstreams.md, ScaiQueue)

A POST for a taken slug answers 409 and returns nothing, so whoever loses the race lists again and takes what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from scaiflow.kit import json
from scaiflow.upstream.http import Unreachable, UpstreamError, call, expect_object, unwrap

SERVICE = "scaiqueue"
MAX_PAGES = 100


def ensure_scope(*, base_url: str, token: str, slug: str) -> str:
    """The scope's id. Raises UpstreamError, Unreachable."""
    return str(_ensure(f"{base_url}/scopes", token, {"slug": slug, "display_name": slug})["id"])


def ensure_queue(*, base_url: str, token: str, scope_id: str, queue: dict[str, Any]) -> dict[str, Any]:
    """The queue as ScaiQueue has it, which may differ from what was asked for. Raises UpstreamError, Unreachable."""
    return _ensure(f"{base_url}/scopes/{quote(scope_id, safe='')}/queues", token, queue)


def find_scope(*, base_url: str, token: str, slug: str) -> str | None:
    """The id of the scope, or None when there is none. Only reads. Raises UpstreamError, Unreachable."""
    found = _find(f"{base_url}/scopes", token, slug)
    return str(found["id"]) if found else None


def list_queues(*, base_url: str, token: str, scope_id: str) -> dict[str, dict[str, Any]]:
    """The scope's queues by slug. Only reads. Raises UpstreamError, Unreachable."""
    queues = _pages(f"{base_url}/scopes/{quote(scope_id, safe='')}/queues", token)
    return {str(queue.get("slug")): queue for queue in queues}


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
    return next((_with_id(item) for item in _pages(url, token) if item.get("slug") == slug), None)


def _pages(url: str, token: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        body = call(SERVICE, "GET", url, token=token, params={"limit": 100, "cursor": cursor}).data
        data = unwrap(body)
        items = data.get("items") if isinstance(data, dict) else data
        if not isinstance(items, list):
            raise Unreachable(SERVICE, "answered with JSON of an unexpected shape")
        yield from (item for item in items if isinstance(item, dict))
        cursor = next((a["next_cursor"] for a in (body, data) if isinstance(a, dict) and a.get("next_cursor")), None)
        if not cursor:
            return


def _with_id(item: Any) -> dict[str, Any]:
    found = expect_object(SERVICE, item)
    if not isinstance(found.get("id"), str):
        raise Unreachable(SERVICE, "answered without an id")
    return found
