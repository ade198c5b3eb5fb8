"""An earlier deployment once more: its version, published as it was then unless one says otherwise."""

from __future__ import annotations

from typing import Any

from flows.access import flow_for
from flows.models import Deployment, Job
from flows.operations.jobs import start_job
from flows.roles import JobKind, Level
from scaiflow.kit.rights import MANAGE, require_permission
from tenants.principals import Principal


def redeploy_arguments(record: Deployment, asked: dict[str, Any]) -> dict[str, Any]:
    """What the deploy job is told; `asked` is a deploy's body."""
    published = asked["publish_as_model"]
    was_published = record.published_slug is not None
    return {
        **asked, "publish_as_model": was_published if published is None else published, "version": record.flow_version,
    }  # fmt: skip


def redeploy(*, record: Deployment, by: Principal) -> Job:
    """The job, on its way. Raises NotAllowed, NotFound."""
    require_permission(by, MANAGE)
    flow = flow_for(by, record.flow_id, level=Level.DEPLOY)
    asked = {"publish_as_model": None, "group_ids": None}
    return start_job(flow=flow, by=by, kind=JobKind.DEPLOY, arguments=redeploy_arguments(record, asked))
