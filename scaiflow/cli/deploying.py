"""`scaiflow deploy`: queues, Core, publication, in the order of the server's deploy (spec: api.md), without its records."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings

if not settings.configured:
    settings.configure()  # the upstreams' modules load Django; its defaults are all that they need


from flows.compiler import Compiled
from flows.topology import declared_queues, difference
from scaiflow import env
from scaiflow.cli.files import Refused
from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import scaigrid, scaiqueue
from scaiflow.upstream.guard import names_loopback
from scaiflow.upstream.http import Unreachable, UpstreamError

PUBLIC = "https://scaigrid.scailabs.ai"

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # stdout is for the answer


def deploy(
    *,
    config: dict[str, Any],
    manifest: Compiled,
    base_url: str | None,
    api_key: str | None,
    publish_as_model: bool | None,
) -> dict[str, Any]:
    """`{core_id, published_slug, published_model_id, scaiqueue_provisioning}`. Raises Refused."""
    token = api_key or env.text("SCAIGRID_API_KEY", secret=True)
    if not token:
        raise Refused("no ScaiGrid credentials: give --api-key or set SCAIGRID_API_KEY")
    grid = _checked(base_url or env.base_url("SCAIGRID_BASE_URL", PUBLIC))
    at = {"base_url": grid, "token": token}
    with _in_words("scaiqueue"):
        provisioned = _provision(config.get("scaiqueue"), grid, token)
    with _in_words("the Core"):
        core_id = _put_core(manifest, at)
    wanted = bool(config.get("publish_as_model")) if publish_as_model is None else publish_as_model
    published = scaigrid.Published(None, None)
    if wanted:
        groups = list(config.get("model_visibility_group_ids") or [])
        with _in_words(f"the Core is deployed as {core_id}, but not published"):
            published = scaigrid.publish_core(**at, core_id=core_id, group_ids=groups)
    return {
        "core_id": core_id,
        "published_slug": published.slug,
        "published_model_id": published.model_id,
        "scaiqueue_provisioning": provisioned,
    }


def _checked(base_url: str) -> str:
    """The key is sent there: over TLS, or not beyond this machine. Raises Refused."""
    parts = urlsplit(base_url)
    is_private = parts.scheme == "http" and names_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or is_private):
        raise Refused("the base URL must be https://..., or http:// to this machine")
    return base_url.rstrip("/")


def _provision(topology: dict[str, Any] | None, grid: str, token: str) -> dict[str, Any] | None:
    if not topology:
        return None
    at = {"base_url": env.base_url("SCAIQUEUE_BASE_URL") or f"{grid}/v1/modules/scaiqueue", "token": token}
    scope = str(topology["scope"])
    scope_id = scaiqueue.ensure_scope(**at, slug=scope)
    queue_ids = {}
    for wanted in declared_queues(topology):
        found = scaiqueue.ensure_queue(**at, scope_id=scope_id, queue=wanted)
        if key := difference(found, wanted):
            there, meant = found[key], wanted[key]
            raise Refused(f"scaiqueue: queue '{wanted['slug']}' has {key} {there!r}, the flow declares {meant!r}")
        queue_ids[wanted["slug"]] = str(found["id"])
    return {"scope_id": scope_id, "scope_slug": scope, "queue_ids": queue_ids}


def _put_core(manifest: Compiled, at: dict[str, str]) -> str:
    """A new Core, or the one that has this flow's slug already, brought up to date."""
    try:
        return scaigrid.create_core(**at, manifest=manifest.body)
    except UpstreamError as conflict:
        if conflict.status != 409 or conflict.code != "SLUG_CONFLICT":
            raise
        found = scaigrid.find_core(**at, slug=manifest.slug)
        if found is None:
            raise
    return scaigrid.update_core(**at, core_id=found, manifest=manifest.body)


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Tells failures as one line each; what an upstream says of a manifest may be several."""
    try:
        yield
    except (UpstreamError, Unreachable) as error:
        raise Refused(f"{what}: {error}") from None
    except PassedThrough as limited:
        again = limited.headers.get("Retry-After")
        raise Refused(f"{what}: ScaiGrid limits the rate" + (f", try again in {again} s" if again else "")) from None
