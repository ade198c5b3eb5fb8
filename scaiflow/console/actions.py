"""What one can do through the API, for the page that shows it as curl. Methods, paths and titles are those of the OpenAPI
document; here stands in which order, and what one would type as a body or a query."""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

from scaiflow.console.reference.document import document
from scaiflow.kit import json

EMPTY = '{"name": "Greeting", "nodes": [], "edges": []}'
# By what people look for; the words are the document's `operationId`s.
GROUPS = {
    "Flows": "list_flows create_flow get_flow update_flow delete_flow restore_flow",
    "Versions": "list_versions get_version label_version restore_version diff_versions export_flow",
    "Check and compile": "validate_flow compile_flow import_manifest",
    "Deploy and test": "preview_deploy deploy_flow list_deployments redeploy run_tests list_test_runs get_test_run "
    "list_jobs get_job cancel_job",
    "Access": "list_acls grant_level change_level revoke_level change_owner",
    "Who is here": "list_presence tell_presence leave_presence",
    "Runs": "list_events stream_events invoke_core",
    "Checkpoints": "list_checkpoints resolve_checkpoint",
    "Catalog": "list_packages get_package download_package change_visibility delete_package restore_package "
    "publish_package install_package",
    "Resources": "list_models list_scopes list_queues list_bunkers",
    "Settings": "me get_credential set_credential delete_credential",
    "People and tenants": "list_tenant_users list_users grant_role revoke_role list_tenants list_tenant_flows sync_mirror",
    "What happened": "list_audit list_deliveries",
}
BODIES = {
    "create_flow": f'{{"name": "Greeting", "content": {EMPTY}}}',
    "update_flow": '{"description": "What it is for"}',
    "label_version": '{"label": "Gold"}',
    "validate_flow": f'{{"content": {EMPTY}}}',
    "compile_flow": f'{{"content": {EMPTY}, "format": "yaml"}}',
    "import_manifest": '{"manifest": "core:\\n  name: greeting\\n"}',
    "preview_deploy": "{}",
    "deploy_flow": '{"publish_as_model": true}',
    "redeploy": "{}",
    "run_tests": '{"core_id": "$CORE_ID"}',
    "grant_level": '{"principal_type": "user", "principal_id": "$USER_ID", "level": "edit"}',
    "change_level": '{"level": "view"}',
    "change_owner": '{"owner_id": "$USER_ID"}',
    "tell_presence": '{"display_name": "Ada", "color": "#3284ff"}',
    "invoke_core": '{"input": {"message": "Where is my parcel?"}}',
    "resolve_checkpoint": '{"decision": "approve"}',
    "change_visibility": '{"visibility": "tenant"}',
    "publish_package": '{"package_id": "greeting", "name": "Greeting", "version": "1.0.0", "flow_id": "$FLOW_ID"}',
    "install_package": '{"save": true}',
    "set_credential": '{"api_key": "sgk_0123456789"}',
    "grant_role": '{"role": "tenant_admin"}',
    "sync_mirror": "{}",
}
QUERIES = {
    "list_flows": "?q=greeting&limit=100", "diff_versions": "?from=1.0.0", "list_events": "?core_id=$CORE_ID",
    "stream_events": "?core_id=$CORE_ID", "list_checkpoints": "?core_id=$CORE_ID",
    "resolve_checkpoint": "?core_id=$CORE_ID",
}  # fmt: skip


# Where a summary counts on the path beside it.
TITLES = {
    "get_credential": "Whether the tenant has a ScaiGrid key, masked",
    "set_credential": "Set the tenant's ScaiGrid key",
    "delete_credential": "Forget the tenant's ScaiGrid key",
    "restore_version": "Restore a version: its content as a new one on top",
    "tell_presence": "Say that you are editing a flow: holds for 30 s",
    "leave_presence": "Say that you are leaving it",
    "stream_events": "A Core's events as they happen, as server-sent events",
}


class Call(NamedTuple):
    """`path` has the placeholders as variables of the shell; `body` is JSON as one would type it."""

    name: str
    title: str
    method: str
    path: str
    body: str = ""


@functools.cache
def calls() -> dict[str, Call]:
    """By their names, those of the document that are made with somebody's own token."""
    found = {}
    for path, methods in json.loads(document())["paths"].items():
        for method, told in methods.items():
            if {"bearer": []} in told.get("security", []):
                name = told["operationId"]
                road = re.sub(r"{(\w+)}", lambda part: f"${part[1].upper()}", path) + QUERIES.get(name, "")
                title = TITLES.get(name) or told["summary"].replace("`", "")
                found[name] = Call(name, title, method.upper(), road, BODIES.get(name, ""))
    return found


def curl(call: Call, *, base: str) -> str:
    """The command, with the placeholders as variables of the shell."""
    lines = ["curl" if call.method == "GET" else f"curl -X {call.method}", '-H "Authorization: Bearer $TOKEN"']
    if call.body:
        body = call.body.replace("\\", "\\\\").replace('"', '\\"') if "$" in call.body else ""
        lines += ['-H "Content-Type: application/json"', f'-d "{body}"' if body else f"-d '{call.body}'"]
    return " \\\n  ".join([*lines, f'"{base}{call.path}"'])


def grouped(*, base: str) -> dict[str, list[dict[str, Any]]]:
    known = calls()
    return {
        group: [
            {"title": call.title, "method": call.method, "path": call.path, "curl": curl(call, base=base)}
            for call in (known[name] for name in names.split())
        ]
        for group, names in GROUPS.items()
    }
