"""ScaiQueue's doors, under `/v1/modules/scaiqueue`."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response

from scaiflow.sandbox.access import require
from scaiflow.sandbox.envelope import (
    ApiError,
    answer,
    by_cursor,
    json_object,
    not_found,
    number_argument,
    success,
    text_field,
)
from scaiflow.sandbox.scaigrid.wakeups import sweep
from scaiflow.sandbox.scaiqueue import queues
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
blueprint = Blueprint("scaiqueue", __name__, url_prefix="/v1/modules/scaiqueue")


def _invalid(field: str, message: str) -> ApiError:
    return ApiError(422, "VALIDATION_ERROR", message, details=[{"field": field, "message": message}])


def _slug(body: dict[str, Any]) -> str:
    slug = text_field(body, "slug")
    if not _SLUG.fullmatch(slug):
        raise _invalid("slug", "slug must match [a-z0-9][a-z0-9_-]*")
    return slug


def _scope(scope_id: str, tenant_id: str) -> Document:
    scope = current().store.get("scope", scope_id, tenant=tenant_id)
    if scope is None:
        raise not_found("scope")
    return scope


def _queue(scope_id: str, queue_id: str, tenant_id: str) -> Document:
    queue = current().store.get("queue", queue_id, tenant=tenant_id)
    if queue is None or queue.ref != _scope(scope_id, tenant_id).id:
        raise not_found("queue")
    return queue


def _page(kind: str, *, tenant: str, ref: str | None = None) -> Response:
    store = current().store
    items, cursor = by_cursor(
        lambda after, limit: store.find(kind, tenant=tenant, ref=ref, after=after, limit=limit),
        number_argument("limit", 100, 500),
    )
    return answer({"status": "ok", "data": items, "has_more": cursor is not None, "next_cursor": cursor})


@blueprint.get("/scopes")
def scopes() -> Response:
    return _page("scope", tenant=require("scaiqueue:view").tenant_id)


@blueprint.post("/scopes")
def create_scope() -> Response:
    tenant_id = require("scaiqueue:manage").tenant_id
    body = json_object()
    slug = _slug(body)
    name = body.get("display_name") or slug
    made = queues.create_scope(current(), tenant_id, slug, str(name), str(body.get("description") or ""))
    return success(made, 201)


@blueprint.get("/scopes/<scope_id>/queues")
def list_queues(scope_id: str) -> Response:
    tenant_id = require("scaiqueue:view").tenant_id
    return _page("queue", tenant=tenant_id, ref=_scope(scope_id, tenant_id).id)


@blueprint.post("/scopes/<scope_id>/queues")
def create_queue(scope_id: str) -> Response:
    scope = _scope(scope_id, require("scaiqueue:manage").tenant_id)
    body = json_object()
    slug = _slug(body)
    mode, retries = body.get("consumer_mode", "fifo"), body.get("max_retries", 5)
    if mode not in queues.MODES:
        raise _invalid("consumer_mode", f"consumer_mode must be one of {', '.join(queues.MODES)}")
    if type(retries) is not int or not 0 <= retries <= 100:
        raise _invalid("max_retries", "max_retries must be 0..100")
    name = str(body.get("display_name") or slug)
    return success(queues.create_queue(current(), scope, slug, name, mode, retries), 201)


@blueprint.get("/scopes/<scope_id>/queues/<queue_id>/messages")
def messages(scope_id: str, queue_id: str) -> Response:
    """What waits on the queue, the next one first; nothing is taken."""
    queue = _queue(scope_id, queue_id, require("scaiqueue:view").tenant_id)
    return success(queues.waiting(current(), queue)[: number_argument("limit", 100, 500)])


@blueprint.post("/scopes/<scope_id>/queues/<queue_id>/messages")
def publish(scope_id: str, queue_id: str) -> Response:
    """Body: `payload`, `message_type`, `priority`, `labels`. Runs that wait for the queue go on."""
    queue = _queue(scope_id, queue_id, require("scaiqueue:manage").tenant_id)
    message = queues.publish(current(), queue, json_object())
    sweep(current())
    return success(message, 201)


@blueprint.post("/scopes/<scope_id>/queues/<queue_id>/consume")
def consume(scope_id: str, queue_id: str) -> Response:
    """Body: `limit` (1). Takes messages off the queue."""
    caller = require("scaiqueue:manage")
    queue = _queue(scope_id, queue_id, caller.tenant_id)
    limit = json_object().get("limit", 1)
    if type(limit) is not int or not 1 <= limit <= 500:
        raise _invalid("limit", "limit must be 1..500")
    return success(queues.consume(current(), queue, caller.subject, limit))
