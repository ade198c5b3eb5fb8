"""Where the branches of parallels meet. All branches of a parallel run, so what two of them share has to be where they meet:
it would run twice otherwise. A branch that meets none of the others may end by itself."""

from __future__ import annotations

from flows.compiler.control import EXIT, Control, Way
from flows.compiler.document import Node


class Meetings:
    """Of the parallels of one flow, each looked for once."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._found: dict[str, tuple[str, str | None]] = {}

    def of(self, node: Node) -> str:
        """The node where a parallel's branches meet; EXIT where each ends by itself."""
        return self._looked_up(node)[0]

    def problem(self, node: Node) -> str | None:
        """What is wrong with a parallel of which some branches meet elsewhere. Speaks of nodes that come to no cycle."""
        shared = self._looked_up(node)[1]
        if shared is None:
            return None
        return (
            f"node '{node.id}': some of the branches share '{shared}' but not all meet there: let all meet in one node"
        )

    def _looked_up(self, node: Node) -> tuple[str, str | None]:
        if node.id not in self._found:
            ways = self._control.ways[node.id]
            join = self._control.join(node.id)
            if join == EXIT:
                join = self._partial(ways)
            self._found[node.id] = join, min(self._shared(ways, join), default=None)
        return self._found[node.id]

    def _partial(self, ways: list[Way]) -> str:
        """The join of those branches that meet at all."""
        shared = self._shared(ways, EXIT)
        meeting = {way.to for way in ways if not shared.isdisjoint(self._reach(way.to, EXIT))}
        chains = [self._joins_from(start) for start in sorted(meeting)]
        common = (each for each in chains[0] if all(each in other for other in chains)) if chains else iter(())
        return next(common, EXIT)

    def _joins_from(self, start: str) -> dict[str, None]:
        """`start` and the nodes that every way from it passes, nearest first."""
        found: dict[str, None] = {}
        while start != EXIT:
            found[start] = None
            start = self._control.join(start)
        return found

    def _shared(self, ways: list[Way], join: str) -> set[str]:
        """What more than one of the branches come to before the join."""
        seen: set[str] = set()
        shared: set[str] = set()
        for way in ways:
            branch = self._reach(way.to, join)
            shared |= seen & branch
            seen |= branch
        return shared

    def _reach(self, start: str, stop: str) -> set[str]:
        reached = {start} - {stop, EXIT}
        waiting = list(reached)
        while waiting:
            for way in self._control.ways[waiting.pop()]:
                if way.to not in reached and way.to not in (stop, EXIT):
                    reached.add(way.to)
                    waiting.append(way.to)
        return reached
