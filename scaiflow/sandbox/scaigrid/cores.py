"""Cores: deploy, read, invoke, remove. Under `/v1/modules/scaicore`."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, request

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import (
    ApiError,
    answer,
    by_cursor,
    json_object,
    not_found,
    number_argument,
    success,
)
from scaiflow.sandbox.runtime.errors import ManifestError
from scaiflow.sandbox.runtime.program import Program
from scaiflow.sandbox.scaigrid import executions
from scaiflow.sandbox.scaigrid.host import program_of
from scaiflow.sandbox.scaigrid.schedules import plan
from scaiflow.sandbox.scaigrid.wakeups import sweep
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_YAML = ("application/yaml", "application/x-yaml", "text/yaml")
_MOST_BYTES = 10 * 1024 * 1024
blueprint = Blueprint("cores", __name__, url_prefix="/v1/modules/scaicore")


def core_for(caller: Principal, core_id: str) -> Document:
    """The caller's tenant's Core; 404 for any other."""
    found = current().store.get("core", core_id, tenant=caller.tenant_id)
    if found is None:
        raise not_found("core")
    return found


def _manifest() -> tuple[str, Program]:
    """The request's manifest, verified; 415, 413 or 400 otherwise."""
    if request.mimetype not in _YAML:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/yaml")
    raw = request.get_data()
    if len(raw) > _MOST_BYTES:
        raise ApiError(413, "PAYLOAD_TOO_LARGE", "a manifest is at most 10 MiB")
    try:
        text = raw.decode("utf-8")
        return text, program_of(text)
    except UnicodeDecodeError as error:
        raise ApiError(400, "COMPILE_ERROR", "the manifest is not UTF-8") from error
    except ManifestError as error:
        details = [
            {"field": problem.partition(": ")[2].partition(": ")[0], "message": problem} for problem in error.problems
        ]
        raise ApiError(400, error.code, str(error), details=details) from error


def _body(caller: Principal, id: str, text: str, program: Program) -> dict[str, Any]:
    return {
        "id": id,
        "slug": program.name,
        "name": program.persona,
        "mode": program.core.get("mode") or "stateless",
        "status": "active",
        "version": 1,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "triggers": [trigger.get("type") for trigger in program.triggers],
        "metadata": {"published_slug": None, "published_model_id": None, "group_ids": []},
        "created_by": caller.subject,
        "created_at": iso(current().clock.now()),
        "updated_at": iso(current().clock.now()),
        "manifest": text,
    }


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """A Core without its manifest."""
    return {name: value for name, value in body.items() if name != "manifest"}


@blueprint.post("/cores")
def create() -> Response:
    """Deploy a manifest as a new Core; 409 SLUG_CONFLICT when the tenant has a Core of that name."""
    caller = require("scaicore:manage")
    text, program = _manifest()
    store, id = current().store, current().ids.new("core")
    body = _body(caller, id, text, program)
    with store.transaction():
        if not store.add("core_slug", f"{caller.tenant_id}/{program.name}", {"id": id}, ref=id):
            raise ApiError(409, "SLUG_CONFLICT", f"a Core with the slug {program.name!r} exists already")
        store.add("core", id, body, tenant=caller.tenant_id)
        plan(current(), id, body["triggers"])
    return success(shown(body), 201)


@blueprint.put("/cores/<core_id>")
def replace(core_id: str) -> Response:
    """Deploy another manifest onto a Core. Its published slug stays; runs that wait go on with the old manifest."""
    caller = require("scaicore:manage")
    before = core_for(caller, core_id)
    text, program = _manifest()
    kept = {name: before.body[name] for name in ("created_at", "created_by", "metadata")}
    body = _body(caller, core_id, text, program) | kept | {"version": before.body["version"] + 1}
    store = current().store
    with store.transaction():
        if program.name != before.body["slug"]:
            if not store.add("core_slug", f"{caller.tenant_id}/{program.name}", {"id": core_id}, ref=core_id):
                raise ApiError(409, "SLUG_CONFLICT", f"a Core with the slug {program.name!r} exists already")
            store.delete("core_slug", f"{caller.tenant_id}/{before.body['slug']}")
        store.put("core", core_id, body, tenant=caller.tenant_id)
        plan(current(), core_id, body["triggers"])
    return success(shown(body))


@blueprint.get("/cores")
def list_cores() -> Response:
    tenant_id, store = require("scaicore:view").tenant_id, current().store
    items, cursor = by_cursor(
        lambda after, limit: store.find("core", tenant=tenant_id, after=after, limit=limit),
        number_argument("limit", 50, 500),
    )
    return answer({"status": "ok", "data": [shown(body) for body in items], "next_cursor": cursor})


@blueprint.get("/cores/<core_id>")
def read(core_id: str) -> Response:
    """One Core, with its manifest."""
    return success(core_for(require("scaicore:view"), core_id).body)


@blueprint.delete("/cores/<core_id>")
def delete(core_id: str) -> Response:
    """Remove a Core; its slug is free again, its events stay."""
    core = core_for(require("scaicore:manage"), core_id)
    store = current().store
    with store.transaction():
        store.delete("core_slug", f"{core.tenant}/{core.body['slug']}")
        store.delete("core", core_id)
        plan(current(), core_id, [])
    return Response(status=204)


@blueprint.post("/cores/<core_id>/invoke")
def invoke(core_id: str) -> Response:
    """Run the Core on `{"input": {...}}`; 422 EXECUTION_FAILED when the run fails."""
    core = core_for(require("scaicore:manage"), core_id)
    input = json_object().get("input")
    if not isinstance(input, dict):
        raise ApiError(
            422, "VALIDATION_ERROR", "input must be an object", details=[{"field": "input", "message": "required"}]
        )
    execution = executions.begin(current(), core, input)
    sweep(current())
    if execution.outcome.status == "failed":
        extra = {"execution_id": execution.id, "node_id": execution.outcome.failed_node}
        raise ApiError(422, "EXECUTION_FAILED", str(execution.outcome.error), extra=extra)
    return success(execution.answer)
