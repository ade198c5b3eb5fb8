"""What changed between two flow documents, told as people think of it: nodes, edges, settings, variables. Pure.

Nodes and edges are matched by their ids, variables and tests by their names, so an insertion in the middle is one addition
and not a shift of all that follows; their order is told on its own. Where a node stands on the canvas is layout, not
logic. A null is the same as nothing. Secrets are told as changed without being shown (flows/redaction.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from flows.redaction import HIDDEN, secret_fields, without_secrets

LAYOUT = ("position", "size", "width", "height", "collapsed", "viewport", "waypoints")
STAMPED = ("id", "name", "version")
MATCHED = {"nodes": "id", "edges": "id", "variables": "name", "tests": "name"}
Document = dict[str, Any]
Change = dict[str, Any]


def diff(before: Document, after: Document) -> dict[str, Any]:
    """`{nodes, edges: {added, removed, changed}, config, variables, tests, document: [{path, before, after}], layout_only,
    summary}`. A document compared with itself has nothing in any of them, and `layout_only` false."""
    nodes = _matched(before, after, "nodes", "node_id")
    edges = _matched(before, after, "edges", "edge_id")
    parts = {
        "config": list(_fields(before.get("config") or {}, after.get("config") or {})),
        "variables": list(_fields(_by(before, "variables"), _by(after, "variables"))),
        "tests": list(_fields(_by(before, "tests"), _by(after, "tests"))),
        "document": [*_fields(_rest(before), _rest(after)), *_orders(before, after)],
    }
    drawn = [*nodes["changed"], *edges["changed"], *({"fields": [field]} for field in parts["document"])]
    told = [*drawn, *parts["config"], *parts["variables"], *parts["tests"]]
    came_or_went = any(each[how] for each in (nodes, edges) for how in ("added", "removed"))
    layout_only = bool(drawn) and len(told) == len(drawn) and not came_or_went and all(map(is_layout, drawn))
    return {
        "nodes": nodes,
        "edges": edges,
        **parts,
        "layout_only": layout_only,
        "summary": _summary(nodes, edges, parts),
    }


def is_layout(change: Change) -> bool:
    """All of its fields say where something is drawn, and none what it does."""
    return all(re.split(r"[.\[]", field["path"])[0] in LAYOUT for field in change["fields"])


def _matched(before: Document, after: Document, part: str, id_name: str) -> dict[str, list[Change]]:
    old, new = _by(before, part), _by(after, part)
    changed = []
    for key in [key for key in new if key in old]:
        fields = list(_fields(old[key], new[key]))
        if fields:
            changed.append({id_name: key, "label": without_secrets(new[key].get("label")), "fields": fields})
    return {
        "added": [_brief(new[key], key, id_name) for key in new if key not in old],
        "removed": [_brief(old[key], key, id_name) for key in old if key not in new],
        "changed": changed,
    }


def _by(document: Document, part: str) -> dict[str, Any]:
    """By their ids or names, in order. Of those that share one (a half-drawn flow may be saved) the later get a number."""
    found: dict[str, Any] = {}
    met: Counter[str] = Counter()
    for item in document.get(part) or []:
        key = str(item.get(MATCHED[part])) if isinstance(item, dict) else ""
        name, met[key] = key, met[key] + 1
        while name in found:
            name, met[key] = f"{key} #{met[key]}", met[key] + 1
        found[name] = item
    return found


def _brief(item: Document, key: str, id_name: str) -> Change:
    ends: Document = {name: item[name] for name in ("source", "target") if name in item}
    return {id_name: key, "label": without_secrets(item.get("label")), "type": item.get("type"), **ends}


def _rest(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in {*MATCHED, *STAMPED, "config"}}


def _orders(before: Document, after: Document) -> Iterator[Change]:
    """Of what is in both: the stretch that stands in another order. A decision tries its edges in theirs."""
    for part in MATCHED:
        old, new = _by(before, part), _by(after, part)
        was, now = [key for key in old if key in new], [key for key in new if key in old]
        places = [place for place, (one, other) in enumerate(zip(was, now, strict=True)) if one != other]
        if places:
            stretch = slice(places[0], places[-1] + 1)
            yield {"path": f"{part}.order", "before": was[stretch], "after": now[stretch]}


def _fields(before: Any, after: Any, path: str = "", secret: bool = False) -> Iterator[Change]:
    """Every leaf that differs, with its path: `config.models[0].model`."""
    if secret:
        if any(_fields(before, after)):
            yield {"path": without_secrets(path), "before": _hidden(before), "after": _hidden(after)}
    elif isinstance(before, dict) and isinstance(after, dict):
        hidden = secret_fields(before) | secret_fields(after)
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            yield from _fields(before.get(key), after.get(key), inner, key in hidden)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _fields(old, new, f"{path}[{index}]")
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):
        yield {"path": without_secrets(path), "before": without_secrets(before), "after": without_secrets(after)}


def _hidden(value: Any) -> Any:
    """Nothing is no secret: that something came or went may be seen."""
    return None if value is None else HIDDEN


def _summary(nodes: Change, edges: Change, parts: dict[str, list[Change]]) -> str:
    """One line for people: "1 node added, 2 nodes changed, config changed"."""
    words = []
    for what, found in (("node", nodes), ("edge", edges)):
        moved = sum(is_layout(each) for each in found["changed"])
        counts = {
            "added": len(found["added"]),
            "removed": len(found["removed"]),
            "changed": len(found["changed"]) - moved,
            "moved": moved,
        }
        words += [f"{number} {what}{'s' if number > 1 else ''} {how}" for how, number in counts.items() if number]
    words += [f"{name} changed" for name, changes in parts.items() if changes]
    return ", ".join(words) or "nothing changed"
