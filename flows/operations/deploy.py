"""Deploy: from a stored version to a running Core, in the order that the contract gives. (spec: api.md, Deploy)

Every step is recorded in the job's progress. What a step raises is the documented error of that step; nothing after it
is called.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from flows.actions import FLOW_DEPLOYED
from flows.compiler import Compiled
from flows.models import Deployment, Job
from flows.operations import cores, queues
from flows.operations.compiling import compiled
from flows.operations.credentials import required_credential
from flows.operations.jobs import step
from flows.operations.versions import Content, content_of
from flows.roles import DeploymentStatus
from scaiflow.kit import audit
from scaiflow.kit.errors import AppError
from scaiflow.upstream.scaigrid import Published
from tenants.operations.credentials import Credential


def deploy(job: Job) -> dict[str, Any]:
    """The documented answer. Raises DoesNotCompile, MissingScaiGridCredentials, the errors of queues.py and cores.py, and
    PassedThrough when ScaiGrid limits the rate."""
    with step(job, "read"):
        content = content_of(flow=job.flow, version=job.arguments["version"])
    with step(job, "credential"):
        credential = required_credential(job)
    with step(job, "compile"):
        manifest = compiled(content)
    topology = content.get("config", {}).get("scaiqueue")
    provisioned = None
    if topology:
        with step(job, "provision"):
            provisioned = queues.provision(credential=credential, topology=topology)
    with step(job, "core"):
        core_id = cores.put_core(flow=job.flow, credential=credential, manifest=manifest)
    deployment = _publish_and_record(job, credential, content, manifest, core_id)
    return {
        "core_id": core_id,
        "published_slug": deployment.published_slug,
        "published_model_id": deployment.published_model_id,
        "scaiqueue_provisioning": provisioned,
        "deployment_id": deployment.id,
        "flow_version": deployment.flow_version,
        "job_id": job.id,
    }


def _publish_and_record(
    job: Job, credential: Credential, content: Content, manifest: Compiled, core_id: str
) -> Deployment:
    """A Core that could not be published is deployed all the same, and on record as that."""
    try:
        published = _publish(job, credential, content, core_id)
    except AppError:
        _record(job, content, manifest, core_id, Published(None, None), DeploymentStatus.PUBLISH_FAILED)
        raise
    return _record(job, content, manifest, core_id, published, DeploymentStatus.DEPLOYED)


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


def _record(
    job: Job, content: Content, manifest: Compiled, core_id: str, published: Published, status: DeploymentStatus
) -> Deployment:
    with step(job, "record"), transaction.atomic():
        deployment = Deployment.objects.create(
            flow=job.flow, core_id=core_id, flow_version=content["version"], manifest_digest=manifest.digest,
            published_slug=published.slug, published_model_id=published.model_id, status=status,
            deployed_by=job.requested_by,
        )  # fmt: skip
        audit.record(
            action=FLOW_DEPLOYED, tenant_id=job.flow.tenant_id, actor_id=job.requested_by, object_type="flow",
            object_id=job.flow_id, result=audit.DONE if status == DeploymentStatus.DEPLOYED else audit.FAILED,
            changes={"deployment": deployment.id, "core": core_id, "published_slug": published.slug},
        )  # fmt: skip
    return deployment
