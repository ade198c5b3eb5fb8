"""Flows and who may do what on them, to look at."""

from __future__ import annotations

from django.contrib import admin

from flows.models import Deployment, Flow, FlowACL, Job, TestRun
from scaiflow.kit.pages import ReadOnly


@admin.register(Flow)
class Flows(ReadOnly):
    list_display = ("id", "tenant_id", "owner_id", "name", "version", "updated_at", "deleted_at")
    search_fields = ("id", "name_folded", "tenant_id", "owner_id")


@admin.register(FlowACL)
class FlowACLs(ReadOnly):
    list_display = ("id", "flow_id", "principal_type", "principal_id", "level", "granted_by", "granted_at")
    search_fields = ("flow__id", "principal_id")


@admin.register(Deployment)
class Deployments(ReadOnly):
    list_display = ("id", "flow_id", "core_id", "flow_version", "status", "deployed_by", "deployed_at")
    search_fields = ("id", "flow__id", "core_id")


@admin.register(Job)
class Jobs(ReadOnly):
    list_display = ("id", "flow_id", "kind", "state", "requested_by", "created_at", "finished_at")
    exclude = ("sealed_token",)
    search_fields = ("id", "flow__id", "requested_by")


@admin.register(TestRun)
class TestRuns(ReadOnly):
    list_display = ("id", "flow_id", "core_id", "flow_version", "passed", "failed", "run_by", "run_at")
    search_fields = ("id", "flow__id", "core_id")
