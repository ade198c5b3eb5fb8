"""ScaiGrid: Cores, their publication, and their invocation. (spec: upstreams.md, ScaiGrid)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaiflow.kit import json
from scaiflow.upstream.http import Unreachable, UpstreamError, call, expect_object, segment, unwrap
from scaiflow.upstream.pages import Item, all_items

SERVICE = "scaigrid"
CORES = "/v1/modules/scaicore/cores"


@dataclass(frozen=True)
class Published:
    slug: str | None
    model_id: str | None


def create_core(*, base_url: str, token: str, manifest: bytes) -> str:
    """The new Core's id. Raises UpstreamError, Unreachable."""
    return _core_id(_send_manifest("POST", base_url + CORES, token, manifest))


def update_core(*, base_url: str, token: str, core_id: str, manifest: bytes) -> str:
    """The Core's id, as the answer gives it, if it does. Raises UpstreamError (404, 405: there is nothing to update),
    Unreachable."""
    data = _send_manifest("PUT", _core(base_url, core_id), token, manifest)
    return _id_in(data) or core_id if isinstance(data, dict) else core_id


def find_core(*, base_url: str, token: str, slug: str) -> str | None:
    """The id of the Core with this slug, looked for on all pages."""
    found = (core for core in all_items(SERVICE, base_url + CORES, token=token) if core.get("slug") == slug)
    core = next(found, None)
    return _core_id(core) if core else None


def list_models(*, base_url: str, token: str) -> list[Item]:
    """The tenant's catalogue, item by item as ScaiGrid has it. Raises UpstreamError, Unreachable, PassedThrough."""
    return list(all_items(SERVICE, f"{base_url}/v1/models", token=token))


def publish_core(*, base_url: str, token: str, core_id: str, group_ids: list[str]) -> Published:
    """Raises UpstreamError, Unreachable. A Core that is published already counts as done."""
    url = _core(base_url, core_id)
    try:
        reply = call(SERVICE, "POST", f"{url}/publish", token=token, body=json.dumps({"group_ids": group_ids}))
    except UpstreamError as error:
        if error.status != 400 or "already published" not in error.message.lower():
            raise
        return _with_slug(publication_of(base_url=base_url, token=token, core_id=core_id))
    told = expect_object(SERVICE, unwrap(reply.data))
    slug, model_id = told.get("published_slug"), told.get("published_model_id")
    return _with_slug(Published(slug or told.get("slug"), model_id or told.get("model_id")))


def publication_of(*, base_url: str, token: str, core_id: str) -> Published:
    """How the Core is published, or nothing in both fields. (Its own `slug` is another thing.) Raises UpstreamError,
    Unreachable."""
    core = expect_object(SERVICE, unwrap(call(SERVICE, "GET", _core(base_url, core_id), token=token).data))
    told = {**core, **(core.get("metadata") or {})}
    return Published(told.get("published_slug") or None, told.get("published_model_id") or None)


def unpublish_core(*, base_url: str, token: str, core_id: str) -> None:
    """Raises UpstreamError, Unreachable. A Core that is not published counts as done."""
    try:
        call(SERVICE, "POST", f"{_core(base_url, core_id)}/unpublish", token=token, body=b"{}")
    except UpstreamError as error:
        if error.status not in {400, 404} or "not published" not in error.message.lower():
            raise


def invoke_core(*, base_url: str, token: str, core_id: str, arguments: Any, seconds: float) -> Any:
    """The run's output, when it comes within `seconds`. Accepts `{"data": {"output": ...}}` and the bare output.
    Raises UpstreamError, Unreachable."""
    body = json.dumps({"input": arguments})
    url = f"{_core(base_url, core_id)}/invoke"
    data = unwrap(call(SERVICE, "POST", url, token=token, body=body, read_seconds=seconds, takes_its_time=True).data)
    return data["output"] if isinstance(data, dict) and "output" in data else data


def _send_manifest(method: str, url: str, token: str, manifest: bytes) -> Any:
    return unwrap(call(SERVICE, method, url, token=token, body=manifest, content_type="application/yaml").data)


def _core(base_url: str, core_id: str) -> str:
    return f"{base_url}{CORES}/{segment(core_id)}"


def _core_id(data: Any) -> str:
    core_id = _id_in(expect_object(SERVICE, data))
    if core_id is None:
        raise Unreachable(SERVICE, "answered without the Core's id")
    return core_id


def _id_in(data: dict[str, Any]) -> str | None:
    core_id = data.get("id") or data.get("core_id")
    return core_id if isinstance(core_id, str) else None


def _with_slug(published: Published) -> Published:
    if not isinstance(published.slug, str):
        raise Unreachable(SERVICE, "answered without the slug of the published model")
    return published
