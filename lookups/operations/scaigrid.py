"""The catalogue of models, kept for half a minute: a canvas asks for it with every node that is opened.

A copy is shared only between calls of one tenant with one credential, because ScaiGrid may show each credential another
catalogue.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from lookups.failures import told_as
from scaiflow.kit import json
from scaiflow.upstream import scaigrid
from tenants.operations.credentials import Credential, required_credential
from tenants.principals import Principal

log = structlog.get_logger(__name__)
KEPT_SECONDS = 30
Model = dict[str, Any]


@dataclass(frozen=True)
class Catalogue:
    """`etag` tells this list from every other, quotes included."""

    models: list[Model]
    etag: str


def list_models(*, by: Principal) -> Catalogue:
    """`{slug, display_name, modality, context_window, max_output_tokens?}` each; what ScaiGrid does not tell is null.
    Raises MissingCredentials, ServiceRefused, ServiceFailed, PassedThrough."""
    credential = required_credential(tenant_id=by.tenant_id, token=by.token)
    key = _key(by.tenant_id, credential)
    models = _kept(key)
    if models is None:
        with told_as("scaigrid", needs="scaicore:view"):
            found = scaigrid.list_models(base_url=credential.base_url, token=credential.token)
        models = [model for item in found if (model := normalised(item))]
        _keep(key, models)
    return Catalogue(models, f'"{hashlib.sha256(json.dumps(models)).hexdigest()[:32]}"')


def normalised(item: dict[str, Any]) -> Model | None:
    """One shape for ScaiGrid's own items and OpenAI's, whose `id` is the slug. None for an item that has no name."""
    slug = item.get("slug") or item.get("id")
    if not isinstance(slug, str):
        return None
    model = {
        "slug": slug,
        "display_name": item.get("display_name") or item.get("name") or slug,
        "modality": item.get("modality"),
        "context_window": item.get("context_window"),
    }
    most = item.get("max_output_tokens")
    return model if most is None else {**model, "max_output_tokens": most}


def _key(tenant_id: str, credential: Credential) -> str:
    """Neither token nor address stands in it, and nobody without our secret key can tell whose it is."""
    parts = json.dumps([tenant_id, credential.base_url, credential.token]).decode()
    return f"models:{salted_hmac('lookups.models', parts, algorithm='sha256').hexdigest()}"


def _kept(key: str) -> list[Model] | None:
    try:
        found: list[Model] | None = cache.get(key)
    except RedisError as error:
        log.warning("cache down", error=type(error).__name__)
        return None
    return found


def _keep(key: str, models: list[Model]) -> None:
    """A cache that is down makes this slower, and breaks nothing."""
    try:
        cache.set(key, models, KEPT_SECONDS)
    except RedisError as error:
        log.warning("cache down", error=type(error).__name__)
