"""Algorithms on graphs of whole numbers: dominators, and strongly connected components. None of them recurses.

Dominators are found as Lengauer and Tarjan do ("A Fast Algorithm for Finding Dominators in a Flowgraph", TOPLAS 1, 1979),
with path compression alone: O(edges * log nodes) on every graph, also on one that was drawn to be slow. Post-dominators
are the dominators of the graph turned round. Components are Tarjan's (SIAM J. Comput. 1, 1972).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NONE = -1
Successors = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Tree:
    """The tree of dominators: `parent[v]` is the immediate dominator of v, NONE for the root and what it does not reach."""

    parent: list[int]
    order: list[int]
    _first: list[int]
    _last: list[int]

    def covers(self, above: int, below: int) -> bool:
        """Whether every way from the root to `below` passes `above` (a node covers itself)."""
        return self._first[above] <= self._first[below] <= self._last[above]


def dominators(successors: Successors, root: int) -> Tree:
    """`order` lists what the root reaches, each node behind its immediate dominator."""
    order, parents = depth_first(successors, root)
    number = [NONE] * len(successors)
    for place, node in enumerate(order):
        number[node] = place
    found = _immediate(_incoming(successors, order, number), [number[parents[node]] for node in order])
    parent = [NONE] * len(successors)
    for place in range(1, len(order)):
        parent[order[place]] = order[found[place]]
    return Tree(parent, order, *_spans(parent, order))


def _incoming(successors: Successors, order: list[int], number: list[int]) -> list[list[int]]:
    incoming: list[list[int]] = [[] for _ in order]
    for place, node in enumerate(order):
        for target in successors[node]:
            incoming[number[target]].append(place)
    return incoming


def _immediate(incoming: list[list[int]], parents: list[int]) -> list[int]:
    """The immediate dominator of each node; nodes are named by their depth-first numbers, the root is 0."""
    size = len(incoming)
    semi, best, ancestor, found = list(range(size)), list(range(size)), [NONE] * size, [0] * size
    waiting: list[list[int]] = [[] for _ in range(size)]
    for node in range(size - 1, 0, -1):
        for source in incoming[node]:
            semi[node] = min(semi[node], semi[_lowest(source, semi, best, ancestor)])
        waiting[semi[node]].append(node)
        ancestor[node] = parent = parents[node]
        for other in waiting[parent]:
            low = _lowest(other, semi, best, ancestor)
            found[other] = low if semi[low] < semi[other] else parent
        waiting[parent] = []
    for node in range(1, size):
        if found[node] != semi[node]:
            found[node] = found[found[node]]
    return found


def _lowest(node: int, semi: list[int], best: list[int], ancestor: list[int]) -> int:
    """The node with the lowest semidominator on the way up to the root of its tree so far; shortens that way."""
    if ancestor[node] == NONE:
        return node
    way, at = [], node
    while ancestor[ancestor[at]] != NONE:
        way.append(at)
        at = ancestor[at]
    for each in reversed(way):
        above = ancestor[each]
        if semi[best[above]] < semi[best[each]]:
            best[each] = best[above]
        ancestor[each] = ancestor[above]
    return best[node]


def _spans(parent: list[int], order: list[int]) -> tuple[list[int], list[int]]:
    """For each node the numbers of itself and of the last node under it, counted from the root down."""
    size = [1] * len(parent)
    for node in reversed(order[1:]):
        size[parent[node]] += size[node]
    first, last, free = [NONE] * len(parent), [NONE - 1] * len(parent), [0] * len(parent)
    for place, node in enumerate(order):
        above = parent[node]
        first[node] = 0 if place == 0 else free[above]
        if place:
            free[above] += size[node]
        free[node], last[node] = first[node] + 1, first[node] + size[node] - 1
    return first, last


def depth_first(successors: Successors, root: int) -> tuple[list[int], list[int]]:
    """What `root` reaches, in preorder, and by node the parent in that walk."""
    parents = [NONE] * len(successors)
    parents[root] = root
    order, work = [root], [(root, iter(successors[root]))]
    while work:
        node, targets = work[-1]
        for target in targets:
            if parents[target] == NONE:
                parents[target] = node
                order.append(target)
                work.append((target, iter(successors[target])))
                break
        else:
            work.pop()
    return order, parents


def extend_reach(reached: set[int], successors: Successors, start: int) -> None:
    """Adds to `reached` what `start` leads to and was not in it yet, `start` itself included."""
    reached.add(start)
    waiting = [start]
    while waiting:
        for target in successors[waiting.pop()]:
            if target not in reached:
                reached.add(target)
                waiting.append(target)


def knots(successors: Successors) -> list[list[int]]:
    """The strongly connected components that hold a cycle."""
    return [each for each in components(successors) if len(each) > 1 or each[0] in successors[each[0]]]


def components(successors: Successors) -> Iterator[list[int]]:
    """Every component before those that lead to it."""
    index, low, on_stack = [NONE] * len(successors), [NONE] * len(successors), [False] * len(successors)
    stack: list[int] = []
    count = 0
    for root in range(len(successors)):
        work = [(root, iter(successors[root]))] if index[root] == NONE else []
        while work:
            node, targets = work[-1]
            if index[node] == NONE:
                index[node] = low[node] = count
                count += 1
                stack.append(node)
                on_stack[node] = True
            fresh = next((target for target in targets if index[target] == NONE), None)
            if fresh is not None:
                work.append((fresh, iter(successors[fresh])))
                continue
            work.pop()
            low[node] = min([low[node], *(low[target] for target in successors[node] if on_stack[target])])
            if low[node] == index[node]:
                yield _cut(stack, node, on_stack)


def _cut(stack: list[int], node: int, on_stack: list[bool]) -> list[int]:
    place = len(stack) - 1
    while stack[place] != node:
        place -= 1
    component = stack[place:]
    del stack[place:]
    for each in component:
        on_stack[each] = False
    return component


def way_around(component: Sequence[int], successors: Successors) -> list[int]:
    """The shortest way from the lowest node of a component back to itself, that node at both ends."""
    start, inside = min(component), set(component)
    came_from: dict[int, int] = {}
    waiting = [start]
    for node in waiting:
        for target in successors[node]:
            if target == start:
                way = [start, node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if target in inside and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise ValueError("the component holds no cycle")
