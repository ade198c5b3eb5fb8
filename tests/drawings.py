"""Small flow documents for tests."""

from __future__ import annotations

from typing import Any


def node(node_id: str, kind: str, /, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "label": node_id.title(), "position": {"x": 0, "y": 0}, "config": config}


def edge(source: str, target: str, *, port: str = "out", **more: Any) -> dict[str, Any]:
    ends = {"source": {"node": source, "port": port}, "target": {"node": target, "port": "in"}}
    return {"id": f"{source}-{target}", "type": "sequential", **ends, **more}


def greeting(text: str = "Hello {{name}}", **more: Any) -> dict[str, Any]:
    """The smallest flow that does something: an API entry and a template."""
    return {
        "name": "Greeting",
        "nodes": [node("start", "entry_api"), node("greet", "llm_rigid", template=text)],
        "edges": [edge("start", "greet", port="out_request")],
        **more,
    }
