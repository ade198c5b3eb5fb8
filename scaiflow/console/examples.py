"""The example flows that one can begin with."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings

from scaiflow.kit import json
from scaiflow.kit.errors import NotFound


@functools.cache
def examples() -> dict[str, dict[str, Any]]:
    """`{slug: document}`, in the order of their names."""
    paths = sorted((settings.BASE_DIR / "docs" / "examples").glob("*.flow.json"))
    return {path.name.removesuffix(".flow.json"): json.loads(path.read_bytes()) for path in paths}


def example(slug: str) -> dict[str, Any]:
    """Raises NotFound."""
    found = examples().get(slug)
    if found is None:
        raise NotFound("example not found")
    return found


def blank(name: str) -> dict[str, Any]:
    """The smallest flow that compiles: an entry and an answer."""
    start = {"id": "node_start", "type": "entry_api", "label": "Start", "position": {"x": 0, "y": 0}, "config": {}}
    answer = {
        "id": "node_answer", "type": "llm_rigid", "label": "Answer", "position": {"x": 280, "y": 0},
        "config": {"template": "Hello {{input.name}}"},
    }  # fmt: skip
    ends = {"source": {"node": "node_start", "port": "out_request"}, "target": {"node": "node_answer", "port": "in"}}
    tests = [{"name": "Greets", "input": {"name": "Ada"}, "expect": {"text": "Hello Ada"}}]
    edges = [{"id": "edge_1", "type": "sequential", **ends}]
    return {"name": name, "nodes": [start, answer], "edges": edges, "tests": tests}
