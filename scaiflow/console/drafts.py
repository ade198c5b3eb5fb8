"""A flow's document as people type it, and what is to be said about it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgpack
from django.utils.safestring import SafeString, mark_safe

from flows.compiler import KINDS
from flows.operations.compiling import compiled, diagnose
from scaiflow.console.drawing import Link, Picture, draw
from scaiflow.kit import json
from scaiflow.kit.errors import NotFound, Unprocessable

Document = dict[str, Any]


def parsed(text: str) -> Document:
    """Raises Unprocessable, with the place where the text is no JSON object."""
    try:
        value = json.loads(text.encode("utf-8", "surrogatepass"))
    except json.BadJSON as error:
        raise Unprocessable.at("body", "content", msg=f"this is not JSON: {error}", type="json_invalid") from None
    if not isinstance(value, dict):
        raise Unprocessable.at("body", "content", msg="should be a JSON object { ... }", type="dict_type")
    return value


def tags_in(text: str) -> list[str]:
    """Words between commas."""
    return [tag for tag in text.split(",") if tag.strip()]


def drawn(content: Document, picture: Picture) -> SafeString:
    return mark_safe(draw(content, picture))  # noqa: S308  drawing.py escapes every text of the document


def checked_drawing(content: Document, *, link: Link | None, selected: str = "") -> dict[str, Any]:
    """`{drawing, diagnostics, valid}`: the graph with its errors and warnings on it."""
    found = diagnose(content=content)
    marks: dict[str, str] = {}
    for one in reversed(found["diagnostics"]):
        if one["node_id"] and marks.get(one["node_id"]) != "error":
            marks[one["node_id"]] = one["severity"]
    return {"drawing": drawn(content, Picture(marks=marks, selected=selected, link=link)), **found}


def node_in(content: Document, node_id: str) -> Document:
    """`{id, label, type, purpose, config, inputs, outputs, found}` for people. Raises NotFound."""
    node = next((node for node in content.get("nodes", []) if node.get("id") == node_id), None)
    if node is None:
        raise NotFound("node not found")
    kind = KINDS.get(node["type"])
    return {**node, "purpose": kind.purpose if kind else ""}


def ir_in_short(content: Document) -> Document:
    """What the IR holds: `{name, size, triggers, models, plugins, capabilities, flows: [{name, blocks: {kind: n}}]}`.
    Raises DoesNotCompile."""
    body = compiled(content, "ir").body
    module = msgpack.unpackb(body[4:])
    flows = [{"name": flow["name"], "blocks": dict(_kinds(flow["body"]).most_common())} for flow in module["flows"]]
    named = {name: module.get(name) or [] for name in ("triggers", "models", "plugins", "capabilities")}
    return {"name": module["name"], "version": module["version"], "size": len(body), "flows": flows, **named}


def _kinds(value: Any) -> Counter[str]:
    """Blocks by kind, at any depth. A block is what says where it comes from."""
    counts: Counter[str] = Counter()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            counts.update([item["kind"]] if "source_location" in item and "kind" in item else [])
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return counts
