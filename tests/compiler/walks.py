"""The graph's own meaning, for tests: walked node by node as it is drawn, with joins found by trying, not by dominators.

A run starts behind the entry and stands on one node at a time. It takes the first way whose condition holds, else the else;
when none holds it goes on where all the ways meet, and where they cannot meet (one target, or none in common) its branch
ends: it goes on where the branches around it meet. A parallel walks its branches one after the other up to where they meet.
A loop walks its body until that comes back to the loop or to a dead end.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

END = None
LIMIT = 3_000


class Walk:
    """One run of a document on an input. `visits` are the nodes' ids in the order in which they ran."""

    def __init__(self, document: dict[str, Any], given: dict[str, Any]) -> None:
        self.kinds = {node["id"]: node["type"] for node in document["nodes"]}
        self.settings = {node["id"]: node.get("config", {}) for node in document["nodes"]}
        self.ways: dict[tuple[str, bool], list[dict[str, Any]]] = defaultdict(list)
        for edge in document["edges"]:
            if edge["type"] != "data":
                source = edge["source"]
                is_body = self.kinds[source["node"]] == "logic_loop" and source.get("port") == "out_body"
                self.ways[source["node"], is_body].append(edge)
        self.given = given
        self.visits: list[str] = []
        self.indexes: list[int] = []

    def run(self) -> list[str]:
        entry = next(node for node, kind in self.kinds.items() if kind.startswith("entry"))
        self.walk(self.leaving(entry), END, END)
        return self.visits

    def leaving(self, node: str, *, body: bool = False) -> list[dict[str, Any]]:
        return self.ways[node, body]

    def walk(self, ways: list[dict[str, Any]], stop: str | None, loop: str | None) -> None:
        """From where `ways` lead up to `stop`, inside the body of `loop`."""
        around: list[str] = []
        node = self.choose(ways, around, stop, loop)
        while node is not END and node != stop:
            while around and around[-1] == node:
                around.pop()
            self.visits.append(node)
            if len(self.visits) > LIMIT:
                raise OverflowError
            if self.kinds[node] == "logic_parallel":
                node = self.side_by_side(node, around, stop, loop)
                continue
            if self.kinds[node] == "logic_loop":
                self.repeat(node)
            node = self.choose(self.leaving(node), around, stop, loop)

    def choose(self, ways: list[dict[str, Any]], around: list[str], stop: str | None, loop: str | None) -> str | None:
        targets = {edge["target"]["node"] for edge in ways}
        conditions = [edge for edge in ways if edge.get("condition") not in (None, "else")]
        if not conditions:
            return self.inside(ways[0]["target"]["node"], loop) if ways else END
        otherwise = [edge for edge in ways if edge not in conditions]
        is_joined = bool(otherwise) or len(targets) > 1
        join = self.meeting(targets, loop) if is_joined else END
        outer = around[-1] if around else stop
        if join is not END:
            around.append(join)
        holding = [edge for edge in conditions if self.holds(edge["condition"])]
        if not holding and not otherwise:
            return outer if join is END else join
        return self.inside((holding or otherwise)[0]["target"]["node"], loop)

    def inside(self, node: str, loop: str | None) -> str | None:
        return END if node == loop else node

    def holds(self, condition: str) -> bool:
        """Conditions read `input.<name>[coalesce(index, 0) % 4]`."""
        bits = self.given[condition.partition(".")[2].partition("[")[0]]
        return bool(bits[(self.indexes[-1] if self.indexes else 0) % 4])

    def repeat(self, node: str) -> None:
        settings = self.settings[node]
        rounds = (
            self.given[settings["rounds"].partition(".")[2]]
            if settings.get("style") == "while"
            else len(self.given[settings["items"].partition(".")[2]])
        )
        for index in range(rounds):
            self.indexes.append(index)
            self.walk(self.leaving(node, body=True), END, node)
            self.indexes.pop()

    def side_by_side(self, node: str, around: list[str], stop: str | None, loop: str | None) -> str | None:
        starts = [edge["target"]["node"] for edge in self.leaving(node)]
        join = self.meeting(set(starts), loop)
        if join is END:
            reached = [self.reach({start}, loop) for start in starts]
            meeting = {
                start
                for place, start in enumerate(starts)
                if any(reached[place] & each for other, each in enumerate(reached) if other != place)
            }
            join = self.meeting(meeting, loop) if meeting else END
        outer = around[-1] if around else stop
        for edge in self.leaving(node):
            self.walk([edge], outer if join is END else join, loop)
        return outer if join is END else join

    def meeting(self, starts: set[str], loop: str | None) -> str | None:
        """The first node that every way from `starts` to an end passes: without it no end can be reached."""
        candidates = [node for node in self.reach(starts, loop) if not self.ends_without(node, starts, loop)]
        for node in candidates:
            before = self.reach(starts, loop, without=node)
            if not any(other in before for other in candidates if other != node):
                return node
        return END

    def ends_without(self, node: str, starts: set[str], loop: str | None) -> bool:
        if loop in starts:
            return True
        reached = self.reach(starts, loop, without=node)
        return any(
            not self.leaving(each) or any(edge["target"]["node"] == loop for edge in self.leaving(each))
            for each in reached
        )

    def reach(self, starts: set[str], loop: str | None, without: str | None = None) -> set[str]:
        reached = {start for start in starts if start not in (loop, without)}
        waiting = list(reached)
        while waiting:
            for edge in self.leaving(waiting.pop()):
                target = edge["target"]["node"]
                if target not in reached and target not in (loop, without):
                    reached.add(target)
                    waiting.append(target)
        return reached
