"""Where the nodes of a drawing stand: as they were drawn, or in columns from left to right when they were not. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

WIDTH, HEAD, ROW, FOOT = 208, 46, 18, 8
COLUMN, LINE = WIDTH + 80, 150
FARTHEST = 200_000.0
Document = dict[str, Any]


def number(value: Any) -> float:
    """A coordinate that a browser can draw, whatever the document says."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        found = float(value) if is_number else 0.0
    except OverflowError:
        return FARTHEST
    return max(-FARTHEST, min(FARTHEST, found)) if math.isfinite(found) else 0.0


def positions(nodes: list[Document], edges: list[Document]) -> dict[str, tuple[float, float]]:
    """`{node id: (x, y)}` of their upper left corners."""
    drawn = {str(node["id"]): _position(node) for node in nodes}
    return drawn if len(set(drawn.values())) == len(drawn) else _in_columns(list(drawn), edges)


def _position(node: Document) -> tuple[float, float]:
    place = node.get("position")
    place = place if isinstance(place, dict) else {}
    return number(place.get("x")), number(place.get("y"))


def _in_columns(ids: list[str], edges: list[Document]) -> dict[str, tuple[float, float]]:
    """Every node one column behind the first that leads to it. What nothing leads to begins on the left."""
    leaving: dict[str, list[str]] = defaultdict(list)
    led_to = set()
    for source, target in ends(edges, set(ids)):
        leaving[source].append(target)
        led_to.add(target)
    column = dict.fromkeys((node for node in ids if node not in led_to), 0)
    front = list(column) or ids[:1]
    column |= dict.fromkeys(front, 0)
    while front:
        found = [(column[source] + 1, target) for source in front for target in leaving[source] if target not in column]
        for depth, target in found:
            column.setdefault(target, depth)
        front = list(dict.fromkeys(target for _, target in found))
    rows: dict[int, int] = defaultdict(int)
    placed = {}
    for node in ids:
        depth = column.get(node, 0)
        placed[node] = (float(depth * COLUMN), float(rows[depth] * LINE))
        rows[depth] += 1
    return placed


def ends(edges: Iterable[Document], known: set[str]) -> Iterable[tuple[str, str]]:
    """The edges that can be drawn, as pairs of node ids."""
    for edge in edges:
        source, target = end(edge, "source")[0], end(edge, "target")[0]
        if source in known and target in known:
            yield source, target


def end(edge: Document, side: str) -> tuple[str, str]:
    """`(node id, port id)`"""
    place = edge.get(side)
    place = place if isinstance(place, dict) else {}
    return str(place.get("node", "")), str(place.get("port", ""))
