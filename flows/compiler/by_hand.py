"""A manifest that no canvas of ours made, as a flow: steps become nodes by the kinds' own `lift`, one under the other.

A step is named as it binds its result, so that what reads the result still does. Where the steps say of which nodes they
were made (`meta.node_id`, and `scaiflow_meta.edges`, as other ScaiFlows write it), nodes and edges are taken as they were.
What no kind stands for is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.compiler.actions import Map
from flows.compiler.kinds import KINDS
from flows.compiler.kinds.kind import Kind
from flows.compiler.kinds.logic import BODY_PORT, DONE_PORT

APART = 120
"""Pixels from one node to the next."""

SECTIONS = ("variables", "tests")
SETTINGS = ("publish_as_model", "model_visibility_group_ids")
NODE_PARTS = ("position", "inputs", "outputs")

End = tuple[str, str, Map]
"""A loose end: a node, the port that the next edge leaves it by, and what that edge carries."""


class HandWritten:
    """Reads one manifest. `unknown` are the steps that no kind stands for, in order."""

    def __init__(self, core: Map, flow: Map) -> None:
        self.core, self.flow = core, flow
        self.meta: Map = core["scaiflow_meta"] if isinstance(core.get("scaiflow_meta"), dict) else {}
        self.nodes: list[Map] = []
        self.edges: list[Map] = []
        self.unknown: list[Any] = []
        self._taken: set[str] = set()
        self._drawn = self._edges_of_nodes()

    def read(self) -> Map:
        """The document. Raises AttributeError, KeyError, TypeError or ValueError on parts of a wrong shape."""
        triggers = [self.flow.get("trigger"), *(self.flow.get("extra_triggers") or [])]
        added = [self._add(trigger, entry=True) for trigger in triggers if isinstance(trigger, dict)]
        self._chain(self.flow.get("steps") or [], [end for end in added if end])
        metadata = dict(self.meta.get("metadata") or {})
        document = {
            "name": str(self.core.get("name") or "Imported flow"),
            "metadata": {**metadata, "unknown_steps": self.unknown} if self.unknown else metadata,
            "nodes": self.nodes,
            "edges": self._drawn or self.edges,
            "config": self._config(),
            **{section: self.meta[section] for section in SECTIONS if self.meta.get(section)},
        }
        target = self.core.get("runtime_version")
        return document if target is None else {**document, "scaicore_target": str(target)}

    def _edges_of_nodes(self) -> list[Any]:
        """The edges that the manifest tells of, when all of them are between nodes that it tells of too."""
        edges = self.meta.get("edges") or []
        told = {str(meta.get("node_id")) for meta in metas_of(self.flow)}
        return edges if {edge[end]["node"] for edge in edges for end in ("source", "target")} <= told else []

    def _config(self) -> Map:
        config: Map = {"plugins": [dict(plugin) for plugin in self.core.get("plugins") or [] if "alias" in plugin]}
        identity: Map = {}
        if isinstance(told := self.core.get("identity"), dict) and told.get("persona"):
            identity["persona"] = str(told["persona"])
        if models := self._models():
            identity["models"] = models
        if identity:
            config["core_identity"] = identity
        if isinstance(self.core.get("scaiqueue"), dict):
            config["scaiqueue"] = self.core["scaiqueue"]
        for capability in self.core.get("capabilities") or []:
            if isinstance(capability, dict) and isinstance(capability.get("bunker"), dict):
                config["bunker"] = capability["bunker"]
            else:
                config.setdefault("capabilities", []).append(capability)
        return {**config, **{name: self.meta[name] for name in SETTINGS if name in self.meta}}

    def _models(self) -> list[Map]:
        declared = self.meta.get("models")
        if isinstance(declared, list) and declared:
            return declared
        ref, slash, model = str(self.core.get("model") or "").partition("/")
        return [{"role": "primary", "ref": ref, "model": model}] if slash else []

    def _chain(self, steps: Any, ends: list[End]) -> list[End]:
        """Adds the steps after `ends`; the loose ends of the last one."""
        is_breakpoint = False
        for step in steps if isinstance(steps, list) else []:
            if _is_breakpoint(step):
                is_breakpoint = True
                continue
            if self._drawn and isinstance(step, dict) and "match" in step and "meta" not in step:
                ends = self._cases(step["match"], "")  # the conditions behind a node: they stand on its edges
                continue
            added = self._add(step, entry=False)
            if added is None:
                continue
            if is_breakpoint:
                self.nodes[-1]["breakpoint"] = True
                is_breakpoint = False
            for source, port, more in ends:
                self._edge(source, port, added[0], more)
            ends = self._inside(step, added)
        return ends

    def _inside(self, step: Map, added: End) -> list[End]:
        node = added[0]
        if isinstance(match := step.get("match"), dict):
            return self._cases(match, node)
        if isinstance(parallel := step.get("parallel"), dict):
            ends: list[End] = []
            for number, branch in enumerate(parallel.get("branches") or []):
                ends += self._chain(branch.get("steps") or [], [(node, f"branch_{number}", {})])
            return ends
        loop = step.get("foreach") or step.get("while")
        if isinstance(loop, dict):
            for source, port, more in self._chain(loop.get("steps") or [], [(node, BODY_PORT, {})]):
                self._edge(source, port, node, more)
            return [(node, DONE_PORT, {})]
        return [added]

    def _cases(self, match: Map, node: str) -> list[End]:
        ends: list[End] = []
        for number, case in enumerate(match.get("cases") or []):
            more = {"type": "conditional", "condition": _condition(case.get("when"))}
            ends += self._chain(case.get("steps") or [], [(node, f"case_{number}", more)])
        return ends + self._chain(match.get("else") or [], [(node, "else", {})])

    def _add(self, step: Any, *, entry: bool) -> End | None:
        """The node of a step or trigger; None when no kind stands for it."""
        for kind in KINDS.values():
            config = kind.lift(step) if isinstance(step, dict) and kind.is_entry is entry else None
            if config is not None:
                return self._node(step, kind, config)
        self.unknown.append(step)
        return None

    def _node(self, step: Map, kind: Kind, config: Map) -> End:
        meta = step["meta"] if isinstance(step.get("meta"), dict) else {}
        if self._drawn and meta.get("node_id") in self._taken:
            return str(meta["node_id"]), kind.outputs[0].id, {}  # a copy of a shared tail
        node_id = self._free_id(meta.get("node_id") or step.get("bind"))
        if meta.get("node_kind") in KINDS and KINDS[meta["node_kind"]].step == kind.step:
            kind = KINDS[meta["node_kind"]]
        if isinstance(meta.get("node_config"), dict):
            config = meta["node_config"]
        self.nodes.append(
            {
                "id": node_id,
                "type": kind.name,
                "label": str(meta.get("node_label") or step.get("bind") or kind.name),
                "position": {"x": 0, "y": APART * len(self.nodes)},
                "config": config,
                **{part: meta[part] for part in NODE_PARTS if meta.get(part) and self._drawn},
            }
        )
        return node_id, kind.outputs[0].id, {}

    def _free_id(self, wanted: Any) -> str:
        number, node_id = len(self.nodes) + 1, str(wanted or "")
        while not node_id or node_id in self._taken:
            node_id, number = f"node_{number}", number + 1
        self._taken.add(node_id)
        return node_id

    def _edge(self, source: str, port: str, target: str, more: Map) -> None:
        ends = {"source": {"node": source, "port": port}, "target": {"node": target, "port": "in"}}
        self.edges.append({"id": f"edge_{len(self.edges) + 1}", "type": "sequential", **ends, **more})


def metas_of(flow: Map) -> Iterator[Map]:
    """The `meta` of every trigger and step, at whatever depth of lists. What a step holds besides is the flow's own data, in
    which a `meta` means nothing."""
    waiting = [flow.get("trigger"), flow.get("extra_triggers"), flow.get("steps")]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            if isinstance(each.get("meta"), dict):
                yield each["meta"]
            waiting += _lists_in(each)


def _lists_in(step: Map) -> Iterator[Any]:
    """The step lists of a step: of a `match`, a `parallel` and the loops."""
    for verb, parts in (("match", "cases"), ("parallel", "branches")):
        if isinstance(inner := step.get(verb), dict):
            named = inner.get(parts)
            yield from (
                (part.get("steps") for part in named if isinstance(part, dict)) if isinstance(named, list) else ()
            )
            yield inner.get("else")
    for verb in ("foreach", "while"):
        if isinstance(inner := step.get(verb), dict):
            yield inner.get("steps")


def _is_breakpoint(step: Any) -> bool:
    pause = step.get("checkpoint") if isinstance(step, dict) else None
    return isinstance(pause, dict) and pause.get("type") == "debug_breakpoint"


def _condition(when: Any) -> str:
    """A `when` that is no text is a literal: what it is as an expression."""
    return when if isinstance(when, str) else json.dumps(when, ensure_ascii=False)
