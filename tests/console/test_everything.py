"""Everything that the API can do for a person, the console can: one table, every operation of the OpenAPI document beside
the page or form that offers it. An operation without a row fails the build, and so does a row whose page is not there."""

from __future__ import annotations

import pytest
from django.urls import get_resolver

from scaiflow.console.reference.document import document
from scaiflow.kit import json
from tests.console.test_rights import PAGES
from tests.test_permissions import methods_of

# By operation id: method and road of the console. (Who may use them: test_rights.py. What they do: the tests beside.)
OFFERED = {
    "me": "GET /",
    "list_users": "GET /settings/people",
    "list_tenant_users": "GET /settings/people",
    "grant_role": "POST /settings/people/{user}/role",
    "revoke_role": "POST /settings/people/{user}/role",
    "sync_mirror": "POST /settings/sync",
    "list_audit": "GET /settings/audit",
    "list_tenants": "GET /settings/tenants",
    "list_tenant_flows": "GET /flows",
    "list_deliveries": "GET /settings/webhooks",
    "get_credential": "GET /settings",
    "set_credential": "POST /settings",
    "delete_credential": "POST /settings/forget",
    "list_flows": "GET /flows",
    "create_flow": "POST /flows/new",
    "compile_flow": "POST /flows/try",
    "validate_flow": "POST /flows/try",
    "import_manifest": "POST /flows/try",
    "get_flow": "GET /flows/{flow}",
    "update_flow": "POST /flows/{flow}/edit",
    "delete_flow": "POST /flows/{flow}/delete",
    "restore_flow": "POST /flows/{flow}/restore",
    "change_owner": "POST /flows/{flow}/owner",
    "list_versions": "GET /flows/{flow}/versions",
    "get_version": "GET /flows/{flow}/compiled",
    "label_version": "POST /flows/{flow}/versions/{version}/label",
    "restore_version": "POST /flows/{flow}/versions/{version}/restore",
    "diff_versions": "GET /flows/{flow}/diff",
    "export_flow": "GET /flows/{flow}/export",
    "preview_deploy": "GET /flows/{flow}/deploy/preview",
    "deploy_flow": "POST /flows/{flow}/deploy",
    "redeploy": "POST /flows/{flow}/deployments/{deployment}/again",
    "list_deployments": "GET /flows/{flow}/deploy",
    "run_tests": "POST /flows/{flow}/tests",
    "list_test_runs": "GET /flows/{flow}/tests",
    "get_test_run": "GET /flows/{flow}/tests/{run}",
    "list_jobs": "GET /flows/{flow}/jobs",
    "get_job": "GET /jobs/{job}",
    "cancel_job": "POST /jobs/{job}/stop",
    "list_acls": "GET /flows/{flow}/access",
    "grant_level": "POST /flows/{flow}/access",
    "change_level": "POST /flows/{flow}/access/{acl}",
    "revoke_level": "POST /flows/{flow}/access/{acl}",
    "list_presence": "GET /flows/{flow}/here",
    "tell_presence": "POST /flows/{flow}/here",
    "list_packages": "GET /catalog",
    "get_package": "GET /catalog/{package}",
    "publish_package": "POST /catalog/publish",
    "install_package": "POST /catalog/{package}/install",
    "change_visibility": "POST /catalog/{package}/visibility",
    "delete_package": "POST /catalog/{package}/delete",
    "restore_package": "POST /catalog/{package}/restore",
    "download_package": "GET /catalog/{package}/download",
    "list_models": "GET /settings/resources",
    "list_scopes": "GET /settings/resources",
    "list_queues": "GET /settings/resources",
    "list_bunkers": "GET /settings/resources",
    "list_events": "GET /flows/{flow}/runs",
    "stream_events": "GET /flows/{flow}/runs/stream",
    "invoke_core": "POST /flows/{flow}/runs",
    "list_checkpoints": "GET /checkpoints",
    "resolve_checkpoint": "POST /checkpoints/{checkpoint}",
    "get_flow_schema": "GET /settings/api",
}
NOT_FOR_PEOPLE = {
    "signin_config": "how a canvas finds ScaiKey; the console's own sign-in needs no browser code for it",
    "exchange_code": "a canvas's sign-in; the console's callback exchanges its code on the server",
    "refresh_tokens": "a canvas's tokens; the console's session refreshes its own (test_sessions.py)",
    "leave_presence": "a canvas says this when it is closed; a console's page just stops saying that it is there",
    "dev_deploy": "a build machine's call, with the shared token that no person holds",
    "receive_scaikey_event": "ScaiKey calls it, with a signature",
}


def operations() -> set[str]:
    paths = json.loads(document())["paths"]
    return {told["operationId"] for methods in paths.values() for told in methods.values()}


def test_every_operation_of_the_api_is_offered_or_nothing_that_people_do() -> None:
    assert set(OFFERED) | set(NOT_FOR_PEOPLE) == operations()
    assert not set(OFFERED) & set(NOT_FOR_PEOPLE)


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_said_to_offer_it_is_there_and_its_rights_are_tried(name: str) -> None:
    method, _, road = OFFERED[name].partition(" ")
    found = get_resolver().resolve(road.replace("{", "x").replace("}", ""))
    assert method in methods_of(found.func)
    if road != "/":  # home is in the API's own table: it is there for strangers too
        names = dict.fromkeys(("flow", "deleted", "job", "acl", "package", "deleted_package"), "x")
        tried = {
            (row.method, get_resolver().resolve(row.path.format(**names).partition("?")[0]).route) for row in PAGES
        }
        assert (method, found.route) in tried
