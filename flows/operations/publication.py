"""Whether a deployed Core is in the list of models, and what has to be done for it to be as it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.models import Deployment, Flow, Job
from flows.operations import cores
from flows.operations.working import step
from flows.roles import DeploymentStatus, JobKind, JobState
from scaiflow.upstream.scaigrid import Published
from tenants.operations.credentials import Credential

NOT_PUBLISHED = Published(None, None)


def wanted(asked: dict[str, Any], config: dict[str, Any]) -> tuple[bool, list[str]]:
    """What the request says goes before what the flow's config says; an empty list of groups says something too."""
    publish = asked.get("publish_as_model")
    group_ids = asked.get("group_ids")
    if publish is None:
        publish = bool(config.get("publish_as_model"))
    if group_ids is None:
        group_ids = list(config.get("model_visibility_group_ids") or [])
    return publish, group_ids


def settle(job: Job, *, credential: Credential, config: dict[str, Any], core_id: str) -> Published:
    """Publish or un-publish, where it is not so already. Raises ScaiCorePublishFailed, PassedThrough."""
    publish, group_ids = wanted(job.arguments, config)
    if publish:
        with step(job, "publish"):
            return cores.publish(credential=credential, core_id=core_id, group_ids=group_ids)
    if not _may_be_published(job.flow, core_id):
        return NOT_PUBLISHED
    with step(job, "unpublish"):
        if is_published(flow=job.flow, core_id=core_id, credential=lambda: credential):
            cores.unpublish(credential=credential, core_id=core_id)
    return NOT_PUBLISHED


def is_published(*, flow: Flow, core_id: str, credential: Callable[[], Credential]) -> bool:
    """As the flow's last deployment says. Where a later publish was left half-way ScaiGrid is asked, with one read.
    Raises ScaiCorePublishFailed, PassedThrough."""
    if _is_left_open(flow, core_id):
        return cores.publication_of(credential=credential(), core_id=core_id).slug is not None
    return _is_recorded(flow, core_id)


def _may_be_published(flow: Flow, core_id: str) -> bool:
    return _is_recorded(flow, core_id) or _is_left_open(flow, core_id)


def _last(flow: Flow) -> Deployment | None:
    return flow.deployments.newest_first().first()


def _is_recorded(flow: Flow, core_id: str) -> bool:
    last = _last(flow)
    return last is not None and last.core_id == core_id and last.published_slug is not None


def _is_left_open(flow: Flow, core_id: str) -> bool:
    """A publish (or its taking back) that failed may have been done all the same, and one whose worker died too."""
    last = _last(flow)
    if last and last.core_id == core_id and last.status == DeploymentStatus.PUBLISH_FAILED:
        return True
    failed = flow.jobs.filter(kind=JobKind.DEPLOY, state=JobState.FAILED)
    if last:
        failed = failed.filter(finished_at__gt=last.deployed_at)
    steps = {entry["step"] for progress in failed.values_list("progress", flat=True) for entry in progress}
    return not steps.isdisjoint({"publish", "unpublish"})
