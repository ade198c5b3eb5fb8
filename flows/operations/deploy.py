"""Deploy: from a stored version to a running Core, in the order that the contract gives. (spec: api.md, Deploy)

Every step is recorded in the job's progress. What a step raises is the documented error of that step; nothing after it
is called.
"""

from __future__ import annotations

from typing import Any

from flows.actions import FLOW_DEPLOYED
from flows.compiler import Compiled
from flows.models import Deployment, Job
from flows.operations import cores, queues
from flows.operations.compiling import compiled
from flows.operations.credentials import required_credential
from flows.operations.versions import Content, content_of
from flows.operations.working import Outcome, step, token_of
from flows.roles import DeploymentStatus
from scaiflow.kit import audit
from scaiflow.kit.errors import AppError
from scaiflow.upstream.scaigrid import Published
from tenants.operations.credentials import Credential


def deploy(job: Job) -> Outcome:
    """The documented answer, with the deployment's row. Raises DoesNotCompile, MissingScaiGridCredentials, the errors of
    queues.py and cores.py, and PassedThrough when ScaiGrid limits the rate."""
    with step(job, "read", can_be_left_out=True):
        content = content_of(flow=job.flow, version=job.arguments["version"])
    with step(job, "credential"):
        credential = required_credential(tenant_id=job.flow.tenant_id, token=token_of(job))
    with step(job, "compile"):
        manifest = compiled(content)
    topology = content.get("config", {}).get("scaiqueue")
    provisioned = None
    if topology:
        with step(job, "provision", can_be_left_out=True):
            provisioned = queues.provision(credential=credential, topology=topology)
    with step(job, "core", can_be_left_out=True):
        core_id = cores.put_core(flow=job.flow, credential=credential, manifest=manifest)
    return _publish_and_record(job, credential, content, manifest, core_id, provisioned)


def _publish_and_record(
    job: Job,
    credential: Credential,
    content: Content,
    manifest: Compiled,
    core_id: str,
    provisioned: dict[str, Any] | None,
) -> Outcome:
    """From here on there is a Core, so there will be a record: also when it could not be published, as just that."""
    record = Deployment(
        flow=job.flow, core_id=core_id, flow_version=content["version"], manifest_digest=manifest.digest,
        status=DeploymentStatus.DEPLOYED, deployed_by=job.requested_by,
    )  # fmt: skip
    try:
        published = _publish(job, credential, content, core_id)
    except AppError as error:
        record.status = DeploymentStatus.PUBLISH_FAILED
        return Outcome(error=error, rows=[record], told=[_entry(record, audit.FAILED)])
    record.published_slug, record.published_model_id = published.slug, published.model_id
    result = {
        "core_id": core_id,
        "published_slug": published.slug,
        "published_model_id": published.model_id,
        "scaiqueue_provisioning": provisioned,
        "deployment_id": record.id,
        "flow_version": record.flow_version,
        "job_id": job.id,
    }
    return Outcome(result=result, rows=[record], told=[_entry(record, audit.DONE)])


def _entry(record: Deployment, result: str) -> dict[str, Any]:
    changes = {"deployment": record.id, "core": record.core_id, "published_slug": record.published_slug}
    return {"action": FLOW_DEPLOYED, "result": result, "changes": changes}


def _publish(job: Job, credential: Credential, content: Content, core_id: str) -> Published:
    wanted, group_ids = publication(job.arguments, content.get("config", {}))
    if wanted:
        with step(job, "publish"):
            return cores.publish(credential=credential, core_id=core_id, group_ids=group_ids)
    last = job.flow.deployments.newest_first().first()
    if last and last.published_slug and last.core_id == core_id:
        with step(job, "unpublish"):
            cores.unpublish(credential=credential, core_id=core_id)
    return Published(None, None)


def publication(asked: dict[str, Any], config: dict[str, Any]) -> tuple[bool, list[str]]:
    """What the request says goes before what the flow's config says; an empty list of groups says something too."""
    wanted = asked.get("publish_as_model")
    group_ids = asked.get("group_ids")
    if wanted is None:
        wanted = bool(config.get("publish_as_model"))
    if group_ids is None:
        group_ids = list(config.get("model_visibility_group_ids") or [])
    return wanted, group_ids
