"""A console with very much in it: 1,000 flows, people, groups, jobs, deployments, packages and deliveries, 10,000 entries of
the audit log and 10,000 events of a Core; and the roads to every page."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalog.models import Package as Listed
from catalog.models import PackageVersion
from catalog.packaging import Package, write_package
from flows.models import Deployment, Flow, FlowACL, FlowVersion, Job, TestRun
from scaiflow.kit import json, storage
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership, User
from tests.console.events import ManyEvents
from tests.drawings import greeting
from tests.loopback import Service, Told
from webhooks.models import Delivery

MANY = 1_000
RESULTS: list[Any] = [{"name": "greets", "ok": True, "expect": {}, "output": {}, "error": None}]
PAGES = (
    "/", "/health", "/flows", "/flows?q=flow+7", "/flows?show=mine", "/flows?show=deleted", "/flows?deployed=true",
    "/flows/new", "/flows/try", "/flows/flow_0", "/flows/flow_0?node=greet", "/flows/flow_0/edit",
    "/flows/flow_0/versions", "/flows/flow_0/diff?from=1.0.0", "/flows/flow_0/compiled",
    "/flows/flow_0/compiled?format=document", "/flows/flow_0/export", "/flows/flow_0/deploy",
    "/flows/flow_0/deploy/preview", "/flows/flow_0/jobs", "/flows/flow_0/tests", "/flows/flow_0/tests/run_0",
    "/flows/flow_0/tests/run_0.xml", "/flows/flow_0/access", "/flows/flow_0/here", "/flows/flow_0/runs",
    "/flows/flow_0/runs?state=failed&first=failures", "/flows/flow_0/runs?cursor=500",
    "/flows/flow_0/runs?cursor=9500&run=exec_0001", "/flows/flow_0/runs/short", "/runs", "/checkpoints",
    "/checkpoints/chk_999", "/jobs/job_0", "/catalog", "/catalog?search=7", "/catalog/package-0",
    "/catalog/package-0/download", "/catalog/publish", "/catalog/publish?flow=flow_0", "/settings",
    "/settings/people", "/settings/people?all=yes", "/settings/groups", "/settings/sync", "/settings/webhooks",
    "/settings/audit", "/settings/audit.csv?action=flow.deployed", "/settings/tenants", "/settings/resources",
    "/settings/resources?list=models", "/settings/api",
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
    TestRun.objects.bulk_create(
        TestRun(id=f"run_{n}", flow_id="flow_0", job_id=f"job_of_run_{n}", core_id="core_flow_0", flow_version="1.0.0",
                tests_version="1.0.0", passed=1, failed=0, run_by="usr_x", results=RESULTS)
        for n in range(MANY)
    )  # fmt: skip
    fill_catalog()
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


def fill_catalog() -> None:
    """As many packages, and the first of them in as many versions. They share one file."""
    body = write_package(
        Package(package_id="package-0", name="Package", version="1.0.0", content=greeting(), manifest=b"core: {}")
    )
    storage.create("many/package", body)
    file = {"digest": hashlib.sha256(body).hexdigest(), "size": len(body), "author_id": "usr_x", "flow_id": "flow_0"}
    Listed.objects.bulk_create(
        Listed(id=f"pkg_{n}", tenant_id="tnt_demo", slug=f"package-{n}", name=f"Package {n}", name_folded=f"package {n}",
               version="1.0.0", author_id=f"usr_flow_{n}", readme="# Read me\n" * 100)
        for n in range(MANY)
    )  # fmt: skip
    PackageVersion.objects.bulk_create(
        PackageVersion(package_id="pkg_0", version=f"1.0.{n}", sequence=n, object_key=f"many/package{n or ''}", **file)
        for n in range(MANY)
    )


def answer_for(scaigrid: Service) -> None:
    """10,000 events of any Core, a checkpoint of every Core, and some models."""
    ManyEvents(1_000, now=timezone.now()).serve(scaigrid)
    scaigrid.on("GET", "/v1/models", Told(200, {"data": [{"id": f"openai/gpt-{n}"} for n in range(100)]}))
    found = [{"id": f"chk_{n}", "core_id": f"core_flow_{n}", "status": "pending"} for n in range(MANY)]
    scaigrid.on("GET", "/v1/modules/scaicore/checkpoints", Told(200, {"data": {"checkpoints": found}}))
