"""The one door to a flow: fetched, checked, and told apart (404 unseen, 403 seen but not enough)."""

from __future__ import annotations

from flows.models import Deployment, Flow, Job
from flows.roles import Level
from scaiflow.kit.errors import NotAllowed, NotFound
from tenants.principals import Principal


def flow_for(principal: Principal, flow_id: str, *, level: Level, deleted: bool = False) -> Flow:
    """The flow, if the principal holds `level` on it. Raises NotFound, NotAllowed.

    `deleted` opens the door to deleted flows instead of living ones (to bring one back)."""
    flow = Flow.objects.visible_to(principal).filter(id=flow_id, deleted_at__isnull=not deleted).first()
    if flow is None:
        raise NotFound("flow not found")
    require_level(principal, flow, level)
    return flow


def require_level(principal: Principal, flow: Flow, level: Level) -> None:
    """Raises NotAllowed."""
    if level_on(principal, flow) < level:
        raise NotAllowed(f"level '{level.word}' on this flow is missing")


def level_on(principal: Principal, flow: Flow) -> Level:
    """Owners and admins hold the highest level without an entry anywhere; nobody else sees the flow at all."""
    if flow.owner_id == principal.sub and flow.tenant_id == principal.tenant_id:
        return Level.ADMIN
    if principal.is_admin_of(flow.tenant_id):
        return Level.ADMIN
    raise NotFound("flow not found")


def job_for(principal: Principal, job_id: str, *, level: Level) -> Job:
    """A job is seen by whoever may see its flow. Raises NotFound, NotAllowed."""
    job = Job.objects.select_related("flow").filter(id=job_id).first()
    if job is None or not Flow.objects.visible_to(principal).filter(id=job.flow_id).exists():
        raise NotFound("job not found")
    require_level(principal, job.flow, level)
    return job


def require_deployed(flow: Flow, core_id: str) -> None:
    """Raises NotFound unless this flow was deployed to that Core."""
    if not Deployment.objects.filter(flow=flow, core_id=core_id).exists():
        raise NotFound("this flow was never deployed to that Core")


def deployment_of(flow: Flow, deployment_id: str) -> Deployment:
    """Raises NotFound."""
    found = flow.deployments.filter(id=deployment_id).first()
    if found is None:
        raise NotFound("deployment not found")
    return found
