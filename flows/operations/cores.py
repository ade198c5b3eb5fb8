"""Cores at ScaiGrid, with the documented error for each way that they can fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from flows.compiler import Compiled
from flows.models import Core, Deployment, Flow
from scaiflow.kit.errors import UpstreamFailure
from scaiflow.upstream import scaigrid
from scaiflow.upstream.http import Unreachable, UpstreamError
from scaiflow.upstream.scaigrid import Published
from tenants.operations.credentials import Credential

LONGEST_SLUG = 700


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
    """The Core's id: the flow's own, brought up to date, or a new one (also for a document that is no stored flow).

    Raises ScaiGridAuth, ScaiCoreCompileFailed, ScaiCoreCreateFailed, PassedThrough."""
    try:
        if flow is None:
            return _create(None, credential, manifest)
        return _put_own(flow, credential, manifest)
    except UpstreamError as error:
        raise _refusal(error) from None
    except Unreachable as error:
        raise ScaiCoreCreateFailed(str(error), status=None, code=None) from None


def _put_own(flow: Flow, credential: Credential, manifest: Compiled) -> str:
    known = _known_core(flow, credential, manifest.slug)
    _claim_slug(flow, manifest.slug)
    try:
        core_id = known and _update(known, credential, manifest)
        core_id = core_id or _create(flow, credential, manifest)
    except UpstreamError as error:
        if error.status < 500:  # refused for good, so there is no Core that this slug would have to be kept for
            Core.objects.filter(flow=flow, core_id=None).delete()
        raise
    Core.objects.filter(flow=flow).update(core_id=core_id)
    return core_id


def core_id_of(flow: Flow) -> str | None:
    """The Core that a deploy of the flow brings up to date, as far as our own rows know: also one whose deploy did not live
    to leave a record."""
    mine = Core.objects.filter(flow=flow).first()
    last = flow.deployments.newest_first().first()
    return (mine.core_id if mine else None) or (last.core_id if last else None)


def _known_core(flow: Flow, credential: Credential, slug: str) -> str | None:
    """The flow's Core, as far as there is one: also one that was made by a deploy that did not live to tell of it, when
    the flow had another name."""
    mine = Core.objects.filter(flow=flow).first()
    known = core_id_of(flow)
    if known or mine is None or mine.slug == slug[:LONGEST_SLUG]:
        return known  # in the last case ScaiGrid itself answers SLUG_CONFLICT if it is there
    return scaigrid.find_core(base_url=credential.base_url, token=credential.token, slug=mine.slug)


def _claim_slug(flow: Flow, slug: str) -> None:
    """Two flows of one name want the same slug. The second must not write over the first one's Core, not even while the
    first is still at it."""
    slug = slug[:LONGEST_SLUG]
    Core.objects.filter(
        tenant_id=flow.tenant_id, slug=slug, core_id=None, flow__deleted_at__isnull=False
    ).exclude(flow=flow).delete()  # fmt: skip
    try:
        with transaction.atomic():
            Core.objects.update_or_create(flow=flow, defaults={"tenant_id": flow.tenant_id, "slug": slug})
    except IntegrityError:
        raise _anothers(slug) from None


def _update(core_id: str, credential: Credential, manifest: Compiled) -> str | None:
    try:
        return scaigrid.update_core(
            base_url=credential.base_url, token=credential.token, core_id=core_id, manifest=manifest.body
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
    flow_id = flow.id if flow else None
    for model in (Deployment, Core):
        if model.objects.filter(core_id=core_id).exclude(flow_id=flow_id).exists():
            raise _anothers(slug)


def _anothers(slug: str) -> ScaiCoreCreateFailed:
    message = f"the slug '{slug}' belongs to the Core of another flow; rename this flow and deploy again"
    return ScaiCoreCreateFailed(message, status=409, code="SLUG_CONFLICT")


def publish(*, credential: Credential, core_id: str, group_ids: list[str]) -> Published:
    """Raises ScaiCorePublishFailed, PassedThrough."""
    with _publishing(core_id):
        return scaigrid.publish_core(
            base_url=credential.base_url, token=credential.token, core_id=core_id, group_ids=group_ids
        )


def unpublish(*, credential: Credential, core_id: str) -> None:
    """Raises ScaiCorePublishFailed, PassedThrough."""
    with _publishing(core_id):
        scaigrid.unpublish_core(base_url=credential.base_url, token=credential.token, core_id=core_id)


def publication_of(*, credential: Credential, core_id: str) -> Published:
    """How ScaiGrid has the Core published, found out by reading. Raises ScaiCorePublishFailed, PassedThrough."""
    with _publishing(core_id):
        return scaigrid.publication_of(base_url=credential.base_url, token=credential.token, core_id=core_id)


@contextmanager
def _publishing(core_id: str) -> Iterator[None]:
    try:
        yield
    except UpstreamError as error:
        raise ScaiCorePublishFailed(error.message, core_id=core_id, status=error.status) from None
    except Unreachable as error:
        raise ScaiCorePublishFailed(str(error), core_id=core_id, status=None) from None


def _refusal(error: UpstreamError) -> UpstreamFailure:
    if error.is_auth:
        fix = "Caller needs the `scaicore:manage` permission on this tenant."
        return ScaiGridAuth(error.message, fix=fix, status=error.status, code=error.code)
    kind = ScaiCoreCompileFailed if "COMPILE" in (error.code or "").upper() else ScaiCoreCreateFailed
    return kind(error.message, status=error.status, code=error.code)
