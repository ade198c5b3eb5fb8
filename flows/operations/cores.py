"""Cores at ScaiGrid, with the documented error for each way that they can fail."""

from __future__ import annotations

from flows.compiler import Compiled
from flows.models import Deployment, Flow
from scaiflow.kit.errors import UpstreamFailure
from scaiflow.upstream import scaigrid
from scaiflow.upstream.http import Unreachable, UpstreamError
from scaiflow.upstream.scaigrid import Published
from tenants.operations.credentials import Credential


class ScaiGridAuth(UpstreamFailure):
    """ScaiGrid does not take the credential, or the credential may not do this."""

    error = "scaigrid_auth"


class ScaiCoreCompileFailed(UpstreamFailure):
    """ScaiGrid's own compiler refused a manifest that ours made."""

    error = "scaicore_compile_failed"


class ScaiCoreCreateFailed(UpstreamFailure):
    """ScaiGrid refused the manifest, or could not be reached (`status` is null then)."""

    error = "scaicore_create_failed"


class ScaiCorePublishFailed(UpstreamFailure):
    """The Core is deployed and can be invoked; it is just not in the list of models."""

    error = "scaicore_publish_failed"


def put_core(*, flow: Flow | None, credential: Credential, manifest: Compiled) -> str:
    """The Core's id: the one that the flow was last deployed to, brought up to date, or a new one (also for a document that
    is no stored flow).

    Raises ScaiGridAuth, ScaiCoreCompileFailed, ScaiCoreCreateFailed, PassedThrough."""
    try:
        updated = _update(flow, credential, manifest) if flow else None
        return updated or _create(flow, credential, manifest)
    except UpstreamError as error:
        raise _refusal(error) from None
    except Unreachable as error:
        raise ScaiCoreCreateFailed(str(error), status=None, code=None) from None


def _update(flow: Flow, credential: Credential, manifest: Compiled) -> str | None:
    last = flow.deployments.newest_first().first()
    if last is None:
        return None
    try:
        return scaigrid.update_core(
            base_url=credential.base_url, token=credential.token, core_id=last.core_id, manifest=manifest.body
        )
    except UpstreamError as error:
        if error.status not in {404, 405}:
            raise
        return None  # deleted over there, or a ScaiGrid that cannot update: make it anew


def _create(flow: Flow | None, credential: Credential, manifest: Compiled) -> str:
    at = {"base_url": credential.base_url, "token": credential.token}
    try:
        return scaigrid.create_core(**at, manifest=manifest.body)
    except UpstreamError as conflict:
        if conflict.status != 409 or conflict.code != "SLUG_CONFLICT":
            raise
        found = scaigrid.find_core(**at, slug=manifest.slug)
        if found is None:
            raise
    _check_not_anothers(flow, found, manifest.slug)
    return scaigrid.update_core(**at, core_id=found, manifest=manifest.body)


def _check_not_anothers(flow: Flow | None, core_id: str, slug: str) -> None:
    """Two flows of one name want the same slug. The second must not write over the first one's Core."""
    if Deployment.objects.filter(core_id=core_id).exclude(flow_id=flow and flow.id).exists():
        message = f"the slug '{slug}' belongs to the Core of another flow; rename this flow and deploy again"
        raise ScaiCoreCreateFailed(message, status=409, code="SLUG_CONFLICT")


def publish(*, credential: Credential, core_id: str, group_ids: list[str]) -> Published:
    """Raises ScaiCorePublishFailed, PassedThrough."""
    try:
        return scaigrid.publish_core(
            base_url=credential.base_url, token=credential.token, core_id=core_id, group_ids=group_ids
        )
    except (UpstreamError, Unreachable) as error:
        raise ScaiCorePublishFailed(_words(error), core_id=core_id, status=getattr(error, "status", None)) from None


def unpublish(*, credential: Credential, core_id: str) -> None:
    """Raises ScaiCorePublishFailed, PassedThrough."""
    try:
        scaigrid.unpublish_core(base_url=credential.base_url, token=credential.token, core_id=core_id)
    except (UpstreamError, Unreachable) as error:
        raise ScaiCorePublishFailed(_words(error), core_id=core_id, status=getattr(error, "status", None)) from None


def _refusal(error: UpstreamError) -> UpstreamFailure:
    if error.is_auth:
        fix = "Caller needs the `scaicore:manage` permission on this tenant."
        return ScaiGridAuth(error.message, fix=fix, status=error.status, code=error.code)
    kind = ScaiCoreCompileFailed if "COMPILE" in (error.code or "").upper() else ScaiCoreCreateFailed
    return kind(error.message, status=error.status, code=error.code)


def _words(error: UpstreamError | Unreachable) -> str:
    return error.message if isinstance(error, UpstreamError) else str(error)
