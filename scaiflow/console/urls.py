"""Every page of the console, but for home and the sign-in (scaiflow/urls.py)."""

from __future__ import annotations

from django.urls import path

from scaiflow.console.views.access import FlowAccess, FlowAccessEntry, FlowOwner
from scaiflow.console.views.audit import AuditExport, AuditLog
from scaiflow.console.views.catalog import (
    Catalog,
    PackageBack,
    PackageDelete,
    PackageDetail,
    PackageDownload,
    PackageInstall,
    PackageVisibility,
    Publish,
)
from scaiflow.console.views.checkpoints import Checkpoint, Checkpoints
from scaiflow.console.views.deploying import (
    FlowDeploying,
    FlowDeployPreview,
    FlowJobs,
    FlowRollback,
    JobProgress,
    JobStop,
)
from scaiflow.console.views.flow import FlowBack, FlowCompiled, FlowDelete, FlowEdit, FlowExport, FlowOverview
from scaiflow.console.views.flows import FlowCheck, FlowList, FlowNew
from scaiflow.console.views.here import FlowHere
from scaiflow.console.views.home import HomeHealth
from scaiflow.console.views.resources import Resources
from scaiflow.console.views.running import FlowRuns, FlowRunsShort, FlowRunStream, Running
from scaiflow.console.views.settings import (
    ApiPage,
    Credentials,
    CredentialsDelete,
    Groups,
    People,
    PeopleRole,
    Sync,
    Tenants,
    Webhooks,
)
from scaiflow.console.views.testing import FlowTestReport, FlowTestRun, FlowTests
from scaiflow.console.views.trying import FlowTry
from scaiflow.console.views.versions import FlowDiff, FlowVersionLabel, FlowVersionRestore, FlowVersions

app_name = "console"
urlpatterns = [
    path("health", HomeHealth.as_view(), name="health"),
    path("flows", FlowList.as_view(), name="flows"),
    path("flows/new", FlowNew.as_view(), name="flow-new"),
    path("flows/check", FlowCheck.as_view(), name="flow-check"),
    path("flows/try", FlowTry.as_view(), name="flow-try"),
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
    path("flows/<id:flow_id>/jobs", FlowJobs.as_view(), name="flow-jobs"),
    path("jobs/<id:job_id>", JobProgress.as_view(), name="job"),
    path("jobs/<id:job_id>/stop", JobStop.as_view(), name="job-stop"),
    path("flows/<id:flow_id>/here", FlowHere.as_view(), name="flow-here"),
    path("flows/<id:flow_id>/runs", FlowRuns.as_view(), name="flow-runs"),
    path("flows/<id:flow_id>/runs/short", FlowRunsShort.as_view(), name="flow-runs-short"),
    path("flows/<id:flow_id>/runs/stream", FlowRunStream.as_view(), name="flow-runs-stream"),
    path("flows/<id:flow_id>/export", FlowExport.as_view(), name="flow-export"),
    path("flows/<id:flow_id>/owner", FlowOwner.as_view(), name="flow-owner"),
    path("flows/<id:flow_id>/tests/<id:run_id>.xml", FlowTestReport.as_view(), name="flow-test-report"),
    path("flows/<id:flow_id>/tests/<id:run_id>", FlowTestRun.as_view(), name="flow-test-run"),
    path("flows/<id:flow_id>/versions/<id:version>/label", FlowVersionLabel.as_view(), name="flow-version-label"),
    path("runs", Running.as_view(), name="runs"),
    path("checkpoints", Checkpoints.as_view(), name="checkpoints"),
    path("checkpoints/<id:checkpoint_id>", Checkpoint.as_view(), name="checkpoint"),
    path("catalog", Catalog.as_view(), name="catalog"),
    path("catalog/publish", Publish.as_view(), name="publish"),
    path("catalog/<id:package_id>", PackageDetail.as_view(), name="package"),
    path("catalog/<id:package_id>/install", PackageInstall.as_view(), name="package-install"),
    path("catalog/<id:package_id>/visibility", PackageVisibility.as_view(), name="package-visibility"),
    path("catalog/<id:package_id>/delete", PackageDelete.as_view(), name="package-delete"),
    path("catalog/<id:package_id>/restore", PackageBack.as_view(), name="package-back"),
    path("catalog/<id:package_id>/download", PackageDownload.as_view(), name="package-download"),
    path("settings/resources", Resources.as_view(), name="settings-resources"),
    path("settings/tenants", Tenants.as_view(), name="settings-tenants"),
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
