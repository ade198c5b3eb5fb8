"""What a deploy would do, found out without doing any of it."""

from __future__ import annotations

from typing import Any

from flows.compiler import validate
from flows.diffing import diff
from flows.models import Deployment, Flow
from flows.operations import cores, publication, queues
from flows.operations.compiling import DoesNotCompile, compiled
from flows.operations.credentials import required_credential
from flows.operations.versions import Content, content_of
from tenants.operations.credentials import Credential
from tenants.principals import Principal


def preview_deploy(*, flow: Flow, by: Principal, **asked: Any) -> dict[str, Any]:
    """`{flow_version, compiles, diagnostics, manifest_digest, core, live, same_as_live, diff, queues, publication}`.

    Nothing upstream is called but reads: of ScaiQueue for a flow that declares queues, of the Core when a publish was left
    half-way. Raises MissingScaiGridCredentials, ScaiQueueAuth, ScaiQueueProvisionFailed, ScaiCorePublishFailed,
    PassedThrough, Unavailable."""
    content = content_of(flow=flow)
    live = flow.deployments.newest_first().first()
    core_id = cores.core_id_of(flow)
    digest = _digest(content)
    config = content.get("config") or {}
    return {
        "flow_version": flow.version,
        "compiles": digest is not None,
        "diagnostics": [diagnostic.as_dict() for diagnostic in validate(content)],
        "manifest_digest": digest,
        "core": "update" if core_id else "create",
        "live": live and _brief(live),
        "same_as_live": live and live.manifest_digest == digest,
        "diff": live and diff(content_of(flow=flow, version=live.flow_version), content),
        "queues": _queues(flow, by, queues.topology_of(content)) if digest else None,
        "publication": _publication(flow, by, core_id, publication.wanted(asked, config)[0]),
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
    return queues.survey(credential=_credential(flow, by), topology=topology)


def _publication(flow: Flow, by: Principal, core_id: str | None, wanted: bool) -> str:
    is_published = core_id is not None and publication.is_published(
        flow=flow, core_id=core_id, credential=lambda: _credential(flow, by)
    )
    if wanted:
        return "keep" if is_published else "publish"
    return "unpublish" if is_published else "none"


def _credential(flow: Flow, by: Principal) -> Credential:
    return required_credential(tenant_id=flow.tenant_id, token=by.token)
