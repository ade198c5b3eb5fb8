"""Cores as chat models: publish and unpublish. Under `/v1/modules/scaicore`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from scaiflow.sandbox.access import require
from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import ApiError, json_object, success
from scaiflow.sandbox.people import TENANT_SLUGS
from scaiflow.sandbox.scaigrid.cores import core_for
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

blueprint = Blueprint("publishing", __name__, url_prefix="/v1/modules/scaicore")


@blueprint.post("/cores/<core_id>/publish")
def publish(core_id: str) -> Response:
    """Body `{"group_ids": [...]}`: make the Core a chat model, of these groups only when there are any."""
    core = core_for(require("scaicore:manage"), core_id)
    group_ids = json_object().get("group_ids") or []
    if not isinstance(group_ids, list) or not all(isinstance(id, str) for id in group_ids):
        raise ApiError(422, "VALIDATION_ERROR", "group_ids must be a list of text")
    if core.body["metadata"]["published_slug"]:
        raise ApiError(400, "ALREADY_PUBLISHED", "the Core is already published")
    published = {
        "published_slug": f"scaicore/{TENANT_SLUGS[core.tenant]}/{core.body['slug']}",
        "published_model_id": current().ids.new("model"),
        "group_ids": group_ids,
    }
    _save_metadata(core, published)
    return success({"core_id": core_id, **published})


@blueprint.post("/cores/<core_id>/unpublish")
def unpublish(core_id: str) -> Response:
    core = core_for(require("scaicore:manage"), core_id)
    if not core.body["metadata"]["published_slug"]:
        raise ApiError(400, "NOT_PUBLISHED", "the Core is not published")
    _save_metadata(core, {"published_slug": None, "published_model_id": None, "group_ids": []})
    return success({"core_id": core_id, "published_slug": None, "published_model_id": None})


def _save_metadata(core: Document, metadata: dict[str, Any]) -> None:
    body = {**core.body, "metadata": metadata, "updated_at": iso(current().clock.now())}
    current().store.put("core", core.id, body, tenant=core.tenant)
