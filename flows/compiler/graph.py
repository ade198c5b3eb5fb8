"""The graph of control: who runs after whom, cycles, and where branches meet again.

Cycles are the strongly connected components that Tarjan's algorithm finds (SIAM J. Comput. 1, 1972); joins are immediate
post-dominators by the iterative algorithm of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001). Both
without recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flows.compiler.document import Edge, Flow
from flows.compiler.kinds.logic import BODY_PORT

EXIT = ""
Successors = Mapping[str, Sequence[str]]


def leaving(flow: Flow) -> dict[str, list[Edge]]:
    """The edges of control that leave each node, in document order. Data edges say nothing about order."""
    found: dict[str, list[Edge]] = {node.id: [] for node in flow.nodes}
    for edge in flow.edges:
        if edge.type != "data" and edge.source in found and edge.target in found:
            found[edge.source].append(edge)
    return found


def without_returns(flow: Flow, edges: dict[str, list[Edge]]) -> dict[str, list[Edge]]:
    """The same without the edges by which a loop's body comes back to its own loop."""
    kept = {source: list(each) for source, each in edges.items()}
    for node in flow.nodes:
        if node.kind.name != "logic_loop":
            continue
        body = reach([edge.target for edge in edges[node.id] if edge.source_port == BODY_PORT], edges, node.id)
        for source in body:
            kept[source] = [edge for edge in kept[source] if edge.target != node.id]
    return kept


def reach(starts: list[str], edges: Mapping[str, list[Edge]], stop: str) -> set[str]:
    """All that can be reached from `starts`, themselves included, without passing `stop`."""
    reached, waiting = set(starts), list(starts)
    while waiting:
        for edge in edges[waiting.pop()]:
            if edge.target not in reached and edge.target != stop:
                reached.add(edge.target)
                waiting.append(edge.target)
    return reached - {stop}


def cycles(successors: Successors) -> list[list[str]]:
    """One way around each cyclic component, its nodes in order, the first one again at the end."""
    return [
        _way_around(component, successors) for component in _components(successors) if _is_cycle(component, successors)
    ]


def _is_cycle(component: list[str], successors: Successors) -> bool:
    return len(component) > 1 or component[0] in successors[component[0]]


def _way_around(component: list[str], successors: Successors) -> list[str]:
    """Breadth first from the node that the document names first, back to itself."""
    inside, order = set(component), {node: place for place, node in enumerate(successors)}
    start = min(component, key=lambda node: order[node])
    came_from: dict[str, str] = {}
    waiting = [start]
    for node in waiting:
        for target in successors[node]:
            if target == start:
                way = [start, node] if node != start else [start]
                while way[-1] != start and came_from.get(way[-1]) is not None:
                    way.append(came_from[way[-1]])
                return way[::-1] if way[-1] == start and len(way) > 1 else [start, start]
            if target in inside and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    return [start, start]


def _components(successors: Successors) -> Iterator[list[str]]:
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in successors:
        if root in index:
            continue
        work = [(root, iter(successors[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            fresh = next((target for target in targets if target not in index), None)
            if fresh is not None:
                index[fresh] = low[fresh] = len(index)
                stack.append(fresh)
                on_stack.add(fresh)
                work.append((fresh, iter(successors[fresh])))
                continue
            work.pop()
            low[node] = min([low[node], *(low[t] for t in successors[node] if t in on_stack)])
            if low[node] == index[node]:
                component: list[str] = []
                while not component or component[-1] != node:
                    component.append(stack.pop())
                on_stack.difference_update(component)
                yield component


def joins(successors: Successors) -> dict[str, str]:
    """The immediate post-dominator of each node of an acyclic graph; EXIT where the branches never meet."""
    order = _postorder(successors)
    place = {node: number for number, node in enumerate(order, start=1)} | {EXIT: 0}
    found: dict[str, str] = {EXIT: EXIT}
    for node in order:  # every successor stands before its node, so one round is enough
        targets = list(successors[node]) or [EXIT]
        meet = targets[0]
        for other in targets[1:]:
            meet = _intersect(meet, other, found, place)
        found[node] = meet
    return found


def _intersect(one: str, other: str, found: Mapping[str, str], place: Mapping[str, int]) -> str:
    while one != other:
        if place[one] > place[other]:
            one = found[one]
        else:
            other = found[other]
    return one


def _postorder(successors: Successors) -> list[str]:
    done: set[str] = set()
    order: list[str] = []
    for root in successors:
        work = [(root, iter(successors[root]))] if root not in done else []
        done.add(root)
        while work:
            node, targets = work[-1]
            fresh = next((target for target in targets if target not in done), None)
            if fresh is None:
                work.pop()
                order.append(node)
            else:
                done.add(fresh)
                work.append((fresh, iter(successors[fresh])))
    return order
