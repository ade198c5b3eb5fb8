"""Two versions of a flow in one drawing: what came, what went, what changed. Pure."""

from __future__ import annotations

from typing import Any

from flows.diffing import is_layout
from scaiflow.console.drawing import Picture

Document = dict[str, Any]


def together(before: Document, after: Document) -> Document:
    """The newer document, with the nodes and edges that are gone from it."""
    return {part: _both(before.get(part) or [], after.get(part) or []) for part in ("nodes", "edges")}


def picture_of(told: dict[str, Any], title: str) -> Picture:
    """The marks for what flows/diffing.py tells."""
    return Picture(marks=_marks(told["nodes"], "node_id"), edge_marks=_marks(told["edges"], "edge_id"), title=title)


def _both(before: list[Document], after: list[Document]) -> list[Document]:
    kept = {str(item.get("id")) for item in after}
    return [*after, *(item for item in before if str(item.get("id")) not in kept)]


def _marks(changes: dict[str, list[dict[str, Any]]], name: str) -> dict[str, str]:
    marks = {change[name]: "moved" if is_layout(change) else "changed" for change in changes["changed"]}
    for mark in ("added", "removed"):
        marks |= {change[name]: mark for change in changes[mark]}
    return marks
