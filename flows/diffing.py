"""What changed between two flow documents, told as people think of it: nodes, edges, settings, variables. Pure.

Nodes and edges are matched by their ids, variables and tests by their names, so an insertion in the middle is one addition
and not a shift of all that follows. Where a node stands on the canvas is layout, not logic. A null is the same as nothing.
Values under names that sound secret are told as changed without being shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SECRET = re.compile(r"token|secret|password|api_?key|authorization|credential", re.IGNORECASE)
HIDDEN = "[hidden]"
LAYOUT = ("position", "size", "width", "height", "collapsed", "viewport")
STAMPED = ("id", "name", "version")
LISTED = ("nodes", "edges", "variables", "tests", "config")
Document = dict[str, Any]
Change = dict[str, Any]


def diff(before: Document, after: Document) -> dict[str, Any]:
    """`{nodes, edges: {added, removed, changed}, config, variables, tests, document: [{path, before, after}], layout_only,
    summary}`. A document compared with itself has nothing in any of them, and `layout_only` false."""
    nodes = _matched(before, after, "nodes", "node_id")
    edges = _matched(before, after, "edges", "edge_id")
    parts = {
        "config": list(_fields(before.get("config") or {}, after.get("config") or {})),
        "variables": list(_fields(_by(before, "variables", "name"), _by(after, "variables", "name"))),
        "tests": list(_fields(_by(before, "tests", "name"), _by(after, "tests", "name"))),
        "document": list(_fields(_rest(before), _rest(after))),
    }
    moved = [one["node_id"] for one in nodes["changed"] if _is_layout(one)]
    has_logic = any(parts.values()) or any(edges.values()) or nodes["added"] or nodes["removed"]
    layout_only = bool(moved) and len(moved) == len(nodes["changed"]) and not has_logic
    return {
        "nodes": nodes,
        "edges": edges,
        **parts,
        "layout_only": layout_only,
        "summary": _told(nodes, edges, parts, moved),
    }


def _matched(before: Document, after: Document, part: str, id_name: str) -> dict[str, list[Change]]:
    old, new = _by(before, part, "id"), _by(after, part, "id")
    changed = []
    for key in [key for key in new if key in old]:
        fields = list(_fields(old[key], new[key]))
        if fields:
            changed.append({id_name: key, "label": new[key].get("label"), "fields": fields})
    return {
        "added": [_brief(new[key], key, id_name) for key in new if key not in old],
        "removed": [_brief(old[key], key, id_name) for key in old if key not in new],
        "changed": changed,
    }


def _by(document: Document, part: str, name: str) -> dict[str, Any]:
    return {str(item.get(name)): item for item in document.get(part) or [] if isinstance(item, dict)}


def _brief(item: Document, key: str, id_name: str) -> Change:
    return {id_name: key, "label": item.get("label"), "type": item.get("type")}


def _rest(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in LISTED + STAMPED}


def _fields(before: Any, after: Any, path: str = "", secret: bool = False) -> Iterator[Change]:
    """Every leaf that differs, with its path: `config.models[0].model`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            yield from _fields(before.get(key), after.get(key), inner, secret or bool(SECRET.search(str(key))))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _fields(old, new, f"{path}[{index}]", secret)
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        hide = secret and HIDDEN
        yield {"path": path, "before": hide or _cleaned(before), "after": hide or _cleaned(after)}


def _cleaned(value: Any) -> Any:
    """A value that came or went whole may hold secrets further down."""
    if isinstance(value, dict):
        return {key: HIDDEN if SECRET.search(str(key)) else _cleaned(inner) for key, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list) else value


def _is_layout(change: Change) -> bool:
    return all(re.split(r"[.\[]", field["path"])[0] in LAYOUT for field in change["fields"])


def _told(nodes: Change, edges: Change, parts: dict[str, list[Change]], moved: list[str]) -> str:
    """One line for people: "1 node added, 2 nodes changed, config changed"."""
    edited = len(nodes["changed"]) - len(moved)
    counts = [
        (len(nodes["added"]), "node", "added"), (len(nodes["removed"]), "node", "removed"), (edited, "node", "changed"),
        (len(moved), "node", "moved"), (len(edges["added"]), "edge", "added"), (len(edges["removed"]), "edge", "removed"),
        (len(edges["changed"]), "edge", "changed"),
    ]  # fmt: skip
    words = [f"{n} {what}{'s' if n > 1 else ''} {how}" for n, what, how in counts if n]
    words += [f"{name} changed" for name, changes in parts.items() if changes]
    return ", ".join(words) or "nothing changed"
