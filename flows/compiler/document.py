"""The typed flow: nodes, edges and sections of a canonical document, read leniently.

What has a wrong shape is left out here (pass 1 has named it), so that the later passes can still say everything about
the rest: one error never hides another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from flows.compiler.diagnostics import Path
from flows.compiler.kinds import KINDS
from flows.compiler.kinds.kind import Kind
from flows.compiler.schema import EDGE_TYPES

EdgeType = Literal["sequential", "conditional", "data"]

Map = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a known kind. `index` is its place in `nodes`, `config` what was filled in, `raw` the node as it stands in
    the document."""

    index: int
    id: str
    kind: Kind
    config: Map
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    has_declared_outputs: bool
    raw: Map

    @property
    def path(self) -> Path:
        return ("nodes", self.index)

    @property
    def label(self) -> str:
        label = self.raw.get("label")
        return label if isinstance(label, str) else self.id

    @property
    def has_breakpoint(self) -> bool:
        return self.raw.get("breakpoint") is True or self.config.get("breakpoint") is True


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge between two node ids. `condition` is None when there is none (or only blanks)."""

    index: int
    id: str
    type: EdgeType
    source: str
    source_port: str | None
    target: str
    target_port: str | None
    condition: str | None

    @property
    def path(self) -> Path:
        return ("edges", self.index)


@dataclass(frozen=True)
class Flow:
    """A whole document. `broken_ids` are ids of nodes that could not be read: an edge to one of them is not dangling."""

    raw: Map
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    broken_ids: frozenset[str] = frozenset()
    has_broken_entry: bool = False
    by_id: dict[str, Node] = field(default_factory=dict)
    actions: dict[int, Any] = field(default_factory=dict)
    """What `steps.lowered` has made of the nodes so far, by their index."""

    @property
    def name(self) -> str:
        name = self.raw.get("name")
        return name if isinstance(name, str) else ""

    @property
    def config(self) -> Map:
        return as_map(self.raw.get("config"))

    @property
    def models(self) -> list[tuple[int, Map]]:
        """The declared models with their places in the list."""
        return maps_of(as_map(self.config.get("core_identity")).get("models"))

    @property
    def variables(self) -> list[tuple[int, Map]]:
        return [
            (index, each) for index, each in maps_of(self.raw.get("variables")) if isinstance(each.get("name"), str)
        ]

    @property
    def scope(self) -> str | None:
        """The queue scope that nodes without one inherit."""
        scope = as_map(self.config.get("scaiqueue")).get("scope")
        return scope if isinstance(scope, str) and scope.strip() else None


def read_flow(document: Any) -> Flow:
    """The flow in a canonical document of any shape."""
    raw = as_map(document)
    nodes: list[Node] = []
    broken: list[Map] = []
    for index, each in maps_of(raw.get("nodes")):
        node = _node(index, each)
        broken.append(each) if node is None else nodes.append(node)
    edges = [_edge(index, each) for index, each in maps_of(raw.get("edges"))]
    by_id: dict[str, Node] = {}
    for node in nodes:
        by_id.setdefault(node.id, node)
    return Flow(
        raw=raw,
        nodes=tuple(nodes),
        edges=tuple(edge for edge in edges if edge is not None),
        broken_ids=frozenset(each["id"] for each in broken if isinstance(each.get("id"), str)),
        has_broken_entry=any(str(each.get("type")).startswith("entry") for each in broken),
        by_id=by_id,
    )


def as_map(value: Any) -> Map:
    return value if isinstance(value, dict) else {}


def maps_of(value: Any) -> list[tuple[int, Map]]:
    """The maps of a list with their places; anything else is left out."""
    return (
        [(index, each) for index, each in enumerate(value) if isinstance(each, dict)] if isinstance(value, list) else []
    )


def _node(index: int, raw: Map) -> Node | None:
    node_id, kind_name = raw.get("id"), raw.get("type")
    if not isinstance(node_id, str) or not node_id or not isinstance(kind_name, str) or kind_name not in KINDS:
        return None
    kind = KINDS[kind_name]
    inputs, outputs = _port_ids(raw.get("inputs")), _port_ids(raw.get("outputs"))
    if len(kind.outputs) > 1:
        outputs = ()  # these ports mean something, whatever the document calls them
    return Node(
        index=index,
        id=node_id,
        kind=kind,
        config=kind.filled_in(as_map(raw.get("config"))),
        inputs=() if kind.is_entry else inputs or tuple(port.id for port in kind.inputs),
        outputs=outputs or tuple(port.id for port in kind.outputs),
        has_declared_outputs=bool(outputs),
        raw=raw,
    )


def _port_ids(value: Any) -> tuple[str, ...]:
    return tuple(port["id"] for _, port in maps_of(value) if isinstance(port.get("id"), str))


def _edge(index: int, raw: Map) -> Edge | None:
    source, target = as_map(raw.get("source")), as_map(raw.get("target"))
    ends_are_text = isinstance(source.get("node"), str) and isinstance(target.get("node"), str)
    if not ends_are_text or not isinstance(raw.get("id"), str) or raw.get("type") not in EDGE_TYPES:
        return None
    condition = raw.get("condition")
    return Edge(
        index=index,
        id=raw["id"],
        type=cast("EdgeType", raw["type"]),
        source=source["node"],
        source_port=_text(source.get("port")),
        target=target["node"],
        target_port=_text(target.get("port")),
        condition=condition if isinstance(condition, str) and condition.strip() else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
