"""`GET /v1/models`: the ready catalogue and the tenant's published Cores, in any of the three documented envelopes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.envelope import answer
from scaiflow.sandbox.people import groups_of
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_CHAT = "chat"
_CATALOGUE = (
    ("openai/gpt-4o", "GPT-4o", _CHAT, 128_000, 16_384),
    ("openai/gpt-4o-mini", "GPT-4o mini", _CHAT, 128_000, 16_384),
    ("scailabs/poolnoodle-omni", "Poolnoodle Omni", _CHAT, 256_000, None),
    ("scailabs/poolnoodle-mini", "Poolnoodle Mini", _CHAT, 64_000, 8_192),
    ("scailabs/poolnoodle-embed", "Poolnoodle Embed", "embedding", 8_192, None),
)
blueprint = Blueprint("models", __name__)


def catalogue() -> list[dict[str, Any]]:
    """The ready models."""
    return [
        {"slug": slug, "display_name": name, "modality": modality, "context_window": window}
        | ({"max_output_tokens": most} if most else {})
        for slug, name, modality, window, most in _CATALOGUE
    ]


def published_cores(caller: Principal) -> list[Document]:
    """The published Cores of the caller's tenant that a group of the caller may see; without groups everybody may."""
    store = current().store
    groups = set(groups_of(store, caller.subject))
    cores = [core for core in store.find("core", tenant=caller.tenant_id) if core.body["metadata"]["published_slug"]]
    return [
        core
        for core in cores
        if not core.body["metadata"]["group_ids"] or groups & set(core.body["metadata"]["group_ids"])
    ]


def _published(core: Document) -> dict[str, Any]:
    metadata = core.body["metadata"]
    return {
        "slug": metadata["published_slug"],
        "id": metadata["published_model_id"],
        "display_name": core.body["name"],
        "modality": _CHAT,
        "context_window": 128_000,
    }


@blueprint.get("/v1/models")
def models() -> Response:
    caller = require("scaicore:view")
    items = [*catalogue(), *(_published(core) for core in published_cores(caller))]
    envelope = current().switches.model_list
    if envelope == "openai":
        data = [{"id": item["slug"], "object": "model", "owned_by": item["slug"].split("/")[0]} for item in items]
        return answer({"object": "list", "data": data})
    return answer({"data": {"items": items} if envelope == "items" else items})
