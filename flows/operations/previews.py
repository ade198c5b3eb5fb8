"""What a deploy would do, found out without doing any of it."""

from __future__ import annotations

from typing import Any

from flows.compiler import validate
from flows.diffing import diff
from flows.models import Deployment, Flow
from flows.operations import queues
from flows.operations.compiling import DoesNotCompile, compiled
from flows.operations.credentials import required_credential
from flows.operations.deploy import publication
from flows.operations.versions import Content, content_of
from tenants.principals import Principal


def preview_deploy(*, flow: Flow, by: Principal, **asked: Any) -> dict[str, Any]:
    """`{flow_version, compiles, diagnostics, manifest_digest, core, live, same_as_live, diff, queues, publication}`.

    Nothing upstream is called but reads of ScaiQueue, and those only for a flow that declares queues. Raises
    MissingScaiGridCredentials, ScaiQueueAuth, ScaiQueueProvisionFailed, Unavailable."""
    content = content_of(flow=flow)
    live = flow.deployments.newest_first().first()
    digest = _digest(content)
    config = content.get("config") or {}
    return {
        "flow_version": flow.version,
        "compiles": digest is not None,
        "diagnostics": [diagnostic.as_dict() for diagnostic in validate(content)],
        "manifest_digest": digest,
        "core": "update" if live else "create",
        "live": live and _brief(live),
        "same_as_live": live and live.manifest_digest == digest,
        "diff": live and diff(content_of(flow=flow, version=live.flow_version), content),
        "queues": _queues(flow, by, config.get("scaiqueue")),
        "publication": _publication(live, publication(asked, config)[0]),
    }


def _digest(content: Content) -> str | None:
    try:
        return compiled(content).digest
    except DoesNotCompile:
        return None


def _brief(live: Deployment) -> dict[str, Any]:
    return {
        "deployment_id": live.id,
        "core_id": live.core_id,
        "flow_version": live.flow_version,
        "published_slug": live.published_slug,
    }


def _queues(flow: Flow, by: Principal, topology: dict[str, Any] | None) -> dict[str, Any] | None:
    if not topology:
        return None
    credential = required_credential(tenant_id=flow.tenant_id, token=by.token)
    return queues.survey(credential=credential, topology=topology)


def _publication(live: Deployment | None, wanted: bool) -> str:
    is_published = bool(live and live.published_slug)
    if wanted:
        return "keep" if is_published else "publish"
    return "unpublish" if is_published else "none"
