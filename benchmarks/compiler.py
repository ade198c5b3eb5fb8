"""How long the compiler takes: validate and compile to YAML, for flows of 100, 1,000 and 5,000 nodes of all kinds.

    python benchmarks/compiler.py            (no database, no network; also: make bench-compiler)

Prints milliseconds (median of several runs), the ratio of 4,000 to 1,000 nodes (CPU time, pair by pair), what share writing
the YAML takes, what PyYAML's dumper in C would take for it, and the schema check of 500 nodes. Ends with 1
when a target of the flow-graph contract is missed.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from flows.compiler import KINDS, analyse, check_shape, compile_flow
from flows.compiler.control import Control
from flows.compiler.document import read_flow
from flows.compiler.manifest import manifest_of
from flows.compiler.meetings import Meetings
from flows.compiler.plain import canonical
from flows.compiler.structure import Structurer
from flows.compiler.yaml_writer import as_yaml

SIZES = (100, 1_000, 4_000, 5_000)
RUNS = 9
MOST = {1_000: 150.0, 5_000: 1_000.0}
MOST_RATIO, MOST_SCHEMA = 5.0, 10.0

CONFIGS: dict[str, dict[str, Any]] = {
    "llm_rigid": {"template": "Dear {{customer.name}}, about your order {{input.order_id}}: {{total * 1.21}} EUR."},
    "llm_guarded": {
        "goal": "Answer the question in a friendly way, and only from the documents that were found.",
        "guard": "No promises about delivery times.",
        "output_schema": {"answer": "string", "confidence": "number"},
        "input_bindings": {"question": "input.message"},
    },
    "llm_flexible": {
        "goal": "Classify what the customer wants.",
        "llm_role": "fast",
        "guidance": "A refund is asked for when money is to come back.",
        "output_schema": {"intent": "enum[question, complaint, refund]", "confidence": "number"},
    },
    "tool_plugin": {"plugin": "scaidrive", "method": "search", "args": {"query": "{{input.message}}", "limit": 5}},
    "tool_http": {"url": "https://api.example.com/orders/{{input.order_id}}", "headers": {"Accept": "text/plain"}},
    "data_variable_set": {"assignments": {"total": "total + 1", "last": "upper(input.message)"}},
    "checkpoint": {"prompt": "Send {{total}} EUR?", "timeout": "24h"},
    "queue_publish": {"queue": "review", "payload": {"order": "{{input.order_id}}", "lines": ["{{total}}", 1e3]}},
    "queue_consume": {"queue": "review", "max_messages": 3},
    "hitl_review": {"queue": "review", "sections": ["context", "decision"], "assignee": "{{input.manager}}"},
    "hitl_decision": {"prompt": "Good enough?", "options": ["yes", "no"]},
    "queue_escalation": {"queue": "review", "reason": "Nobody answered"},
    "compute_exec": {"command": ["python", "-c", "print({{total}})"]},
    "compute_file_upload": {"path": "/tmp/in.csv", "content": "{{input.message}}"},
    "compute_file_download": {"path": "/tmp/out.csv"},
    "subflow_call": {"target": "core://acme/refund", "input_bindings": {"amount": "total"}},
}
PLAIN = [kind for kind in KINDS if not kind.startswith(("entry", "logic"))]


class Canvas:
    """A flow that goes on in bays of about twenty nodes: steps, a decision, a loop with a decision in it, a parallel."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        ends = [(self.add("entry_api", []), "out_request", None)]
        while len(self.nodes) < size:
            ends = self.bay(ends)
        self.cut()

    def cut(self) -> None:
        """To the very size: what is over is the end of the flow."""
        self.nodes = self.nodes[: self.size]
        kept = {node["id"] for node in self.nodes}
        self.edges = [edge for edge in self.edges if {edge["source"]["node"], edge["target"]["node"]} <= kept]

    def add(self, kind: str, ends: list[Any], **config: Any) -> str:
        number = len(self.nodes)
        node_id = f"node_{number}"
        self.nodes.append(
            {
                "id": node_id,
                "type": kind,
                "label": f"Step {number}: {kind.replace('_', ' ')}",
                "position": {"x": 240 * (number % 8), "y": 120 * (number // 8)},
                "config": config or CONFIGS.get(kind, {}),
            }
        )
        for source, port, condition in ends:
            edge = {
                "id": f"edge_{len(self.edges)}",
                "type": "conditional" if condition else "sequential",
                "source": {"node": source, "port": port},
                "target": {"node": node_id, "port": "in"},
            }
            self.edges.append(edge | ({"condition": condition} if condition else {}))
        return node_id

    def steps(self, ends: list[Any], count: int) -> list[Any]:
        for _ in range(count):
            ends = [(self.add(PLAIN[len(self.nodes) % len(PLAIN)], ends), "out", None)]
        return ends

    def decision(self, ends: list[Any]) -> list[Any]:
        here = self.add("logic_decision", ends)
        cases = [(f"out_{number}", f"total > {number} and confidence >= 0.7") for number in range(2)]
        return [end for port, when in [*cases, ("out_else", None)] for end in self.steps([(here, port, when)], 2)]

    def bay(self, ends: list[Any]) -> list[Any]:
        ends = self.decision(self.steps(ends, 3))
        items = {"items": "input.lines", "item_var": "line"}
        limited = {"style": "while", "condition": "total < 100", "max_iterations": 10}
        loop = self.add("logic_loop", ends, **(items if len(self.nodes) % 2 else limited))
        back = self.steps(self.decision(self.steps([(loop, "out_body", None)], 1)), 1)
        for source, port, _ in back:
            self.edges.append(
                {
                    "id": f"edge_{len(self.edges)}",
                    "type": "sequential",
                    "source": {"node": source, "port": port},
                    "target": {"node": loop, "port": "in"},
                }
            )
        fork = self.add("logic_parallel", [(loop, "out_done", None)])
        return [end for branch in range(3) for end in self.steps([(fork, f"out_{branch}", None)], 2)]

    @property
    def document(self) -> dict[str, Any]:
        models = [{"role": role, "ref": "scaigrid", "model": "openai/gpt-4o"} for role in ("primary", "fast")]
        return {
            "id": "flow_bench",
            "name": "Bench",
            "version": "1.0.0",
            "nodes": self.nodes,
            "edges": self.edges,
            "variables": [{"name": "total", "type": "int", "default": 0}, {"name": "last", "type": "string"}],
            "config": {
                "core_identity": {"models": models},
                "scaiqueue": {"scope": "support", "queues": [{"slug": "review"}]},
            },
        }


def milliseconds(work: Callable[[], object]) -> float:
    """The median of RUNS runs, behind one that warms up. Garbage is collected between the runs, not in them."""
    work()
    times = []
    for _ in range(RUNS):
        gc.collect()
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def manifest_for(document: Any) -> Any:
    control = Control(read_flow(canonical(document)[0]))
    return manifest_of(control, Structurer(control, Meetings(control)).flow())


def writing(document: Any) -> float:
    """The part of it that writes the YAML."""
    manifest = manifest_for(document)
    return milliseconds(lambda: as_yaml(manifest))


def dumping(document: Any) -> float:
    """What PyYAML's dumper in C takes for the same manifest."""
    manifest = manifest_for(document)
    return milliseconds(lambda: yaml.dump(manifest, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True))


def growth() -> float:
    """4,000 nodes to 1,000, the median of pairs. The two are run in turn and their CPU time is taken, so that what else the
    machine does at one moment does not stand in the ratio."""
    small, large = Canvas(1_000).document, Canvas(4_000).document
    return statistics.median(cpu_seconds(large) / cpu_seconds(small) for _ in range(RUNS))


def cpu_seconds(document: Any) -> float:
    gc.collect()
    started = time.process_time()
    validate_and_compile(document)
    return time.process_time() - started


def validate_and_compile(document: Any) -> None:
    """All findings, and the YAML."""
    analysis = analyse(document)
    if any(found.severity == "error" for found in analysis.found):
        raise SystemExit("the flow of the benchmark has errors")
    compile_flow(analysis)


def main() -> None:
    missed = []
    times = {}
    for size in SIZES:
        document = Canvas(size).document
        times[size] = milliseconds(lambda document=document: validate_and_compile(document))  # type: ignore[misc]
        analysis = analyse(document)
        compiling = milliseconds(lambda analysis=analysis: compile_flow(analysis))  # type: ignore[misc]
        share = writing(document) / times[size]
        print(
            f"{size:>5} nodes, {len(document['edges']):>5} edges: validate + compile {times[size]:7.1f} ms, "
            f"of which {compiling:6.1f} ms behind the analysis; {share:.0%} is YAML writing"
        )
        missed += [f"{size} nodes"] if times[size] >= MOST.get(size, float("inf")) else []
    ratio = growth()
    schema = Canvas(500).document
    checking = milliseconds(lambda: check_shape(schema))
    print(
        f"4,000 / 1,000 nodes, CPU time: {ratio:.2f}; schema check of 500 nodes: {checking:.2f} ms (medians of {RUNS} runs)"
    )
    ours, theirs = writing(Canvas(1_000).document), dumping(Canvas(1_000).document)
    print(
        f"YAML of 1,000 nodes: {ours:.1f} ms, PyYAML's dumper in C {theirs:.1f} ms: {theirs / ours:.1f} times as long"
    )
    missed += ["slower than the dumper in C"] if ours > theirs else []
    missed += ["ratio"] if ratio >= MOST_RATIO else []
    missed += ["schema"] if checking >= MOST_SCHEMA else []
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
