"""ScaiCore, a module of ScaiGrid: what runs of a Core leave behind, and what can be asked of one. (spec: upstreams.md)

Everything below raises UpstreamError, Unreachable and, for 429, PassedThrough.
"""

from __future__ import annotations

from typing import Any

from scaiflow.kit import json
from scaiflow.upstream.http import READ_SECONDS, call, segment, unwrap
from scaiflow.upstream.pages import Page, page_of

SERVICE = "scaicore"
ROOT = "/v1/modules/scaicore"
INVOKE_SECONDS = 60.0


def list_events(
    *, base_url: str, token: str, core_id: str, limit: int, cursor: str | None, seconds: float = READ_SECONDS
) -> Page:
    """One page of a Core's events, as the service orders them."""
    query: dict[str, str | int | None] = {"core_id": core_id, "limit": limit, "cursor": cursor}
    url = f"{base_url}{ROOT}/events"
    return page_of(SERVICE, call(SERVICE, "GET", url, token=token, params=query, read_seconds=seconds).data, "events")


def list_checkpoints(
    *, base_url: str, token: str, core_id: str | None, status: str, limit: int, cursor: str | None
) -> Page:
    """One page of a Core's checkpoints; of all Cores that the token may see, where `core_id` is None."""
    query: dict[str, str | int | None] = {"core_id": core_id, "status": status, "limit": limit, "cursor": cursor}
    answer = call(SERVICE, "GET", f"{base_url}{ROOT}/checkpoints", token=token, params=query)
    return page_of(SERVICE, answer.data, "checkpoints")


def resolve_checkpoint(*, base_url: str, token: str, checkpoint_id: str, body: dict[str, Any]) -> Any:
    """What the service answers, out of its envelope. The run goes on at once, so this may take as long as it does."""
    url = f"{base_url}{ROOT}/checkpoints/{segment(checkpoint_id)}/resolve"
    return unwrap(call(SERVICE, "POST", url, token=token, body=json.dumps(body), read_seconds=INVOKE_SECONDS).data)


def invoke(*, base_url: str, token: str, core_id: str, arguments: Any) -> dict[str, Any]:
    """`{output, execution_id?, ...}`, also where the service answers with the bare output."""
    url = f"{base_url}{ROOT}/cores/{segment(core_id)}/invoke"
    body = json.dumps({"input": arguments})
    data = unwrap(call(SERVICE, "POST", url, token=token, body=body, read_seconds=INVOKE_SECONDS).data)
    return data if isinstance(data, dict) and "output" in data else {"output": data}
