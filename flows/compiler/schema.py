"""Flow schema v2 as JSON Schema 2020-12: what a document must be for a save. Meaning is the business of the passes.

One definition serves the check (`shape.py`), the route `/api/schemas/flow/v2.json` and the documentation.
Unknown keys are allowed everywhere and kept.
"""

from __future__ import annotations

from typing import Any

from flows.compiler.kinds import KINDS

MAX_NODES = 5000

EDGE_TYPES = ("sequential", "conditional", "data")
MODALITIES = ("text", "structured_output", "vision", "tts", "stt", "embedding", "image_generation")
CONSUMER_MODES = ("fifo", "priority", "deadline", "broadcast")

_TEXT: dict[str, Any] = {"type": "string"}
_ID: dict[str, Any] = {"type": "string", "minLength": 1}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_MAP: dict[str, Any] = {"type": "object"}
_NUMBER: dict[str, Any] = {"type": "number"}


def _map(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_PORT = _map(("id",), id=_ID, label=_TEXT, type=_TEXT)
_END = _map(("node",), node=_TEXT, port=_TEXT)

_NODE = _map(
    ("id", "type", "label", "position"),
    id=_ID,
    type={"enum": list(KINDS)},
    label=_TEXT,
    position=_map(("x", "y"), x=_NUMBER, y=_NUMBER),
    config=_MAP,
    inputs=_list({"$ref": "#/$defs/port"}),
    outputs=_list({"$ref": "#/$defs/port"}),
    breakpoint={"type": "boolean"},
)

_EDGE = _map(
    ("id", "type", "source", "target"),
    id=_ID,
    type={"enum": list(EDGE_TYPES)},
    source={"$ref": "#/$defs/end"},
    target={"$ref": "#/$defs/end"},
    condition={"type": ["string", "null"]},
)

_MODEL = _map(
    ("role", "ref", "model"),
    role={"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
    ref=_TEXT,
    model=_TEXT,
    temperature={"type": "number", "minimum": 0, "maximum": 2},
    modalities=_list({"enum": list(MODALITIES)}),
    system_context={"type": ["string", "null"]},
    fallback=_list(_map(("ref", "model"), ref=_TEXT, model=_TEXT)),
)

_QUEUE = _map(
    ("slug",),
    slug=_ID,
    display_name=_TEXT,
    consumer_mode={"enum": list(CONSUMER_MODES)},
    max_retries={"type": "integer", "minimum": 0, "maximum": 100},
    purpose={"type": ["string", "null"]},
)

_CONFIG = _map(
    core_identity=_map(name=_TEXT, persona=_TEXT, models=_list({"$ref": "#/$defs/model"})),
    plugins=_list(_map(("alias",), alias=_ID)),
    capabilities={"type": "array"},
    bunker={"type": ["object", "null"]},
    scaiqueue={
        "type": ["object", "null"],
        "properties": {"scope": _TEXT, "queues": _list({"$ref": "#/$defs/queue"})},
    },
    publish_as_model={"type": "boolean"},
    model_visibility_group_ids=_TEXTS,
)

FLOW_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "/api/schemas/flow/v2.json",
    "title": "FlowGraph v2",
    **_map(
        ("name", "nodes", "edges"),
        id=_TEXT,
        name=_TEXT,
        version=_TEXT,
        scaicore_target=_TEXT,
        metadata=_MAP,
        nodes={"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": MAX_NODES},
        edges=_list({"$ref": "#/$defs/edge"}),
        variables=_list(_map(("name",), name=_ID, type=_TEXT)),
        config=_CONFIG,
        tests=_list(_map(name=_TEXT)),
    ),
    "$defs": {"port": _PORT, "end": _END, "node": _NODE, "edge": _EDGE, "model": _MODEL, "queue": _QUEUE},
}
