"""Pass 3: from the graph to nested steps.

The algorithm is structuring by dominators, as compilers lower to languages without goto: N. Ramsey, "Beyond Relooper:
recursive translation of unstructured control flow to structured control flow" (ICFP 2022), and before it B. S. Baker, "An
Algorithm for Structuring Flowgraphs" (J. ACM 24, 1977). Here joins are post-dominators, because steps know no break:

1. A loop's body is what its body port dominates (control.py). Ways back to the loop end the body, so that no cycle is left.
   A way between body and outside would be a break or a jump into the middle, which steps cannot say: it is refused.
2. A step list follows the ways from a node to a `stop` that is not its own. Where ways part, each gets a list of its own
   that runs to the join, the immediate post-dominator, and the outer list goes on there.
3. A node that several lists come to before a join is written into each of them (tail duplication). Of a decision's lists
   one runs, so the copies keep the order. All of a parallel's lists run, so a node that two of them share has to be their
   join: else it would run twice, and the flow is refused (meetings.py).
4. Ways with conditions behind a node that is no decision make a decision without a node behind its step.

A decision without an else goes on at its join when no condition holds. Where all its ways lead to one node there is nothing
to join: then its list ends, for otherwise its condition would decide nothing.

Copies are bounded (MAX_GROWTH), and so is nesting (MAX_DEPTH), which also bounds the recursion here and in the emitters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.compiler.control import EXIT, Control, Way, is_loop
from flows.compiler.document import Node
from flows.compiler.meetings import Meetings

MAX_GROWTH = 4
MAX_DEPTH = 64


class Unstructured(Exception):
    """There are no nested steps for this graph, or too many. `node` is where, None for the whole flow."""

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.node = node


@dataclass
class Choice:
    """Cases in order, each with its condition and its list; `otherwise` is None where there is no else."""

    cases: list[tuple[str, list[Block]]] = field(default_factory=list)
    otherwise: list[Block] | None = None


@dataclass
class Block:
    """One step. Its `node` is None for a decision that stands in no node but in the conditions behind one."""

    node: Node | None
    choice: Choice | None = None
    branches: list[list[Block]] | None = None
    body: list[Block] | None = None


class Structurer:
    """Builds the step list of one flow, of which `check_order` found nothing that is wrong."""

    def __init__(self, control: Control, meetings: Meetings) -> None:
        self.control, self._meetings = control, meetings
        self._steps_left = MAX_GROWTH * len(control.flow.nodes)
        self._lists_left = MAX_GROWTH * len(control.edges)

    def flow(self) -> list[Block]:
        """The steps behind the entries. Raises Unstructured."""
        entry = self.control.entries[0]
        return self._list(self.control.ways[entry.id], self.control.join(entry.id), EXIT, 0)

    def _list(self, ways: list[Way], join: str, stop: str, depth: int) -> list[Block]:
        """From where `ways` lead up to `stop`, which is not included; `join` is where they meet."""
        if depth > MAX_DEPTH:
            raise Unstructured(f"the branches are nested deeper than {MAX_DEPTH} levels")
        blocks: list[Block] = []
        current = self._onward(ways, join, stop, depth, blocks)
        while current not in (EXIT, stop):
            block = Block(self.control.flow.by_id[current])
            self._steps_left -= 1
            self._check_growth()
            blocks.append(block)
            current = self._behind(block, current, stop, depth, blocks)
        return blocks

    def _check_growth(self) -> None:
        if min(self._steps_left, self._lists_left) < 0:
            raise Unstructured("the branches share too many nodes without joining: let them meet in one node")

    def _behind(self, block: Block, node_id: str, stop: str, depth: int, blocks: list[Block]) -> str:
        """Fills the lists inside the block; where the list goes on behind it."""
        ways, join = self.control.ways[node_id], self.control.join(node_id)
        node = self.control.flow.by_id[node_id]
        if node.kind.name == "logic_decision":
            block.choice, onward = self._choice(ways, join, stop, depth)
            return onward
        if node.kind.name == "logic_parallel":
            onward = self._meetings.of(node) or stop
            block.branches = [self._branch(way, onward, depth) for way in ways]
            return onward
        if is_loop(node):
            bodies = self.control.bodies[node_id]
            block.body = self._list(bodies, self.control.body_join(node_id), EXIT, depth + 1)
        return self._onward(ways, join, stop, depth, blocks)

    def _onward(self, ways: list[Way], join: str, stop: str, depth: int, blocks: list[Block]) -> str:
        """The node that the ways lead to; where they have conditions a decision is written first."""
        if all(way.condition is None for way in ways):
            return ways[0].to if ways else EXIT
        choice, onward = self._choice(ways, join, stop, depth)
        blocks.append(Block(None, choice=choice))
        return onward

    def _choice(self, ways: list[Way], join: str, stop: str, depth: int) -> tuple[Choice, str]:
        choice = Choice()
        decides_nothing = len({way.to for way in ways}) == 1 and all(way.condition is not None for way in ways)
        onward = stop if join == EXIT or decides_nothing else join
        for way in ways:
            steps = self._branch(way, onward, depth)
            if way.condition is not None:
                choice.cases.append((way.condition, steps))
            elif choice.otherwise is None:
                choice.otherwise = steps
        return choice, onward

    def _branch(self, way: Way, stop: str, depth: int) -> list[Block]:
        self._lists_left -= 1
        self._check_growth()
        return self._list([Way(way.edge, way.to, None)], EXIT, stop, depth + 1)
