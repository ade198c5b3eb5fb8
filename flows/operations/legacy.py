"""POST /dev/deploy: a document straight to ScaiGrid, without a stored flow. Deprecated, kept for older canvases."""

from __future__ import annotations

import hmac
from typing import Any

from django.conf import settings

from flows.operations import cores
from flows.operations.compiling import compiled
from flows.operations.credentials import FIX, MissingScaiGridCredentials
from scaiflow.kit.errors import Unauthenticated, Unavailable
from tenants.operations.credentials import Credential


def require_open() -> None:
    """Raises Unavailable when there is no shared token, so that nobody could get in."""
    if not settings.API_TOKEN:
        raise Unavailable("SCAIFLOW_API_TOKEN is not set, so this route is closed", component="dev_deploy")


def require_shared_token(token: str) -> None:
    """Raises Unauthenticated."""
    if not hmac.compare_digest(token.encode(), settings.API_TOKEN.encode()):
        raise Unauthenticated("not the shared token of SCAIFLOW_API_TOKEN")


def deploy_document(*, content: dict[str, Any], publish_as_model: bool | None) -> dict[str, Any]:
    """`{core_id, published_slug}`. Raises DoesNotCompile, MissingScaiGridCredentials, the errors of cores.py."""
    manifest = compiled(content)
    if not settings.SCAIGRID_API_KEY:
        raise MissingScaiGridCredentials("no ScaiGrid credentials: SCAIGRID_API_KEY is not set", fix=FIX)
    credential = Credential(base_url=settings.SCAIGRID_BASE_URL, token=settings.SCAIGRID_API_KEY)
    core_id = cores.put_core(flow=None, credential=credential, manifest=manifest)
    config = content.get("config") or {}
    wanted = bool(config.get("publish_as_model")) if publish_as_model is None else publish_as_model
    groups = list(config.get("model_visibility_group_ids") or [])
    slug = cores.publish(credential=credential, core_id=core_id, group_ids=groups).slug if wanted else None
    return {"core_id": core_id, "published_slug": slug}
