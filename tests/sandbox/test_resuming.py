"""Suspending and resuming change nothing: whatever the program, each step is done once and the outcome is the same."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scaiflow.sandbox.runtime.interpreter import Outcome, execute
from scaiflow.sandbox.runtime.journal import Journal
from scaiflow.sandbox.runtime.services import LonelyHost, Services
from scaiflow.sandbox.runtime.standin.model import StandIn
from scaiflow.sandbox.runtime.verifier import load
from tests.sandbox.client import manifest, step

DECISION = {"decision": "yes"}
LEAVES = st.sampled_from(["call", "set", "ask", "ask"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["match", "foreach", "while", "parallel"]), st.lists(inner, max_size=3)),
    max_leaves=12,
)


class Counting:
    """Answers every call with a number of its own kind and counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def call(self, alias: str, method: str, args: dict[str, Any]) -> Any:
        self.calls += 1
        return DECISION if method == "decide" else {"seen": args["v"]}


def built(tree: Any, asking: bool, names: count[int]) -> dict[str, Any]:
    """A step of a tree; without `asking` a plugin that answers at once stands in the place of a checkpoint."""
    node_id = f"n{next(names)}"
    if isinstance(tree, tuple):
        kind, children = tree
        steps = [built(child, asking, names) for child in children]
        return step(node_id, **{kind: inner(kind, steps)})
    if tree == "ask" and asking:
        return step(node_id, checkpoint={"type": "approval"})
    if tree == "set":
        return step(node_id, set={"v": "v + 1"})
    method = "decide" if tree == "ask" else "go"
    return step(node_id, plugin_call={"alias": "p", "method": method, "args": {"v": "{{v}}"}})


def inner(kind: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "match": {"cases": [{"when": "v < 3", "steps": steps}], "else": []},
        "foreach": {"items": [1, 2], "steps": steps},
        "while": {"condition": "v < 4", "max_iterations": 2, "steps": steps},
        "parallel": {"branches": [{"steps": [one]} for one in steps]},
    }[kind]


def run(trees: list[Any], asking: bool) -> tuple[Outcome, Counting, LonelyHost]:
    """To the end: whenever the run waits, its journal goes through JSON as through a restart, and it is resumed."""
    names = count()
    steps = [built(tree, asking, names) for tree in trees]
    program = load(manifest(steps, plugins=("p",), variables=[{"name": "v", "type": "int"}]))
    plugins, host = Counting(), LonelyHost()
    outcome = execute(program, {}, Services(StandIn(), plugins, host))
    resumed = 0
    while outcome.status == "suspended":
        entries = json.loads(json.dumps(outcome.journal.entries))
        entries[host.checkpoints[resumed]["path"]] = DECISION
        resumed += 1
        outcome = execute(program, {}, Services(StandIn(), plugins, host), Journal(entries))
    return outcome, plugins, host


def has(tree: Any, kind: str) -> bool:
    return isinstance(tree, tuple) and (tree[0] == kind or any(has(child, kind) for child in tree[1]))


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=4).filter(lambda trees: not any(has(tree, "parallel") for tree in trees)))
def test_a_run_that_waits_ends_as_one_that_does_not(trees: list[Any]) -> None:
    waited, _, host = run(trees, asking=True)
    straight, _, _ = run(trees, asking=False)

    assert waited.output == straight.output
    assert len({checkpoint["path"] for checkpoint in host.checkpoints}) == len(host.checkpoints)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_every_step_is_entered_and_left_once_and_every_call_made_once(trees: list[Any]) -> None:
    outcome, plugins, host = run(trees, asking=True)

    entered = [payload["path"] for type, payload in host.events if type == "block.entered"]
    exited = [payload["path"] for type, payload in host.events if type == "block.exited"]
    calls = [payload for type, payload in host.events if type == "block.exited" and payload["block"] == "plugin_call"]
    assert outcome.status == "completed"
    assert len(set(entered)) == len(entered)
    assert sorted(entered) == sorted(exited)
    assert plugins.calls == len(calls)
