"""Every page of the console, but for home and the sign-in (scaiflow/urls.py)."""

from __future__ import annotations

from django.urls import path

from scaiflow.console.views.access import FlowAccess, FlowAccessEntry
from scaiflow.console.views.audit import AuditExport, AuditLog
from scaiflow.console.views.deploying import (
    FlowDeploying,
    FlowDeployPreview,
    FlowRollback,
    FlowTests,
    JobProgress,
    JobStop,
)
from scaiflow.console.views.flow import FlowBack, FlowCompiled, FlowDelete, FlowEdit, FlowOverview
from scaiflow.console.views.flows import FlowCheck, FlowList, FlowNew
from scaiflow.console.views.home import HomeHealth
from scaiflow.console.views.settings import (
    ApiPage,
    Credentials,
    CredentialsDelete,
    Groups,
    People,
    PeopleRole,
    Sync,
    Webhooks,
)
from scaiflow.console.views.versions import FlowDiff, FlowVersionRestore, FlowVersions

app_name = "console"
urlpatterns = [
    path("health", HomeHealth.as_view(), name="health"),
    path("flows", FlowList.as_view(), name="flows"),
    path("flows/new", FlowNew.as_view(), name="flow-new"),
    path("flows/check", FlowCheck.as_view(), name="flow-check"),
    path("flows/<id:flow_id>", FlowOverview.as_view(), name="flow"),
    path("flows/<id:flow_id>/edit", FlowEdit.as_view(), name="flow-edit"),
    path("flows/<id:flow_id>/compiled", FlowCompiled.as_view(), name="flow-compiled"),
    path("flows/<id:flow_id>/delete", FlowDelete.as_view(), name="flow-delete"),
    path("flows/<id:flow_id>/restore", FlowBack.as_view(), name="flow-back"),
    path("flows/<id:flow_id>/versions", FlowVersions.as_view(), name="flow-versions"),
    path("flows/<id:flow_id>/versions/<id:version>/restore", FlowVersionRestore.as_view(), name="flow-version-restore"),
    path("flows/<id:flow_id>/diff", FlowDiff.as_view(), name="flow-diff"),
    path("flows/<id:flow_id>/access", FlowAccess.as_view(), name="flow-access"),
    path("flows/<id:flow_id>/access/<id:acl_id>", FlowAccessEntry.as_view(), name="flow-access-entry"),
    path("flows/<id:flow_id>/deploy", FlowDeploying.as_view(), name="flow-deploy"),
    path("flows/<id:flow_id>/deploy/preview", FlowDeployPreview.as_view(), name="flow-deploy-preview"),
    path("flows/<id:flow_id>/deployments/<id:deployment_id>/again", FlowRollback.as_view(), name="flow-rollback"),
    path("flows/<id:flow_id>/tests", FlowTests.as_view(), name="flow-tests"),
    path("jobs/<id:job_id>", JobProgress.as_view(), name="job"),
    path("jobs/<id:job_id>/stop", JobStop.as_view(), name="job-stop"),
    path("settings", Credentials.as_view(), name="settings"),
    path("settings/forget", CredentialsDelete.as_view(), name="settings-forget"),
    path("settings/people", People.as_view(), name="settings-people"),
    path("settings/people/<id:user_id>/role", PeopleRole.as_view(), name="settings-role"),
    path("settings/groups", Groups.as_view(), name="settings-groups"),
    path("settings/sync", Sync.as_view(), name="settings-sync"),
    path("settings/webhooks", Webhooks.as_view(), name="settings-webhooks"),
    path("settings/audit", AuditLog.as_view(), name="settings-audit"),
    path("settings/audit.csv", AuditExport.as_view(), name="settings-audit-export"),
    path("settings/api", ApiPage.as_view(), name="settings-api"),
]
