"""Pass 3: from the graph to nested steps. A branching node's branches run up to its join, the nearest post-dominator, which
follows it. A node that several branches share without joining there is repeated in each (tail duplication), within bounds.
Conditions on the edges of a node that is no decision make a decision behind it. What has no one right order is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.compiler.document import Edge, Flow, Node
from flows.compiler.graph import EXIT, joins, reach
from flows.compiler.kinds.logic import BODY_PORT

MAX_GROWTH = 4
MAX_DEPTH = 30
BRANCHING = {"logic_decision", "logic_parallel"}


class Unstructured(Exception):
    """There are no nested steps for this graph, or too many. The message says which node and what to do."""


@dataclass
class Block:
    """One step of one node, and the lists of steps inside it. `edge` is the edge by which a list is entered."""

    node: Node
    branches: list[tuple[Edge, list[Block]]] = field(default_factory=list)


class Structurer:
    """Builds the step list of one flow. `edges` are acyclic: a body's return to its loop is not among them."""

    def __init__(self, flow: Flow, edges: dict[str, list[Edge]]) -> None:
        self.flow, self.edges = flow, edges
        self.joins = joins({node: [e.target for e in each if not self._is_body(e)] for node, each in edges.items()})
        self._check_loops()
        self.made = 0
        self.limit = MAX_GROWTH * max(len(flow.nodes), 1)

    def steps(self, start: str, stop: str = EXIT, depth: int = 0) -> list[Block]:
        """From `start` up to `stop`, which is not included. Raises Unstructured."""
        if depth > MAX_DEPTH:
            raise Unstructured(f"the branches are nested deeper than {MAX_DEPTH} levels")
        blocks: list[Block] = []
        current = start
        while current not in (EXIT, stop):
            self.made += 1
            if self.made > self.limit:
                raise Unstructured("the branches share too many nodes without joining: let them meet in one node")
            node = self.flow.by_id[current]
            join = self.joins[current]
            block = Block(node)
            for edge in self._inner(node):
                end = EXIT if self._is_body(edge) else join
                inner = [] if edge.target == end else self.steps(edge.target, self._nearer(end, stop), depth + 1)
                block.branches.append((edge, inner))
            blocks.append(block)
            current = join
        return blocks

    def _nearer(self, join: str, stop: str) -> str:
        return stop if join == EXIT else join

    def _inner(self, node: Node) -> list[Edge]:
        """The edges whose targets become lists of steps inside or right behind this node's step."""
        leaving = self.edges[node.id]
        body = [edge for edge in leaving if self._is_body(edge)]
        others = [edge for edge in leaving if not self._is_body(edge)]
        has_condition = any(edge.condition for edge in others)
        if node.kind.name in BRANCHING or has_condition:
            return body + others
        if len(others) > 1:
            message = (
                f"node '{node.id}' has several edges that leave it at once: put a parallel or a decision behind it"
            )
            raise Unstructured(message)
        return body

    def _check_loops(self) -> None:
        """A body that leads on behind its loop would run that part inside of it."""
        for node, leaving in self.edges.items():
            body = [edge.target for edge in leaving if self._is_body(edge)]
            if not body:
                continue
            done = reach([edge.target for edge in leaving if not self._is_body(edge)], self.edges, node)
            shared = reach(body, self.edges, node) & done
            if shared:
                message = f"the body of loop '{node}' leads on to '{min(shared)}' behind it: lead it back to the loop"
                raise Unstructured(message)

    def _is_body(self, edge: Edge) -> bool:
        source = self.flow.by_id[edge.source]
        return source.kind.name == "logic_loop" and edge.source_port == BODY_PORT
