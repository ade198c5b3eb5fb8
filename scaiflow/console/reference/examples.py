"""An example for every body and every answer, made from its schema and a table of values by name: so none is forgotten and
none goes stale. A value is looked up as `Component.name` first, then as `name`."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
FLOW, DEPLOYMENT, JOB = "flow_7dLqXz0mQKmR2yVbqk3H1A", "dep_mB2c0a9XQ0y6sV5hJ1dTgw", "job_Zk8s1n4rQ2mPpX0cV7yEuw"
CORE, DIGEST = "core_4f1c2a", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
WHEN = "2026-11-25T09:30:00Z"
CONTENT = {
    "name": "Greeting",
    "nodes": [
        {"id": "start", "type": "entry_api", "label": "Start", "position": {"x": 0, "y": 0}},
        {
            "id": "greet",
            "type": "llm_rigid",
            "label": "Greet",
            "color": "#2f9e44",
            "last_seen_ago_s": 3.2,
            "position": {"x": 240, "y": 0},
            "config": {"template": "Hello {{name}}"},
        },
    ],
    "edges": [
        {
            "id": "start-greet",
            "type": "sequential",
            "source": {"node": "start", "port": "out_request"},
            "target": {"node": "greet", "port": "in"},
        }
    ],
    "tests": [{"name": "greets", "input": {"name": "Ada"}, "expect": {"text": "Hello Ada"}}],
}
VALUES: dict[str, Any] = {
    "package_id": "greeting",
    "id": FLOW, "flow_id": FLOW, "job_id": JOB, "JobOut.id": JOB, "core_id": CORE, "deployment_id": DEPLOYMENT,
    "DeploymentOut.id": DEPLOYMENT, "ACLOut.id": "acl_q1V0c5s7RkWf2mYx8bTnZg", "AuditOut.id": "aud_h7R0c5s7RkWf2mYx8bTnZg",
    "UserOut.id": "usr_ada", "TenantOut.id": "tnt_demo", "tenant_id": "tnt_demo", "name": "Greeting", "content": CONTENT,
    "description": "Says hello", "owner_id": "usr_ada", "author_id": "usr_ada", "deployed_by": "usr_ada", "sub": "usr_ada",
    "requested_by": "usr_ada", "granted_by": "usr_ada", "actor_id": "usr_ada", "email": "ada@demo.test",
    "display_name": "Ada", "version": "1.0.1", "flow_version": "1.0.1", "to": "1.0.1", "from": "1.0.0", "level": "edit",
    "principal_type": "user", "principal_id": "usr_bob", "published_slug": "scaicore/greeting", "digest": DIGEST,
    "published_model_id": "mdl_greeting", "manifest_digest": DIGEST, "status": "deployed", "UserOut.status": "ACTIVE",
    "state": "succeeded", "kind": "deploy", "next_cursor": None, "error": None, "format": "yaml",
    "api_key": "sgk_0123456789abcdef",
    "base_url": "https://scaigrid.example", "masked_key": "sgk_...cdef", "role": "tenant_admin",
    "admin_role": "tenant_admin",
    "admin_role_source": "manual", "token_type": "Bearer", "expires_in": 3600, "code": "spl_code", "code_verifier": "a" * 43,
    "redirect_uri": "http://localhost:5173/auth/callback", "permissions": ["scaicore:manage", "scaicore:view"],
    "groups": ["grp_authors"], "group_ids": ["grp_authors"], "size": 812, "total": 1, "limit": 100, "passed": 1, "failed": 0,
    "manifest": "core:\n  name: greeting\n", "skipped_reason": None, "users_method": "effective_users",
    "action": "flow.created",
    "object_type": "flow", "object_id": FLOW, "result": None, "AuditOut.result": "done",
    "request_id": "req_5xQyZt0aB1cD2eF3",
    "message": "what went wrong, for people", "loc": ["body", "name"], "msg": "Field required", "type": "missing",
    "FailureDetail.error": "internal", "detail": "Not Found", "title": "Not Found", "instance": "/api/v1/flows/flow_none",
    "auth_mode": "scaikey", "scaikey_base_url": "https://scaikey.example", "client_id": "scaiflow", "audience": "scaiflow",
    "access_token": "eyJ...", "refresh_token": "rt_...", "id_token": "eyJ...", "deleted_at": None, "label": "Greet",
    "color": "#3284ff", "last_seen_ago_s": 4,
}  # fmt: skip


def with_examples(document: Schema) -> Schema:
    """The document with an example beside every JSON schema of a body or an answer that has none yet."""
    parts = document["components"]["schemas"]
    for holder in [*_holders(document["paths"]), *document["components"]["responses"].values()]:
        for media_type, media in holder.get("content", {}).items():
            if media_type == "application/json" and media.get("schema") and "examples" not in media:
                media["example"] = example(media["schema"], parts)
    return document


def _holders(paths: Schema) -> list[Schema]:
    calls = [call for road in paths.values() for call in road.values()]
    return [holder for call in calls for holder in (call.get("requestBody", {}), *call["responses"].values())]


def example(schema: Schema, parts: Schema, name: str = "", owner: str = "") -> Any:
    """A value that the schema takes."""
    if "$ref" in schema:
        owner = schema["$ref"].rpartition("/")[2]
        return example(parts[owner], parts, name, owner)
    for key in (f"{owner}.{name}", name):
        if key in VALUES and _takes(schema, VALUES[key]):
            return VALUES[key]
    choices = schema.get("allOf") or schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return example(choices[0], parts, name, owner)
    return _plain(schema, parts, owner, name)


def _plain(schema: Schema, parts: Schema, owner: str, name: str) -> Any:
    kind = schema.get("type", "object")
    if schema.get("enum"):
        return schema["enum"][0]
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {key: example(inner, parts, key, owner) for key, inner in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"], parts, name.removesuffix("s"), owner)] if schema.get("items") else []
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case "null":
            return None
    return WHEN if schema.get("format") == "date-time" else name or "text"


NAMES = {dict: "object", list: "array", str: "string", int: "integer", type(None): "null"}


def _takes(schema: Schema, value: Any) -> bool:
    """Whether a value of the table is of the kind that this schema asks for (one name may mean several things)."""
    kinds = schema.get("type")
    if kinds is None:
        return not {"allOf", "anyOf", "oneOf", "enum"} & set(schema)
    listed = kinds if isinstance(kinds, list) else [kinds]
    return NAMES[type(value)] in listed and value in schema.get("enum", [value])
