"""Deploy: from a stored version to a running Core, in the order that the contract gives. (spec: api.md, Deploy)

Every step is recorded in the job's progress. What a step raises is the documented error of that step; nothing after it
is called.
"""

from __future__ import annotations

from typing import Any

from flows.actions import FLOW_DEPLOYED
from flows.compiler import Compiled
from flows.models import Deployment, Job
from flows.operations import cores, publication, queues
from flows.operations.compiling import compiled
from flows.operations.credentials import required_credential
from flows.operations.versions import Content, content_of
from flows.operations.working import Outcome, step, token_of
from flows.roles import DeploymentStatus
from scaiflow.kit import audit
from scaiflow.kit.errors import AppError, NotFound
from tenants.operations.credentials import Credential


def deploy(job: Job) -> Outcome:
    """The documented answer, with the deployment's row. Raises NotFound (the flow was deleted while its job waited),
    DoesNotCompile, MissingScaiGridCredentials, the errors of queues.py and cores.py, and PassedThrough when ScaiGrid limits
    the rate."""
    with step(job, "read", can_be_left_out=True):
        content = _content(job)
    with step(job, "credential"):
        credential = required_credential(tenant_id=job.flow.tenant_id, token=token_of(job))
    with step(job, "compile"):
        manifest = compiled(content)
    topology = queues.topology_of(content)
    provisioned = None
    if topology:
        with step(job, "provision", can_be_left_out=True):
            provisioned = queues.provision(credential=credential, topology=topology)
    with step(job, "core", can_be_left_out=True):
        core_id = cores.put_core(flow=job.flow, credential=credential, manifest=manifest)
    return _publish_and_record(job, credential, content, manifest, core_id, provisioned)


def _content(job: Job) -> Content:
    if job.flow.deleted_at is not None:
        raise NotFound("flow not found")
    return content_of(flow=job.flow, version=job.arguments["version"])


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
        published = publication.settle(job, credential=credential, config=content.get("config") or {}, core_id=core_id)
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
