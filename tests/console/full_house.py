"""A console with very much in it: 1,000 flows, people, groups, jobs, deployments and deliveries, 10,000 entries of the audit
log, and the roads to every page that shows some of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from flows.models import Deployment, Flow, FlowACL, FlowVersion, Job
from scaiflow.kit import json, storage
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership, User
from tests.console.test_runs import END, STORY
from tests.drawings import greeting
from tests.loopback import Service, Told
from webhooks.models import Delivery

MANY = 1_000
PAGES = (
    "/", "/flows", "/flows?q=flow+7", "/flows?show=mine", "/flows?show=deleted", "/flows?deployed=true", "/flows/new",
    "/flows/flow_0", "/flows/flow_0?node=greet", "/flows/flow_0/edit", "/flows/flow_0/versions",
    "/flows/flow_0/diff?from=1.0.0", "/flows/flow_0/compiled", "/flows/flow_0/deploy", "/flows/flow_0/deploy/preview",
    "/flows/flow_0/tests", "/flows/flow_0/access", "/flows/flow_0/runs", "/flows/flow_0/runs/short", "/runs", "/checkpoints",
    "/jobs/job_0", "/catalog", "/catalog/publish", "/catalog/publish?flow=flow_0", "/settings", "/settings/people",
    "/settings/groups", "/settings/webhooks", "/settings/audit", "/settings/tenants", "/settings/api",
)  # fmt: skip


def fill_house() -> None:
    now, content = timezone.now(), json.dumps(greeting())
    storage.create("many/v1", content)
    digest = hashlib.sha256(content).hexdigest()
    ids = [f"flow_{number}" for number in range(MANY)]
    times = [{"updated_at": now - timedelta(seconds=number)} for number in range(MANY)]
    Flow.objects.bulk_create(
        Flow(id=one, tenant_id="tnt_demo", owner_id=f"usr_{one}", name=one, name_folded=one, search_folded=one,
             version="1.0.0", tags=["many"], **time)
        for one, time in zip(ids, times, strict=True)
    )  # fmt: skip
    FlowVersion.objects.bulk_create(
        FlowVersion(flow_id=one, version="1.0.0", sequence=1, object_key=f"many/{one}" if one != "flow_0" else "many/v1",
                    digest=digest, size=len(content), author_id=f"usr_{one}")
        for one in ids
    )  # fmt: skip
    User.objects.bulk_create(User(id=f"usr_{one}", tenant_id="tnt_platform", display_name=one) for one in ids)
    Group.objects.bulk_create(Group(id=f"grp_{one}", tenant_id="tnt_platform", name=one) for one in ids)
    Membership.objects.bulk_create(
        Membership(group_id=f"grp_{one}", user_id=f"usr_{one}", tenant_id="tnt_platform") for one in ids
    )
    done: dict[str, Any] = {
        "state": "failed",
        "error": {"status": 500, "detail": "x"},
        "arguments": {"version": "1.0.0"},
    }
    Job.objects.bulk_create(
        Job(id=f"job_{number}", flow_id=one, kind="deploy", requested_by=f"usr_{one}", **done)
        for number, one in enumerate(ids)
    )
    Deployment.objects.bulk_create(
        Deployment(
            flow_id=one, core_id=f"core_{one}", flow_version="1.0.0", status="deployed", deployed_by=f"usr_{one}"
        )
        for one in ids
    )
    FlowACL.objects.bulk_create(
        FlowACL(flow_id="flow_0", principal_type="user", principal_id=f"usr_{one}", level=1, granted_by="usr_x")
        for one in ids
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(tenant_id="tnt_demo", sequence=number, at=now, actor_id=f"usr_flow_{number % MANY}", previous="p",
                   action="flow.created", object_type="flow", object_id="flow_0", result="done", digest="d")
        for number in range(10_000)
    )  # fmt: skip
    Delivery.objects.bulk_create(
        Delivery(event_id=f"evt_{one}", type="user.updated", occurred_at=now, handled=True, outcome="applied")
        for one in ids
    )


def answer_for(scaigrid: Service) -> None:
    """480 events of one Core, and a checkpoint of every Core."""
    scaigrid.on("GET", "/v1/modules/scaicore/events", Told(200, {"data": {"events": [*STORY, *END] * 80}}))
    found = [{"id": f"chk_{n}", "core_id": f"core_flow_{n}", "status": "pending"} for n in range(MANY)]
    scaigrid.on("GET", "/v1/modules/scaicore/checkpoints", Told(200, {"data": {"checkpoints": found}}))
