"""The addresses of Cores that start by `webhook`: `/hooks/{tenant_slug}/{core_slug}{path}`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from scaiflow.sandbox.access import require
from scaiflow.sandbox.envelope import ApiError, answer, json_object, not_found
from scaiflow.sandbox.people import TENANT_SLUGS
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.scaigrid import executions
from scaiflow.sandbox.scaigrid.host import core_at, program_of
from scaiflow.sandbox.scaigrid.wakeups import sweep
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

blueprint = Blueprint("hooks", __name__)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.route("/hooks/<tenant>/<slug>/", defaults={"path": ""}, methods=_METHODS)
@blueprint.route("/hooks/<tenant>/<slug>/<path:path>", methods=_METHODS)
def hook(tenant: str, slug: str, path: str) -> Response:
    """Run the Core on the body (on the query for GET). A trigger with `auth` wants a credential of the tenant."""
    core = _core(tenant, slug)
    triggers = [one for one in program_of(core.body["manifest"]).triggers if one.get("type") == "webhook"]
    wanted = f"/{path}".rstrip("/")
    trigger = next((one for one in triggers if str(one.get("path") or "/").rstrip("/") == wanted), None)
    if trigger is None:
        raise not_found("webhook")
    if request.method != str(trigger.get("method") or "POST").upper():
        raise ApiError(405, "METHOD_NOT_ALLOWED", "the trigger has another method")
    if trigger.get("auth") and require("scaicore:manage").tenant_id != core.tenant:
        raise not_found("webhook")
    input = request.args.to_dict() if request.method == "GET" else json_object()
    execution = executions.begin(current(), core, input, "webhook")
    sweep(current())
    return answer({"execution_id": execution.id, "status": execution.outcome.status}, 202)


def _core(tenant: str, slug: str) -> Document:
    tenant_id = next((id for id, name in TENANT_SLUGS.items() if name == tenant), None)
    if tenant_id is None:
        raise not_found("webhook")
    try:
        return core_at(current(), tenant_id, f"core://{tenant}/{slug}")
    except StepFailed as error:
        raise not_found("webhook") from error
