"""What one can do through the API, for the page that shows it as curl. One row an action of the console."""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """`body` is JSON as one would type it."""

    group: str
    title: str
    method: str
    path: str
    body: str = ""


EMPTY = '{"name": "Greeting", "nodes": [], "edges": []}'
CALLS = [
    Call("Flows", "List flows", "GET", "/flows?q=&limit=100"),
    Call("Flows", "Create a flow", "POST", "/flows", f'{{"name": "Greeting", "content": {EMPTY}}}'),
    Call("Flows", "Read a flow", "GET", "/flows/$FLOW"),
    Call("Flows", "Save a change", "PUT", "/flows/$FLOW", '{"description": "What it is for"}'),
    Call("Flows", "Delete a flow", "DELETE", "/flows/$FLOW"),
    Call("Flows", "Bring a deleted flow back", "POST", "/flows/$FLOW/restore"),
    Call("Versions", "List versions", "GET", "/flows/$FLOW/versions"),
    Call("Versions", "Label a version", "PATCH", "/flows/$FLOW/versions/1.0.0", '{"label": "Gold"}'),
    Call("Versions", "Export as a package", "GET", "/flows/$FLOW/export"),
    Call("Versions", "Compare two versions", "GET", "/flows/$FLOW/diff?from=1.0.0"),
    Call("Versions", "Restore a version", "POST", "/flows/$FLOW/versions/1.0.0/restore"),
    Call("Check and compile", "Validate a document", "POST", "/flows/validate", f'{{"content": {EMPTY}}}'),
    Call("Check and compile", "Compile a document", "POST", "/flows/compile", f'{{"content": {EMPTY}, "format": "yaml"}}'),
    Call("Deploy and test", "What a deploy would do", "POST", "/flows/$FLOW/deploy/preview", "{}"),
    Call("Deploy and test", "Deploy", "POST", "/flows/$FLOW/deploy", '{"publish_as_model": true}'),
    Call("Deploy and test", "List deployments", "GET", "/flows/$FLOW/deployments"),
    Call("Deploy and test", "Roll back to a deployment", "POST", "/flows/$FLOW/deployments/$DEPLOYMENT/redeploy", "{}"),
    Call("Deploy and test", "Run the tests", "POST", "/flows/$FLOW/run-tests", '{"core_id": "$CORE"}'),
    Call("Deploy and test", "List test runs", "GET", "/flows/$FLOW/test-runs"),
    Call("Deploy and test", "Look at a job", "GET", "/jobs/$JOB"),
    Call("Deploy and test", "Stop a job", "POST", "/jobs/$JOB/cancel"),
    Call("Access", "List access entries", "GET", "/flows/$FLOW/acls"),
    Call("Access", "Give access", "POST", "/flows/$FLOW/acls",
         '{"principal_type": "user", "principal_id": "$USER_ID", "level": "edit"}'),
    Call("Access", "Change access", "PATCH", "/flows/$FLOW/acls/$ACL", '{"level": "view"}'),
    Call("Access", "Take access back", "DELETE", "/flows/$FLOW/acls/$ACL"),
    Call("Runs", "Read a Core's events", "GET", "/scaicore/events?core_id=$CORE"),
    Call("Runs", "Invoke a Core", "POST", "/scaicore/cores/$CORE/invoke", '{"message": "Where is my parcel?"}'),
    Call("Runs", "Follow events", "GET", "/scaicore/events/stream?core_id=$CORE"),
    Call("Checkpoints", "List a Core's checkpoints", "GET", "/scaicore/checkpoints?core_id=$CORE"),
    Call("Checkpoints", "Decide", "POST", "/scaicore/checkpoints/$CHECKPOINT/resolve", '{"decision": "approve"}'),
    Call("Catalog", "Browse the catalog", "GET", "/catalog"),
    Call("Catalog", "Read a package", "GET", "/catalog/$PACKAGE"),
    Call("Catalog", "Download a package", "GET", "/catalog/$PACKAGE/download"),
    Call("Catalog", "Change who sees it", "PATCH", "/catalog/$PACKAGE", '{"visibility": "tenant"}'),
    Call("Catalog", "Take a package away", "DELETE", "/catalog/$PACKAGE"),
    Call("Catalog", "Bring a package back", "POST", "/catalog/$PACKAGE/restore"),
    Call("Catalog", "Publish a flow", "POST", "/catalog/publish",
         '{"package_id": "greeting", "name": "Greeting", "version": "1.0.0", "flow_id": "$FLOW"}'),
    Call("Catalog", "Install a package", "POST", "/catalog/$PACKAGE/install", "{}"),
    Call("Resources", "Models of ScaiGrid", "GET", "/scaigrid/models"),
    Call("Resources", "Scopes of ScaiQueue", "GET", "/scaiqueue/scopes"),
    Call("Resources", "Bunkers of ScaiBunker", "GET", "/scaibunker/bunkers"),
    Call("Settings", "Who am I", "GET", "/me"),
    Call("Settings", "Is a ScaiGrid key set", "GET", "/tenants/me/scaigrid_credentials"),
    Call("Settings", "Set the ScaiGrid key", "POST", "/tenants/me/scaigrid_credentials", '{"api_key": "sgk_..."}'),
    Call("Settings", "People of the tenant", "GET", "/admin/tenant/users"),
    Call("Settings", "Give a role", "POST", "/admin/users/$USER_ID/role", '{"role": "tenant_admin"}'),
    Call("Settings", "Sync people from ScaiKey", "POST", "/admin/sync", "{}"),
    Call("Settings", "Webhook deliveries", "GET", "/admin/webhooks"),
    Call("Settings", "Read the audit log", "GET", "/admin/audit"),
]  # fmt: skip


def curl(call: Call, *, base: str) -> str:
    """The command, with the placeholders as variables of the shell."""
    lines = [f"curl -X {call.method}" if call.method not in {"GET"} else "curl", '-H "Authorization: Bearer $TOKEN"']
    target = f'"{base}/api/v1{call.path}"'
    if call.body:
        body = call.body.replace('"', '\\"') if "$" in call.body else ""
        lines += ['-H "Content-Type: application/json"', f'-d "{body}"' if body else f"-d '{call.body}'"]
    return " \\\n  ".join([*lines, target])


def grouped(*, base: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for call in CALLS:
        told = {"title": call.title, "method": call.method, "path": call.path, "curl": curl(call, base=base)}
        found.setdefault(call.group, []).append(told)
    return found
