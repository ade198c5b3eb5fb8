"""The document as a whole: what stands around the calls, and the parts that they refer to."""

from __future__ import annotations

import functools
import re
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from flows.compiler import FLOW_SCHEMA
from scaiflow.console.reference.examples import with_examples
from scaiflow.kit import json
from scaiflow.kit.openapi import STANDING, Schema, response

TEXT: Schema = {"type": "string"}
PROBLEM: Schema = {
    "type": "object",
    "required": ["loc", "msg", "type"],
    "properties": {
        "loc": {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}},
        "msg": TEXT,
        "type": TEXT,
    },
}
SCHEMAS: Schema = {
    "Refusal": {
        "description": "A failure told in a sentence.",
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": TEXT},
    },
    "Problems": {
        "description": "What is wrong with the shape of the request, place by place.",
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}},
    },
    "Problem": PROBLEM,
    "Failure": {
        "description": "A failure with a name for machines.",
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": {"$ref": "#/components/schemas/FailureDetail"}},
    },
    "FailureDetail": {
        "type": "object",
        "required": ["error", "message"],
        "properties": {
            "error": {**TEXT, "description": "Stable; made for programs."},
            "message": {**TEXT, "description": "For people; may change."},
            "fix": {**TEXT, "description": "What to do about it."},
        },
        "additionalProperties": {},
    },
    "ProblemDetails": {
        "description": "The same failure as RFC 9457 has it, for who accepts application/problem+json.",
        "type": "object",
        "required": ["type", "title", "status", "instance", "detail"],
        "properties": {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "instance": TEXT, "detail": TEXT},
        "additionalProperties": {},
    },
}
HEADERS: Schema = {
    "X-Request-ID": {"description": "Yours, when you sent a sane one; else ours.", "schema": TEXT},
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": TEXT},
    "ETag": {"description": "Send it back as If-Match or If-None-Match.", "schema": TEXT},
    "Location": {"description": "Where the job can be looked at.", "schema": TEXT},
    "Content-Disposition": {"description": "The name to save it under.", "schema": TEXT},
    "Deprecation": {"description": "RFC 9745: this call will go.", "schema": TEXT},
}
PROOFS: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of ScaiKey, from `POST /auth/exchange`.",
    },
    "sharedToken": {"type": "http", "scheme": "bearer", "description": "SCAIFLOW_API_TOKEN, for this one call."},
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Scaikey-Signature",
        "description": "`t=<unix>,v1=<hex>`: HMAC-SHA256 over `<t>.` and the raw body.",
    },
}


def complete(result: Schema, **_: Any) -> Schema:
    """drf-spectacular's last hook: the parts that calls refer to, and an example for every body and answer."""
    result = _any_of(result)
    parts = result["components"]
    parts["schemas"] = dict(sorted({**parts.get("schemas", {}), **SCHEMAS, **flow_graph()}.items()))
    standing = {
        name: response(words, {kind}, is_limited=status == 503) for status, (name, words, kind) in STANDING.items()
    }
    standing["Unauthorized"]["headers"]["WWW-Authenticate"] = {"schema": TEXT}
    parts["responses"] = dict(sorted(standing.items()))
    parts["headers"] = HEADERS
    parts["securitySchemes"] = PROOFS
    return with_examples(result)


def flow_graph() -> Schema:
    """The compiler's own schema of flow documents, with its inner parts as parts of this document."""
    text = json.dumps(
        {key: value for key, value in FLOW_SCHEMA.items() if key not in {"$schema", "$id", "title"}}
    ).decode()
    schema = json.loads(
        re.sub(r"#/\$defs/(\w+)", lambda found: f"#/components/schemas/{_part(found[1])}", text).encode()
    )
    schema["properties"]["config"]["properties"]["capabilities"]["items"] = {}  # readers of OpenAPI want to be told
    inner = schema.pop("$defs")
    return {"FlowGraph": schema, **{_part(name): part for name, part in inner.items()}}


def _part(name: str) -> str:
    return f"Flow{name.title()}"


def _any_of(part: Any) -> Any:
    """A null is both "anything" and null: where several schemas take a value, one of them is enough."""
    if isinstance(part, list):
        return [_any_of(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {"anyOf" if key == "oneOf" else key: _any_of(value) for key, value in part.items()}


@functools.cache
def document() -> bytes:
    """The document as JSON, the same bytes every time. Raises Undescribed (a view has no entry in its table)."""
    return json.dumps(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
