"""Who runs after whom: the edges of control sorted into ways, the loops with their bodies, and where branches meet again.

The terms that everything behind this module is built on:

- A *way* leads from a node to a node, or to EXIT. Data edges say nothing about order and are no ways.
- The *body* of a loop is what runs can only come to by the loop's `out_body` port: the nodes which that port dominates.
  A way from the body back to its loop ends the iteration; so does a dead end in the body. Both are ways to EXIT here, so
  that no cycle is left in a good flow.
- The *join* of a node is its immediate post-dominator: the first node that every way from it passes. It is EXIT where there
  is none. The ways into a body have a join of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flows.compiler.document import Edge, Flow, Node
from flows.compiler.graph import NONE, Tree, dominators, extend_reach, knots, way_around
from flows.compiler.kinds.logic import BODY_PORT

EXIT = ""
ELSE_WORDS = {"else", "default"}


@dataclass(frozen=True, slots=True)
class Way:
    """One edge of control. `condition` is None when it is taken without one, or as the else of the others."""

    edge: Edge
    to: str
    condition: str | None


def is_loop(node: Node) -> bool:
    return node.kind.name == "logic_loop"


def condition_of(edge: Edge, source: Node | None) -> str | None:
    """None for an else (`else`, `default`, and `true` without a subject to compare it with), which is tried last."""
    word = (edge.condition or "").strip().lower()
    if word in ELSE_WORDS or (word == "true" and not (source and source.config.get("subject"))):
        return None
    return edge.condition


class Control:
    """The order in a flow. `ways` of a loop are those behind it; `bodies` are the ways into its body."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._ids = list(flow.by_id)
        self._place = {node_id: place for place, node_id in enumerate(self._ids)}
        loops = [node.id for node in flow.by_id.values() if is_loop(node)]
        self._ports = {loop: len(self._ids) + number for number, loop in enumerate(loops)}
        self._root = len(self._ids) + len(loops)
        self.edges = [edge for edge in flow.edges if self.is_control(edge)]
        self.entries = [node for node in flow.by_id.values() if node.kind.is_entry]
        self._graph = self._drawn()
        self._entry_places = [self._place[entry.id] for entry in self.entries]
        self._reached: set[int] = set()
        for place in self._entry_places:
            extend_reach(self._reached, self._graph, place)
        self._tree = self._dominators()
        self._inner = self._innermost()
        returns = {edge.index for edge in self.edges if self._is_return(edge)}
        self._forward = self._drawn(returns)
        self._knots = knots(self._forward)
        self._runs = [targets if place in self._reached else [] for place, targets in enumerate(self._forward)]
        self.is_acyclic = self._reached.isdisjoint(place for knot in self._knots for place in knot)
        self.ways, self.bodies = self._sorted_ways(returns)
        self._joins = self._post_dominators(returns)
        self._masks = self._earlier() if self.is_acyclic else []
        self._before_knots = self._leading_to_knots()

    def is_control(self, edge: Edge) -> bool:
        """Whether an edge says something about order: it is no data edge, and both its ends can be led to and from."""
        ends_are_there = edge.source in self._place and edge.target in self._place
        return edge.type != "data" and ends_are_there and not self.flow.by_id[edge.target].kind.is_entry

    def is_body(self, edge: Edge) -> bool:
        return edge.source_port == BODY_PORT and edge.source in self._ports

    def is_reached(self, node_id: str) -> bool:
        return self._place[node_id] in self._reached

    def comes_to_cycle(self, node_id: str) -> bool:
        """Whether some way from the node, or around it, is a cycle: there is no join to tell of then."""
        return self._place[node_id] in self._before_knots

    def join(self, node_id: str) -> str:
        """Where the ways behind a node meet, of a node that is reached and comes to no cycle."""
        return self._name(self._joins[self._place[node_id]])

    def body_join(self, loop: str) -> str:
        """Where the ways into a loop's body meet."""
        return self._name(self._joins[self._ports[loop]])

    def loops_around(self, node_id: str) -> list[str]:
        """The loops in whose bodies the node stands, innermost first."""
        found, port = [], self._inner[self._place[node_id]]
        while port != NONE:
            loop = self._tree.parent[port]
            found.append(self._ids[loop])
            port = self._inner[loop]
        return found

    def bit(self, node_id: str) -> int:
        """The node's place in the sets of nodes that the next three answer, as the bits of a number."""
        return 1 << self._place[node_id]

    def before(self, node_id: str) -> int:
        """What some run has passed when it comes to the node; in a loop also in the iteration before."""
        return self._masks[self._place[node_id]]

    def inside(self, loop: str) -> int:
        """What some run has passed when it comes to one more iteration of the loop."""
        return self._masks[self._ports[loop]]

    def behind(self, edge: Edge) -> int:
        """What some run has passed when it asks for the edge's condition."""
        source = self._source(edge)
        if source >= len(self._ids):
            return self._masks[source]
        body = self.inside(edge.source) if edge.source in self._ports else 0
        return self._masks[source] | 1 << source | body

    def cycles(self) -> list[list[str]]:
        """One way around each cycle that passes through no loop's body, in document order.

        A cycle that does is told of as a body that has not one entrance (`strays`).
        """
        if not self._knots:
            return []
        ports = {place for knot in self._knots for place in knot if place >= len(self._ids)}
        graph = [[] if place in ports else targets for place, targets in enumerate(self._forward)]
        ways = sorted(way_around(knot, graph) for knot in knots(graph))
        return [[self._ids[place] for place in way if place < len(self._ids)] for way in ways]

    def strays(self) -> Iterator[tuple[Edge, str]]:
        """The edges between a loop's body and what is not only reached through it, each with its loop."""
        for edge in self.edges:
            source, target = self._source(edge), self._place[edge.target]
            port = source if source >= len(self._ids) else self._inner[source]
            if port == NONE or self._place[edge.source] not in self._reached:
                continue
            loop = self._tree.parent[port]
            if target != loop and not self._tree.covers(port, target):
                yield edge, self._ids[loop]

    def _source(self, edge: Edge) -> int:
        """The place that an edge leaves: its node's, or that of its loop's body port."""
        return self._ports[edge.source] if self.is_body(edge) else self._place[edge.source]

    def _name(self, place: int) -> str:
        return EXIT if place in (self._root, NONE) else self._ids[place]

    def _drawn(self, without: set[int] | frozenset[int] = frozenset()) -> list[list[int]]:
        graph: list[list[int]] = [[] for _ in range(self._root + 1)]
        for loop, port in self._ports.items():
            graph[self._place[loop]].append(port)
        for edge in self.edges:
            if edge.index not in without:
                graph[self._source(edge)].append(self._place[edge.target])
        return graph

    def _dominators(self) -> Tree:
        """What no entry reaches hangs on the root by roots of its own, and says nothing about the rest."""
        graph = [
            targets if place in self._reached else [target for target in targets if target not in self._reached]
            for place, targets in enumerate(self._graph)
        ]
        led_to = {target for targets in graph for target in targets}
        graph[self._root] = [*self._entry_places, *(place for place in range(self._root) if place not in led_to)]
        seen: set[int] = set()
        for root in [*graph[self._root], *range(self._root)]:
            if root not in seen:
                extend_reach(seen, graph, root)
                graph[self._root].append(root)
        return dominators(graph, self._root)

    def _innermost(self) -> list[int]:
        """For each place the nearest body port above it; for a port that of the loop around its loop."""
        inner = [NONE] * (self._root + 1)
        for place in self._tree.order[1:]:
            above = self._tree.parent[place]
            inner[place] = above if len(self._ids) <= above < self._root else inner[above]
        return inner

    def _is_return(self, edge: Edge) -> bool:
        port = self._ports.get(edge.target)
        return port is not None and self._tree.covers(port, self._source(edge))

    def _sorted_ways(self, returns: set[int]) -> tuple[dict[str, list[Way]], dict[str, list[Way]]]:
        ways: dict[str, list[Way]] = {node_id: [] for node_id in self._ids}
        bodies: dict[str, list[Way]] = {loop: [] for loop in self._ports}
        for edge in self.edges:
            sorted_into = ways if self._source(edge) < len(self._ids) else bodies
            to = EXIT if edge.index in returns else edge.target
            sorted_into[edge.source].append(Way(edge, to, condition_of(edge, self.flow.by_id[edge.source])))
        return ways, bodies

    def _leading_to_knots(self) -> set[int]:
        if not self._knots:
            return set()
        turned: list[list[int]] = [[] for _ in range(self._root + 1)]
        for place, targets in enumerate(self._forward):
            for target in targets:
                turned[target].append(place)
        found: set[int] = set()
        for knot in self._knots:
            extend_reach(found, turned, knot[0])
        return found

    def _post_dominators(self, returns: set[int]) -> list[int]:
        """Of what is reached: what is not says nothing about where runs meet."""
        turned: list[list[int]] = [[] for _ in range(self._root + 1)]
        is_led_on = [False] * self._root
        for edge in self.edges:
            source, target = self._source(edge), self._root if edge.index in returns else self._place[edge.target]
            if source in self._reached:
                turned[target].append(source)
                is_led_on[source] = True
        turned[self._root] += [place for place in range(self._root) if not is_led_on[place]]
        return dominators(turned, self._root).parent

    def _earlier(self) -> list[int]:
        """For each place the set of nodes that can have run before it, as the bits of a number."""
        inside = [0] * (self._root + 1)
        for place in reversed(self._tree.order[1:]):
            bit = 1 << place if place < len(self._ids) else 0
            inside[self._tree.parent[place]] |= inside[place] | bit
        masks = [0] * (self._root + 1)
        for place in self._topological():
            if place not in self._reached:
                continue
            gone = masks[place] | (1 << place if place < len(self._ids) else inside[place])
            port = self._ports.get(self._ids[place]) if place < len(self._ids) else None
            if port is None and place >= len(self._ids):
                masks[place] = gone
            for target in self._runs[place]:
                masks[target] |= gone | (inside[port] if port is not None else 0)
        return masks

    def _topological(self) -> list[int]:
        waiting_for = [0] * self._root
        for targets in self._runs:
            for target in targets:
                waiting_for[target] += 1
        order = [place for place in range(self._root) if not waiting_for[place]]
        for place in order:
            for target in self._runs[place]:
                waiting_for[target] -= 1
                if not waiting_for[target]:
                    order.append(target)
        return order
