"""The order of the steps is the order of the graph: two interpreters, one of each, visit the same nodes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler import CompileError, compile_flow, validate
from scaiflow.sandbox.runtime.interpreter import execute
from scaiflow.sandbox.runtime.program import Program
from scaiflow.sandbox.runtime.services import Limits, LonelyHost, Services
from scaiflow.sandbox.runtime.standin.model import StandIn
from scaiflow.sandbox.runtime.verifier import load
from tests.compiler.graphs import Drawing
from tests.compiler.walks import Walk

ORDER = {"unstructured", "cycle", "missing_condition", "unknown_port", "no_entry"}


def visited(program: Program, given: dict[str, Any]) -> list[str]:
    """The nodes that the sandbox's runtime enters, in order."""
    host = LonelyHost()
    limits = Limits(steps=20_000, seconds=60)
    outcome = execute(program, given, Services(StandIn(), host=host, limits=limits))
    assert outcome.status == "completed", outcome.error
    entered = [payload["node_id"] for kind, payload in host.events if kind == "block.entered"]
    return [node_id for node_id in entered if node_id]


def compare(drawing: Drawing, seed: int) -> bool:
    """Whether the document compiles; if so, both interpreters agree on several inputs."""
    try:
        program = load(compile_flow(drawing.document).body.decode())
    except CompileError as error:
        codes = {found.code for found in error.diagnostics if found.severity == "error"}
        assert codes <= ORDER, codes
        return False
    for number in range(4):
        given = drawing.given(seed + number)
        try:
            expected = Walk(drawing.document, given).run()
        except OverflowError:
            continue  # a run of thousands of nodes; the next input is shorter
        assert visited(program, given) == expected
    return True


seeds = st.integers(0, 2**48)


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 3))
def test_what_is_drawn_with_care_runs_as_it_is_drawn(seed: int, entries: int) -> None:
    compare(Drawing(seed, entries=entries), seed)


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 3))
def test_what_is_spoiled_is_refused_or_runs_as_it_is_drawn(seed: int, times: int) -> None:
    drawing = Drawing(seed)
    drawing.spoil(times)
    compare(drawing, seed)


@pytest.mark.slow
def test_thousands_of_graphs_run_as_they_are_drawn_and_most_are_taken() -> None:
    taken = spoiled_taken = 0
    for seed in range(1500):
        taken += compare(Drawing(seed, size=8 + seed % 30, entries=1 + seed % 2), seed)
        drawing = Drawing(seed, size=6 + seed % 20)
        drawing.spoil(1 + seed % 4)
        spoiled_taken += compare(drawing, seed)
    assert taken > 1400
    assert spoiled_taken > 600


def lost_from(seed: int) -> Drawing:
    """A drawing to which no entry leads: every name is another, and an edge or two go astray."""
    drawing = Drawing(seed)
    names = {each["id"]: f"lost_{each['id']}" for each in drawing.nodes if each["type"] != "entry_api"}
    drawing.nodes = [{**each, "id": names[each["id"]]} for each in drawing.nodes if each["id"] in names]
    kept = [each for each in drawing.edges if each["source"]["node"] in names]
    drawing.names += 10_000
    drawing.edges = [
        {
            **each,
            "id": f"lost_{each['id']}",
            "source": {**each["source"], "node": names[each["source"]["node"]]},
            "target": {"node": names[each["target"]["node"]]},
        }
        for each in kept
    ]
    return drawing


@settings(max_examples=150, deadline=None)
@given(seeds, st.integers(0, 3))
def test_what_no_entry_leads_to_neither_helps_nor_hinders(seed: int, strays: int) -> None:
    drawing, lost = Drawing(seed), lost_from(seed + 1)
    if not lost.nodes:
        return
    for _ in range(strays):
        lost.edge(lost.rng.choice(lost.nodes)["id"], lost.rng.choice([*lost.nodes, *drawing.nodes[1:]])["id"], {})
    with_lost = {
        "name": "Drawn",
        "nodes": drawing.rng.sample([*drawing.nodes, *lost.nodes], len(drawing.nodes) + len(lost.nodes)),
        "edges": [*drawing.edges, *lost.edges],
    }
    codes = {found.code for found in validate(with_lost) if found.severity == "error"}
    alone = {found.code for found in validate(drawing.document) if found.severity == "error"}
    assert codes - {"cycle", "missing_condition"} == alone - {"cycle", "missing_condition"}
    if not codes:
        steps = [bare(compile_flow(each).body) for each in (with_lost, drawing.document)]
        assert steps[0] == steps[1]


def bare(manifest: bytes) -> Any:
    """The steps without the places of their nodes in the document."""
    steps = yaml.load(manifest, yaml.CSafeLoader)["core"]["flows"][0]["steps"]
    return json.loads(json.dumps(steps), object_hook=lambda each: {k: v for k, v in each.items() if k != "index"})
