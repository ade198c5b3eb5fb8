"""Long, wide and deep documents, and those that were drawn to be slow: answered, in time, and without recursion."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from flows.compiler import CompileError, compile_flow, import_manifest, validate
from flows.compiler.structure import MAX_DEPTH, MAX_GROWTH
from scaiflow.sandbox.runtime.verifier import load
from tests.drawings import node

MOST = 5_000
SECONDS = 60
"""Far more than any of these takes on a machine that is busy with other things, and far less than a quadratic one would."""


def edge(source: str, target: str, condition: str | None = None, port: str | None = None) -> dict[str, Any]:
    ends: dict[str, Any] = {"source": {"node": source}, "target": {"node": target}}
    if port:
        ends["source"]["port"] = port
    more = {"condition": condition} if condition else {}
    return {"id": f"{source}>{target}>{condition}", "type": "sequential", **ends, **more}


def flow(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "Large", "nodes": [node("e", "entry_api"), *nodes], "edges": edges}


def rigid(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [node(f"n{number}", "llm_rigid", template="x") for number in range(start, start + count)]


def chain() -> dict[str, Any]:
    nodes = rigid(MOST - 1)
    ids = ["e", *(each["id"] for each in nodes)]
    return flow(nodes, [edge(*pair) for pair in zip(ids, ids[1:], strict=False)])


def wide_decision() -> dict[str, Any]:
    nodes = [node("d", "logic_decision"), *rigid(MOST - 3), node("join", "llm_rigid", template="x")]
    cases = [edge("d", f"n{number}", f"n == {number}") for number in range(MOST - 3)]
    return flow(nodes, [edge("e", "d"), *cases, *(edge(f"n{number}", "join") for number in range(MOST - 3))])


def wide_parallel() -> dict[str, Any]:
    nodes = [node("p", "logic_parallel"), *rigid(MOST - 2)]
    return flow(nodes, [edge("e", "p"), *(edge("p", f"n{number}") for number in range(MOST - 2))])


def bypasses() -> dict[str, Any]:
    """A chain of decisions each of which may go to the one join far behind: a join with thousands of ways into it."""
    half = MOST // 2 - 2
    nodes = [
        *(node(f"d{number}", "logic_decision") for number in range(half)),
        *rigid(half),
        node("join", "llm_rigid", template="x"),
    ]
    edges = [edge("e", "d0")]
    for number in range(half):
        behind = f"d{number + 1}" if number + 1 < half else "join"
        edges += [
            edge(f"d{number}", f"n{number}", f"n > {number}"),
            edge(f"d{number}", behind),
            edge(f"n{number}", behind),
        ]
    return flow(nodes, edges)


def many_loops() -> dict[str, Any]:
    half = MOST // 2 - 1
    nodes = [*(node(f"l{number}", "logic_loop", items="rows") for number in range(half)), *rigid(half)]
    edges = [edge("e", "l0")]
    for number in range(half):
        edges += [edge(f"l{number}", f"n{number}", port="out_body"), edge(f"n{number}", f"l{number}")]
        edges += [edge(f"l{number}", f"l{number + 1}", port="out_done")] if number + 1 < half else []
    return flow(nodes, edges)


SLOWER = [pytest.param(each, marks=pytest.mark.slow) for each in (wide_parallel, bypasses, many_loops)]


@pytest.mark.parametrize("draw", [chain, wide_decision, *SLOWER])
def test_a_flow_of_five_thousand_nodes_compiles(draw: Callable[[], dict[str, Any]]) -> None:
    document = draw()
    assert MOST - 4 < len(document["nodes"]) <= MOST
    started = time.perf_counter()
    body = compile_flow(document).body
    assert time.perf_counter() - started < SECONDS
    assert body.count(b"\n") > MOST


def nested(depth: int) -> dict[str, Any]:
    """Loops in parallels in decisions in loops."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    last, port, condition = "e", None, None
    for level in range(depth):
        kind = ("logic_decision", "logic_loop", "logic_parallel")[level % 3]
        nodes.append(node(f"k{level}", kind, **({"items": "rows"} if kind == "logic_loop" else {})))
        if kind == "logic_parallel":
            nodes.append(node(f"s{level}", "llm_rigid", template="x"))
            edges.append(edge(f"k{level}", f"s{level}"))
        edges.append(edge(last, f"k{level}", condition, port))
        last, port = f"k{level}", "out_body" if kind == "logic_loop" else None
        condition = "n > 1" if kind == "logic_decision" else None
    nodes.append(node("end", "llm_rigid", template="x"))
    return flow(nodes, [*edges, edge(last, "end", condition, port)])


def test_the_deepest_flow_that_compiles_can_be_run_and_imported() -> None:
    document = nested(MAX_DEPTH)
    made = {format: compile_flow(document, format=format).body for format in ("yaml", "ir", "scai")}  # type: ignore[arg-type]
    assert all(made.values())
    assert load(made["yaml"].decode()).steps
    assert import_manifest(made["yaml"]).content == document


def test_it_takes_little_of_the_stack() -> None:
    """A web server has used some of it already when the compiler is called."""
    document, before = nested(MAX_DEPTH), sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 600)
    try:
        for format in ("yaml", "ir", "scai"):
            compile_flow(document, format=format)  # type: ignore[arg-type]
    finally:
        sys.setrecursionlimit(before)


def len_of_stack() -> int:
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    return depth


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, pytest.param(MOST * 3 // 4 - 2, marks=pytest.mark.slow)])
def test_a_deeper_one_is_refused_in_words(depth: int) -> None:
    found = [each for each in validate(nested(depth)) if each.severity == "error"]
    assert [each.code for each in found] == ["unstructured"]
    assert "deeper" in found[0].message


def knot(size: int) -> dict[str, Any]:
    """Every node leads to every other one within reach, loops too: cycles without number."""
    nodes = [node(f"l{number}", "logic_loop", items="rows") for number in range(size)]
    edges = [edge("e", "l0")]
    for number in range(size):
        for step in (1, 2, 3, 5, 8):
            port = "out_body" if step % 2 else "out_done"
            edges.append(edge(f"l{number}", f"l{(number + step * 37) % size}", port=port))
    return flow(nodes, edges)


def grid(size: int) -> dict[str, Any]:
    """Two decisions in a row, each leading to both of the next row: 2^size ways, none of which meet."""
    nodes = [node(f"{side}{row}", "logic_decision") for row in range(size) for side in "ab"]
    edges = [edge("e", "a0", "n > 0"), edge("e", "b0")]
    for row in range(size - 1):
        for side in "ab":
            edges += [edge(f"{side}{row}", f"a{row + 1}", "n > 0"), edge(f"{side}{row}", f"b{row + 1}")]
    return flow(nodes, edges)


@pytest.mark.slow
@pytest.mark.parametrize("document", [knot(1_000), grid(50), grid(2_000)], ids=["knot", "grid", "long grid"])
def test_a_flow_that_was_drawn_to_be_slow_is_refused_in_time(document: dict[str, Any]) -> None:
    started = time.perf_counter()
    assert {each.code for each in validate(document) if each.severity == "error"} <= {"unstructured", "cycle"}
    assert time.perf_counter() - started < SECONDS


def test_copies_stay_within_four_times_the_nodes() -> None:
    for rows in range(1, 12):
        document = grid(rows)
        try:
            body = compile_flow(document).body
        except CompileError as error:
            assert {each.code for each in error.diagnostics if each.severity == "error"} == {"unstructured"}
            assert rows > 3
        else:
            assert steps_in(yaml.load(body, yaml.CSafeLoader)["core"]["flows"]) <= MAX_GROWTH * len(document["nodes"])


def steps_in(value: Any) -> int:
    if isinstance(value, list):
        return sum(steps_in(each) for each in value)
    if isinstance(value, dict):
        return ("bind" in value and "type" not in value) + sum(
            steps_in(each) for key, each in value.items() if key != "meta"
        )
    return 0


def test_bottomless_json_is_refused_in_words() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    for document in (deep, {"name": "x", "nodes": [], "edges": [], "metadata": deep}):
        assert [each.code for each in validate(document)] == ["bad_shape"]
    while deep:
        deep = deep.pop("a")  # else its end would be one long recursion
