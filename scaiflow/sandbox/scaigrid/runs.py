"""What runs leave behind: events, checkpoints, executions. Under `/v1/modules/scaicore`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.envelope import (
    ApiError,
    cursor_argument,
    cursor_at,
    json_object,
    not_found,
    number_argument,
    success,
)
from scaiflow.sandbox.scaigrid.cores import core_for
from scaiflow.sandbox.scaigrid.executions import Execution
from scaiflow.sandbox.scaigrid.wakeups import settle, sweep
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_HIDDEN = ("path", "message_id")
_YES, _NO = (
    ("approve", "approved", "accept", "accepted", "yes", "continue"),
    ("reject", "rejected", "deny", "denied", "no"),
)
blueprint = Blueprint("runs", __name__, url_prefix="/v1/modules/scaicore")


def _core_argument(caller: Principal) -> str | None:
    core_id = request.args.get("core_id")
    return core_for(caller, core_id).id if core_id else None


@blueprint.get("/events")
def events() -> Response:
    """Newest first, the cursor leads to older ones; with `order=asc` oldest first, and there is always a cursor."""
    caller = require("scaicore:view")
    core_id, after, limit = _core_argument(caller), cursor_argument(), number_argument("limit", 50, 500)
    forwards = request.args.get("order") == "asc"
    found = current().store.find(
        "event", tenant=caller.tenant_id, ref=core_id, after=after, limit=limit + 1, newest_first=not forwards
    )
    page = found[:limit]
    more = forwards or len(found) > limit
    cursor = cursor_at(page[-1].seq if page else after) if more else None
    return success({"events": [row.body for row in page], "next_cursor": cursor})


@blueprint.get("/executions/<execution_id>")
def execution(execution_id: str) -> Response:
    """One run: its state, input and output."""
    caller = require("scaicore:view")
    found = current().store.get("execution", execution_id, tenant=caller.tenant_id)
    if found is None:
        raise not_found("execution")
    return success({name: value for name, value in found.body.items() if name not in ("manifest", "journal")})


@blueprint.get("/checkpoints")
def checkpoints() -> Response:
    """Those that people decide on, oldest first; `status` is pending, resolved, expired or cancelled, all without it."""
    caller = require("scaicore:view")
    core_id, limit, status = _core_argument(caller), number_argument("limit", 50, 500), request.args.get("status")
    rows = current().store.find("checkpoint", tenant=caller.tenant_id, ref=core_id, after=cursor_argument())
    found = [row for row in rows if waits_for_people(row.body) and status in (None, "", row.body["status"])]
    cursor = cursor_at(found[limit - 1].seq) if len(found) > limit else None
    return success({"checkpoints": [_shown(row) for row in found[:limit]], "next_cursor": cursor})


@blueprint.post("/checkpoints/<checkpoint_id>/resolve")
def resolve(checkpoint_id: str) -> Response:
    """Body: `decision` (one of the checkpoint's options, if it has any) or `approved`, `comment`, `data`.

    The run goes on at once; the answer holds how far it came. 409 when the checkpoint is not pending any more.
    """
    caller = require("scaicore:manage")
    found, execution = decide(checkpoint_id, json_object(), by=caller.subject, tenant_id=caller.tenant_id)
    run = {**execution.answer, "run_status": execution.outcome.status, "error": execution.outcome.error}
    return success({**_shown(found), "execution": run})


def decide(checkpoint_id: str, body: dict[str, Any], *, by: str, tenant_id: str | None) -> tuple[Document, Execution]:
    """Close a checkpoint by somebody's decision and go on with its run; `tenant_id` None = whosever it is.

    Raises ApiError: 404, 422 for a decision that it does not offer, 409 when it is not pending any more.
    """
    sweep(current())
    found = current().store.get("checkpoint", checkpoint_id, tenant=tenant_id)
    if found is None or not waits_for_people(found.body):
        raise not_found("checkpoint")
    execution = settle(current(), found, "resolved", _resolution(found, body, by))
    if execution is None:
        raise ApiError(409, "CHECKPOINT_NOT_PENDING", "the checkpoint is resolved or expired already")
    sweep(current())
    return current().store.get("checkpoint", checkpoint_id) or found, execution


def _resolution(checkpoint: Document, body: dict[str, Any], by: str) -> dict[str, Any]:
    decision = body.get("decision", body.get("resolution"))
    if decision is None and isinstance(body.get("approved"), bool):
        decision = "approve" if body["approved"] else "reject"
    options = options_of(checkpoint.body)
    if not isinstance(decision, str) or (options and decision not in options):
        message = f"decision must be one of: {', '.join(options)}" if options else "decision is required"
        raise ApiError(422, "VALIDATION_ERROR", message, details=[{"field": "decision", "message": message}])
    data = body.get("data") if isinstance(body.get("data"), dict) else {}
    result = {**(data or {}), "decision": decision, "resolved_by": by}
    if decision.lower() in _YES + _NO:
        result["approved"] = decision.lower() in _YES
    return result | ({"comment": body["comment"]} if isinstance(body.get("comment"), str) else {})


def waits_for_people(checkpoint: dict[str, Any]) -> bool:
    """Whether somebody may decide on it; a wait for messages is kept like a checkpoint, and ends by messages alone."""
    return bool(checkpoint["type"] != "await_responses")


def options_of(checkpoint: dict[str, Any]) -> list[str]:
    """The decisions that a checkpoint offers; empty when any will do."""
    return [_option(option) for option in checkpoint.get("options") or []]


def _option(option: Any) -> str:
    return (
        str(option.get("id") or option.get("value") or option.get("label")) if isinstance(option, dict) else str(option)
    )


def _shown(row: Document) -> dict[str, Any]:
    return {name: value for name, value in row.body.items() if name not in _HIDDEN}
