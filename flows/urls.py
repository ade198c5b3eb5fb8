"""Every door of the app."""

from __future__ import annotations

from django.urls import path, re_path

from flows.consumers import no_such_socket, sync_socket
from flows.views.acls import ACLDetail, ACLs
from flows.views.admin import AdminFlowOwner, AdminTenantFlows, AdminTenants
from flows.views.deployments import DeploymentRedeploy, Deployments, DeployPreview, FlowDeploy
from flows.views.flows import FlowDetail, FlowRestore, Flows
from flows.views.jobs import FlowJobs, JobCancel, JobDetail
from flows.views.legacy import DevDeploy
from flows.views.packages import CatalogPublish, FlowExport, PackageInstall
from flows.views.presence import Heartbeat, PresentPeers
from flows.views.preview import FlowCompile, FlowImport, FlowValidate
from flows.views.test_runs import FlowRunTests, TestRun, TestRuns
from flows.views.versions import VersionDetail, VersionDiff, VersionRestore, Versions

urlpatterns = [
    path("flows", Flows.as_view(), name="flows"),
    path("flows/compile", FlowCompile.as_view(), name="flow-compile"),
    path("flows/validate", FlowValidate.as_view(), name="flow-validate"),
    path("flows/import", FlowImport.as_view(), name="flow-import"),
    path("flows/<id:flow_id>", FlowDetail.as_view(), name="flow"),
    path("flows/<id:flow_id>/restore", FlowRestore.as_view(), name="flow-restore"),
    path("flows/<id:flow_id>/versions", Versions.as_view(), name="flow-versions"),
    path("flows/<id:flow_id>/versions/<id:version>", VersionDetail.as_view(), name="flow-version"),
    path("flows/<id:flow_id>/versions/<id:version>/restore", VersionRestore.as_view(), name="flow-version-restore"),
    path("flows/<id:flow_id>/diff", VersionDiff.as_view(), name="flow-diff"),
    path("flows/<id:flow_id>/export", FlowExport.as_view(), name="flow-export"),
    path("catalog/publish", CatalogPublish.as_view(), name="catalog-publish"),
    path("catalog/<id:package_id>/install", PackageInstall.as_view(), name="package-install"),
    path("flows/<id:flow_id>/deploy/preview", DeployPreview.as_view(), name="flow-deploy-preview"),
    path(
        "flows/<id:flow_id>/deployments/<id:deployment_id>/redeploy",
        DeploymentRedeploy.as_view(),
        name="flow-deployment-redeploy",
    ),
    path("flows/<id:flow_id>/deploy", FlowDeploy.as_view(), name="flow-deploy"),
    path("flows/<id:flow_id>/run-tests", FlowRunTests.as_view(), name="flow-run-tests"),
    path("flows/<id:flow_id>/test-runs", TestRuns.as_view(), name="flow-test-runs"),
    path("flows/<id:flow_id>/test-runs/<id:run_id>", TestRun.as_view(), name="flow-test-run"),
    path("flows/<id:flow_id>/deployments", Deployments.as_view(), name="flow-deployments"),
    path("flows/<id:flow_id>/jobs", FlowJobs.as_view(), name="flow-jobs"),
    path("dev/deploy", DevDeploy.as_view(), name="dev-deploy"),
    path("flows/<id:flow_id>/acls", ACLs.as_view(), name="flow-acls"),
    path("flows/<id:flow_id>/acls/<id:acl_id>", ACLDetail.as_view(), name="flow-acl"),
    path("admin/tenants", AdminTenants.as_view(), name="admin-tenants"),
    path("admin/tenant/flows", AdminTenantFlows.as_view(), name="admin-tenant-flows"),
    path("admin/flows/<id:flow_id>/owner", AdminFlowOwner.as_view(), name="admin-flow-owner"),
    path("flows/<id:flow_id>/presence", PresentPeers.as_view(), name="flow-presence"),
    path("flows/<id:flow_id>/presence/heartbeat", Heartbeat.as_view(), name="flow-presence-heartbeat"),
    path("jobs/<id:job_id>", JobDetail.as_view(), name="job"),
    path("jobs/<id:job_id>/cancel", JobCancel.as_view(), name="job-cancel"),
]

websocket_urlpatterns = [  # Channels' routing, which takes any ASGI application
    path("api/v1/flows/<id:flow_id>/sync", sync_socket),  # type: ignore[arg-type]
    re_path(r"", no_such_socket),  # type: ignore[arg-type]
]
