"""Flows, who may do what on them, and what became of them. What is written once is only looked at; what can be done goes
through the operations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from flows.access import acl_for, flow_for
from flows.models import (
    Core,
    Deployment,
    DocumentUpdate,
    Flow,
    FlowACL,
    FlowDocument,
    FlowTag,
    FlowVersion,
    Job,
    TestRun,
)
from flows.operations.acls import revoke
from flows.operations.flows import restore_flow
from flows.operations.redeploys import redeploy
from flows.roles import Level
from scaiflow.kit.acts import Acting, act
from scaiflow.kit.pages import ReadOnly
from scaiflow.kit.rights import MANAGE, require_permission
from tenants.principals import Principal


@act(title="Restore deleted flows", warning="These flows come back with all their versions and access entries.")
def _restore(by: Principal, flow: Flow) -> str:
    require_permission(by, MANAGE)
    restore_flow(flow=flow_for(by, flow.id, level=Level.ADMIN, deleted=True), by=by)
    return "is back"


@act(title="Revoke access", warning="Who has no other way to these flows no longer sees them.")
def _revoke(by: Principal, entry: FlowACL) -> str:
    require_permission(by, MANAGE)
    flow = flow_for(by, entry.flow_id, level=Level.ADMIN, deleted=entry.flow.deleted_at is not None)
    revoke(entry=acl_for(flow, entry.id), flow=flow, by=by)
    return "revoked"


@act(
    title="Deploy this version again",
    warning="The versions of these deployments go up once more, over what their Cores run now.",
)
def _redeploy(by: Principal, record: Deployment) -> str:
    return f"job {redeploy(record=record, by=by).id} is on its way"


class OfFlow(ReadOnly):
    """Rows that belong to a flow, and through it to a tenant."""

    tenant_path = "flow__tenant_id"
    history_type = "flow"
    list_select_related = ("flow",)

    def history_id(self, row: Any) -> str:
        return str(row.flow_id)

    @admin.display(description="tenant", ordering="flow__tenant_id")
    def tenant(self, row: Any) -> str:
        return str(row.flow.tenant_id)


@admin.register(Flow)
class Flows(Acting):
    history_type = "flow"
    list_display = ("id", "tenant_id", "owner_id", "name", "version", "updated_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    search_fields = ("=id", "=tenant_id", "=owner_id", "search_folded")
    exclude = ("name_folded", "search_folded")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "-id")
    actions = (_restore,)


@admin.register(FlowVersion)
class FlowVersions(OfFlow):
    list_display = ("flow", "tenant", "version", "label", "size", "author_id", "created_at")
    list_display_links = ("version",)
    search_fields = ("=flow__id", "=flow__tenant_id", "=digest", "=author_id", "label")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(FlowTag)
class FlowTags(OfFlow):
    list_display = ("flow", "tenant", "tag")
    list_display_links = ("tag",)
    search_fields = ("=flow__id", "=flow__tenant_id", "tag")
    ordering = ("tag", "flow_id")


@admin.register(FlowACL)
class FlowACLs(OfFlow, Acting):
    list_display = ("id", "flow", "tenant", "principal_type", "principal_id", "level", "granted_by", "granted_at")
    list_filter = ("principal_type", "level")
    search_fields = ("=id", "=flow__id", "=flow__tenant_id", "=principal_id", "=granted_by")
    date_hierarchy = "granted_at"
    ordering = ("-granted_at", "-id")
    actions = (_revoke,)


@admin.register(Deployment)
class Deployments(OfFlow, Acting):
    list_display = ("id", "flow", "tenant", "core_id", "flow_version", "published_slug", "status", "deployed_at")
    list_filter = ("status", ("published_slug", admin.EmptyFieldListFilter))
    search_fields = ("=id", "=flow__id", "=flow__tenant_id", "=core_id", "=deployed_by", "published_slug")
    date_hierarchy = "deployed_at"
    ordering = ("-deployed_at", "-id")
    actions = (_redeploy,)


@admin.register(Core)
class Cores(OfFlow):
    list_display = ("core_id", "flow", "tenant_id", "slug")
    list_display_links = ("core_id", "slug")
    search_fields = ("=flow__id", "=tenant_id", "=core_id", "slug")
    ordering = ("tenant_id", "slug")


@admin.register(TestRun)
class TestRuns(OfFlow):
    list_display = ("id", "flow", "tenant", "flow_version", "passed", "failed", "run_by", "run_at")
    search_fields = ("=id", "=flow__id", "=flow__tenant_id", "=core_id", "=run_by")
    date_hierarchy = "run_at"
    ordering = ("-run_at", "-id")


@admin.register(Job)
class Jobs(OfFlow):
    secret_fields = ("sealed_token",)
    list_display = ("id", "flow", "tenant", "kind", "state", "requested_by", "created_at", "finished_at")
    list_filter = ("kind", "state")
    search_fields = ("=id", "=flow__id", "=flow__tenant_id", "=requested_by", "=request_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(FlowDocument)
class FlowDocuments(OfFlow):
    """The shared document itself is bytes that only an editor can read."""

    exclude = ("state",)
    list_display = ("flow", "tenant", "revision", "updated_at")
    search_fields = ("=flow__id", "=flow__tenant_id")
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "flow_id")


@admin.register(DocumentUpdate)
class DocumentUpdates(OfFlow):
    exclude = ("change",)
    list_display = ("id", "flow", "tenant", "created_at")
    search_fields = ("=flow__id", "=flow__tenant_id")
    date_hierarchy = "created_at"
    ordering = ("-id",)
