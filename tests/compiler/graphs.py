"""Random documents for tests: drawn as people draw, out of sequences, decisions, loops and parallels, and then spoiled."""

from __future__ import annotations

import copy
import random
from typing import Any

from tests.drawings import node

Open = tuple[str, dict[str, Any]]
"""A loose end: a node and what the edge that leaves it there carries (port, condition)."""


class Drawing:
    """A random document. `size` bounds the number of nodes about."""

    def __init__(self, seed: int, size: int = 14, entries: int = 1) -> None:
        self.rng = random.Random(seed)
        self.left = size
        self.nodes = [node(f"e{number}", "entry_api") for number in range(entries)]
        self.edges: list[dict[str, Any]] = []
        self.names = 0
        self.sequence([(each["id"], {}) for each in self.nodes], depth=0)

    @property
    def document(self) -> dict[str, Any]:
        return {"name": "Drawn", "nodes": self.nodes, "edges": self.edges}

    def given(self, seed: int) -> dict[str, Any]:
        """An input that answers every condition and every loop."""
        rng = random.Random(seed)
        names = range(self.names)
        return (
            {f"c{number}": [rng.random() < 0.5 for _ in range(4)] for number in names}
            | {f"w{number}": rng.randint(0, 3) for number in names}
            | {f"l{number}": list(range(rng.randint(0, 3))) for number in names}
        )

    def name(self) -> int:
        self.names += 1
        return self.names - 1

    def add(self, kind: str, ends: list[Open], /, **config: Any) -> str:
        node_id = f"n{len(self.nodes)}"
        self.left -= 1
        self.nodes.append(node(node_id, kind, **config))
        self.join(ends, node_id)
        return node_id

    def join(self, ends: list[Open], target: str) -> None:
        for source, more in ends:
            self.edge(source, target, more)

    def edge(self, source: str, target: str, more: dict[str, Any]) -> None:
        ports = {"port": more["port"]} if "port" in more else {}
        condition = {"condition": more["condition"]} if "condition" in more else {}
        ends = {"source": {"node": source, **ports}, "target": {"node": target}}
        self.edges.append({"id": f"x{self.name()}", "type": "sequential", **ends, **condition})

    def sequence(self, ends: list[Open], depth: int) -> list[Open]:
        for _ in range(self.rng.randint(1, 4)):
            if self.left <= 0 or not ends:
                break
            ends = (
                self.rng.choice([self.step, self.step, self.decision, self.decision, self.loop, self.parallel])(
                    ends, depth + 1
                )
                if depth < 5
                else self.step(ends, depth)
            )
        return ends

    def step(self, ends: list[Open], depth: int) -> list[Open]:
        return [(self.add("llm_rigid", ends, template="x"), {})]

    def condition(self) -> str:
        return f"input.c{self.name()}[coalesce(index, 0) % 4]"

    def decision(self, ends: list[Open], depth: int) -> list[Open]:
        here = self.add(self.rng.choice(["logic_decision", "logic_decision", "llm_rigid"]), ends, template="x")
        if self.nodes[-1]["type"] == "logic_decision":
            self.nodes[-1]["config"] = {}
        starts: list[Open] = [(here, {"condition": self.condition()}) for _ in range(self.rng.randint(1, 3))]
        if self.rng.random() < 0.7:
            starts.insert(self.rng.randint(0, len(starts)), (here, self.rng.choice([{}, {"condition": "else"}])))
        return [end for start in starts for end in self.branch([start], depth)]

    def branch(self, ends: list[Open], depth: int) -> list[Open]:
        """Leads to the join at once, through some steps, or to an early end."""
        chance = self.rng.random()
        if chance < 0.2:
            return ends
        inner = self.sequence(ends, depth)
        return [] if chance > 0.85 else inner

    def loop(self, ends: list[Open], depth: int) -> list[Open]:
        number = self.name()
        config = self.rng.choice(
            [
                {"style": "foreach", "items": f"input.l{number}"},
                {"style": "while", "condition": f"index < input.w{number}", "max_iterations": 9},
            ]
        )
        here = self.add("logic_loop", ends, **config)
        if config["style"] == "while":
            self.nodes[-1]["config"]["rounds"] = f"input.w{number}"
        back = self.sequence([(here, {"port": "out_body"})], depth)
        if self.rng.random() < 0.7:
            self.join(back, here)
        return [(here, {"port": "out_done"})]

    def parallel(self, ends: list[Open], depth: int) -> list[Open]:
        here = self.add("logic_parallel", ends)
        found: list[Open] = []
        for _ in range(self.rng.randint(2, 3)):
            inner = self.sequence([(here, {})], depth)
            is_whole = len({source for source, _ in inner}) == 1 or self.rng.random() < 0.5
            found += inner if is_whole and self.rng.random() < 0.8 else []
        return found

    def spoil(self, times: int) -> None:
        """Edges bent, added, doubled, taken away and put into another order, as no careful person draws."""
        for _ in range(times):
            one, other = self.rng.choice(self.nodes)["id"], self.rng.choice(self.nodes)["id"]
            victim = self.rng.choice(self.edges)
            match self.rng.randint(0, 6):
                case 0:
                    victim["target"]["node"] = one
                case 1:
                    victim["source"]["node"] = one
                case 2:
                    self.edge(one, other, self.rng.choice([{}, {"condition": self.condition()}]))
                case 3 if len(self.edges) > 1:
                    self.edges.remove(victim)
                case 4:
                    self.edges.append({**copy.deepcopy(victim), "id": f"x{self.name()}"})
                case 5:
                    victim["condition"] = self.condition()
                case _:
                    self.rng.shuffle(self.edges)
