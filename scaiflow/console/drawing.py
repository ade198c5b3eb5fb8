"""A flow's graph as SVG: boxes with ports, edges with their conditions, marks of what happened to each. Pure, and everything
from a document is escaped.

No style and no script stands in it (the pages' CSP allows neither inline): classes are drawn by graph.css, and what one
can click is a link, so that it works with a keyboard and without JavaScript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from flows.compiler import KINDS
from scaiflow.console.placing import FOOT, HEAD, ROW, WIDTH, Document, end, positions

MARGIN, TIP = 48, 4
LABEL_LETTERS, CONDITION_LETTERS, PORT_LETTERS = 22, 34, 14
MARKS = ("added", "removed", "changed", "moved", "error", "warning", "running", "done", "failed", "waiting", "skipped")
Link = Callable[[str], str]


@dataclass(frozen=True)
class Box:
    """One node as it is drawn."""

    id: str
    kind: str
    family: str
    label: str
    x: float
    y: float
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]

    @property
    def height(self) -> int:
        return HEAD + ROW * max(len(self.inputs), len(self.outputs), 1) + FOOT

    def port(self, side: str, port_id: str) -> tuple[float, float]:
        """Where an edge meets the box. An unknown port is met at the head."""
        ports = [found for found, _ in (self.outputs if side == "source" else self.inputs)]
        y = HEAD + ROW * ports.index(port_id) + ROW / 2 if port_id in ports else HEAD / 2
        return self.x + (WIDTH if side == "source" else 0), self.y + y


@dataclass(frozen=True)
class Picture:
    """What is drawn besides the document itself: marks by node id and by edge id, the selected node, and where a click on a
    node leads."""

    marks: Mapping[str, str] = field(default_factory=dict)
    edge_marks: Mapping[str, str] = field(default_factory=dict)
    selected: str = ""
    link: Link | None = None
    title: str = "Graph of the flow"


def draw(content: Document, picture: Picture | None = None) -> str:
    """The `<svg>` element. It holds no ids: those are a page's, and a page may have several drawings."""
    picture = picture or Picture()
    boxes = boxes_of(content)
    edges = [edge for edge in _items(content, "edges") if _is_drawable(edge, boxes)]
    left, top, width, height = _frame(list(boxes.values()))
    inside = [
        *(_edge(edge, boxes, picture) for edge in edges),
        *(_box(box, picture) for box in boxes.values()),
    ]
    label = escape(f"{picture.title}: {len(boxes)} nodes, {len(edges)} edges")
    return (
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="group" aria-label="{label}" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}">'
        f"{''.join(inside)}</svg>"
    )


def boxes_of(content: Document) -> dict[str, Box]:
    nodes = [node for node in _items(content, "nodes") if "id" in node]
    places = positions(nodes, _items(content, "edges"))
    return {str(node["id"]): _measured(node, *places[str(node["id"])]) for node in nodes}


def _items(content: Document, part: str) -> list[Document]:
    found = content.get(part)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _measured(node: Document, x: float, y: float) -> Box:
    kind = KINDS.get(str(node.get("type")))
    label = str(node.get("label") or node["id"])
    inputs = _ports(node, "inputs", kind.inputs if kind else ())
    outputs = _ports(node, "outputs", kind.outputs if kind else ())
    return Box(str(node["id"]), str(node.get("type")), kind.family if kind else "other", label, x, y, inputs, outputs)


def _ports(node: Document, side: str, default: Any) -> tuple[tuple[str, str], ...]:
    declared = node.get(side)
    if isinstance(declared, list):
        return tuple((str(port.get("id")), str(port.get("label") or port.get("id"))) for port in _items(node, side))
    return tuple((port.id, port.label) for port in default)


def _is_drawable(edge: Document, boxes: Mapping[str, Box]) -> bool:
    return end(edge, "source")[0] in boxes and end(edge, "target")[0] in boxes


def _frame(boxes: list[Box]) -> tuple[float, float, float, float]:
    if not boxes:
        return 0, 0, 480, 160
    left, top = min(box.x for box in boxes) - MARGIN, min(box.y for box in boxes) - MARGIN
    right, bottom = max(box.x for box in boxes) + WIDTH + MARGIN, max(box.y + box.height for box in boxes) + MARGIN
    return left, top, right - left, bottom - top


def _edge(edge: Document, boxes: Mapping[str, Box], picture: Picture) -> str:
    (source, source_port), (target, target_port) = end(edge, "source"), end(edge, "target")
    x1, y1 = boxes[source].port("source", source_port)
    x2, y2 = boxes[target].port("target", target_port)
    reach = max(40.0, abs(x2 - x1) / 2)
    path = f"M{x1:.1f} {y1:.1f} C{x1 + reach:.1f} {y1:.1f} {x2 - reach:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    mark = picture.edge_marks.get(str(edge.get("id")), "")
    kind = edge.get("type") if edge.get("type") in {"conditional", "data"} else "sequential"
    condition = str(edge.get("condition") or "")
    told = ""
    if condition:
        told = (
            f'<text class="condition" x="{(x1 + x2) / 2:.1f}" y="{(y1 + y2) / 2 - 6:.1f}" text-anchor="middle">'
            f"{escape(_short(condition, CONDITION_LETTERS))}<title>{escape(condition)}</title></text>"
        )
    classes = f"edge {kind}" + (f" mark-{mark}" if mark in MARKS else "")
    tip = x2 - TIP  # before the port's dot; every edge comes in from the left
    arrow = f'<path class="arrow" d="M{tip - 7:.1f} {y2 - 4:.1f} L{tip:.1f} {y2:.1f} L{tip - 7:.1f} {y2 + 4:.1f} z"/>'
    return f'<g class="{classes}"><path class="line" d="{path}"/>{arrow}{told}</g>'


def _box(box: Box, picture: Picture) -> str:
    mark = picture.marks.get(box.id, "")
    mark = mark if mark in MARKS else ""
    classes = f"node family-{box.family}" + (f" mark-{mark}" if mark else "")
    classes += " selected" if box.id == picture.selected else ""
    inner = (
        f'<rect class="body" width="{WIDTH}" height="{box.height}" rx="10"/><rect class="stripe" width="5" '
        f'height="{box.height - 20}" x="0" y="10" rx="2.5"/>'
        f'<text class="label" x="16" y="20">{escape(_short(box.label, LABEL_LETTERS))}</text>'
        f'<text class="kind" x="16" y="36">{escape(kind_in_words(box.kind))}</text>'
        f"{_port_dots(box)}{_badge(mark)}<title>{escape(_spoken(box, mark))}</title>"
    )
    group = (
        f'<g class="{classes}" data-node="{escape(box.id)}" transform="translate({box.x:.1f} {box.y:.1f})">{inner}</g>'
    )
    if picture.link is None:
        return group
    current = ' aria-current="true"' if box.id == picture.selected else ""
    return f'<a href="{escape(picture.link(box.id))}"{current}>{group}</a>'


def _spoken(box: Box, mark: str) -> str:
    return f"{box.label}, {kind_in_words(box.kind)}" + (f", {mark}" if mark else "")


def _port_dots(box: Box) -> str:
    told = []
    for side, ports, x, text_x, anchor in (
        ("in", box.inputs, 0, 12, "start"),
        ("out", box.outputs, WIDTH, WIDTH - 12, "end"),
    ):
        for index, (_, label) in enumerate(ports):
            y = HEAD + ROW * index + ROW / 2
            told.append(f'<circle class="port {side}" cx="{x}" cy="{y:.0f}" r="4"/>')
            told.append(
                f'<text class="port-label" x="{text_x}" y="{y + 4:.0f}" text-anchor="{anchor}">'
                f"{escape(_short(label, PORT_LETTERS))}</text>"
            )
    return "".join(told)


def _badge(mark: str) -> str:
    if not mark:
        return ""
    width = 14 + 6.4 * len(mark)
    x = WIDTH - width - 8
    return (
        f'<g class="badge"><rect x="{x:.1f}" y="-9" width="{width:.1f}" height="18" rx="9"/>'
        f'<text x="{x + width / 2:.1f}" y="4" text-anchor="middle">{mark}</text></g>'
    )


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def kind_in_words(kind: str) -> str:
    """`llm_flexible` -> "LLM flexible"."""
    words = kind.replace("_", " ").strip() or "unknown"
    for short in ("llm", "api", "hitl", "http"):
        words = " ".join(short.upper() if word == short else word for word in words.split(" "))
    return words[:1].upper() + words[1:]
