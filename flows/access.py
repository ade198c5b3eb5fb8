"""The one door to a flow: fetched, checked, and told apart (404 unseen, 403 seen but not enough)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Max

from flows.models import Deployment, Flow, FlowACL, Job, TestRun
from flows.roles import Level
from scaiflow.kit.errors import NotAllowed, NotFound, Unseen
from tenants.principals import Principal


def flow_for(principal: Principal, flow_id: str, *, level: Level, deleted: bool = False) -> Flow:
    """The flow, if the principal holds `level` on it. Raises NotFound (Unseen when it is there), NotAllowed.

    `deleted` opens the door to deleted flows too (to bring one back)."""
    there = (Flow.objects.all() if deleted else Flow.objects.living()).filter(id=flow_id)
    flow = there.visible_to(principal).first()
    if flow is None:
        raise (Unseen if there.exists() else NotFound)("flow not found")
    require_level(principal, flow, level)
    return flow


def require_level(principal: Principal, flow: Flow, level: Level) -> None:
    """Raises NotAllowed, Unseen."""
    if level_on(principal, flow) < level:
        raise NotAllowed(f"level '{level.word}' on this flow is missing")


def level_on(principal: Principal, flow: Flow) -> Level:
    """Owners and admins hold the highest level without an entry anywhere; everybody else what the entries give.
    Raises Unseen when that is nothing."""
    is_owner = flow.owner_id == principal.sub and flow.tenant_id == principal.tenant_id
    if is_owner or principal.is_admin_of(flow.tenant_id):
        return Level.ADMIN
    granted = granted_on(principal, flow) if flow.tenant_id == principal.tenant_id else None
    if granted is None:
        raise Unseen("flow not found")
    return Level(granted)


def granted_on(principal: Principal, flow: Flow) -> int | None:
    """What the access entries give. A flow that came through `visible_to` knows it already."""
    if "granted" in flow.__dict__:
        known: int | None = flow.__dict__["granted"]
        return known
    highest: int | None = (
        FlowACL.objects.granted_to(principal).filter(flow=flow).aggregate(highest=Max("level"))["highest"]
    )
    return highest


def acl_for(flow: Flow, acl_id: str) -> FlowACL:
    """An explicit entry of this flow. Raises NotFound."""
    found = flow.acls.filter(id=acl_id).first()
    if found is None:
        raise NotFound("access entry not found")
    return found


def job_for(principal: Principal, job_id: str, *, level: Level) -> Job:
    """A job is seen by whoever may see its flow. Raises NotFound, NotAllowed."""
    job = Job.objects.select_related("flow").filter(id=job_id).first()
    if job is None:
        raise NotFound("job not found")
    if not Flow.objects.visible_to(principal).filter(id=job.flow_id).exists():
        raise Unseen("job not found")
    require_level(principal, job.flow, level)
    return job


def flow_of_core(principal: Principal, core_id: str, *, level: Level) -> Flow:
    """A living flow that was deployed to this Core and on which the principal holds `level`. Where there are several (two
    ScaiGrids may give one id twice) the principal's own tenant goes first, then the latest deployment. Raises NotFound
    (Unseen when there is one), NotAllowed."""
    deployed = Flow.objects.living().filter(deployments__core_id=core_id)
    newest_first = deployed.visible_to(principal).annotate(latest=Max("deployments__deployed_at")).order_by("-latest")
    found = sorted(newest_first, key=lambda flow: flow.tenant_id != principal.tenant_id)
    if not found:
        raise (Unseen if deployed.exists() else NotFound)("Core not found")
    fitting = next((flow for flow in found if level_on(principal, flow) >= level), found[0])
    require_level(principal, fitting, level)
    return fitting


def flows_of_cores(principal: Principal, core_ids: Iterable[str]) -> dict[str, Flow]:
    """Of these Cores those that the principal may reach, each with the flow that `flow_of_core` would give for looking."""
    wanted = set(core_ids)
    rows = Deployment.objects.filter(core_id__in=wanted).order_by("deployed_at", "id").values_list("core_id", "flow_id")
    seen = Flow.objects.living().visible_to(principal)
    flows = {flow.id: flow for flow in seen.filter(deployments__core_id__in=wanted).distinct()}
    found = [(core_id, flows[flow_id]) for core_id, flow_id in rows if flow_id in flows]
    return dict(sorted(found, key=lambda pair: pair[1].tenant_id == principal.tenant_id))


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


def test_run_of(flow: Flow, run_id: str) -> TestRun:
    """Raises NotFound."""
    found = flow.test_runs.filter(id=run_id).first()
    if found is None:
        raise NotFound("test run not found")
    return found
