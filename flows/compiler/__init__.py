"""The compiler: from a FlowGraph document to the manifest that is deployed. Pure: no database, no network, no clock.

`check_shape` for a save, `validate` for a person who draws, `compile_flow` for a deploy. The contract: docs/manifest.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from flows.compiler.checks import check
from flows.compiler.diagnostics import CompileError, Diagnostic, Report, Severity, has_errors
from flows.compiler.document import Flow, read_flow
from flows.compiler.emit_ir import TooLarge, as_ir
from flows.compiler.emit_scai import as_scai
from flows.compiler.graph import cycles, leaving, without_returns
from flows.compiler.importer import Imported, ManifestError, import_manifest
from flows.compiler.kinds import KINDS
from flows.compiler.manifest import manifest_of, slug_of
from flows.compiler.plain import canonical
from flows.compiler.references import check_references
from flows.compiler.schema import FLOW_SCHEMA, MAX_NODES
from flows.compiler.shape import ShapeError, check_shape, shape_errors
from flows.compiler.structure import Structurer, Unstructured
from flows.compiler.yaml_writer import as_yaml

Format = Literal["yaml", "ir", "scai"]
EMITTERS = {"ir": as_ir, "scai": as_scai}

__all__ = [
    "FLOW_SCHEMA",
    "KINDS",
    "MAX_NODES",
    "CompileError",
    "Compiled",
    "Diagnostic",
    "Format",
    "Imported",
    "ManifestError",
    "Severity",
    "ShapeError",
    "check_shape",
    "compile_flow",
    "import_manifest",
    "validate",
]


@dataclass(frozen=True)
class Compiled:
    """`digest` is the SHA-256 of the YAML manifest's bytes."""

    format: Format
    body: bytes
    slug: str
    digest: str
    warnings: tuple[Diagnostic, ...]


def validate(document: object) -> list[Diagnostic]:
    """All findings, in document order. Never raises, whatever the input."""
    return _analysed(document)[1]


def compile_flow(document: object, *, format: Format = "yaml") -> Compiled:
    """Raises CompileError with everything that was found."""
    flow, found = _analysed(document)
    if flow is None or has_errors(found):
        raise CompileError(found)
    try:
        manifest = manifest_of(flow, Structurer(flow, without_returns(flow, leaving(flow))))
        text = as_yaml(manifest)
        body = text if format == "yaml" else EMITTERS[format](manifest)
    except (Unstructured, TooLarge) as error:
        code = "unstructured" if isinstance(error, Unstructured) else "too_large"
        raise CompileError([*found, Diagnostic("error", code, str(error), "nodes")]) from None
    return Compiled(format, body, slug_of(flow.name), hashlib.sha256(text).hexdigest(), tuple(found))


def _analysed(document: object) -> tuple[Flow | None, list[Diagnostic]]:
    copy, problems = canonical(document)
    report = Report()
    if problems:
        for path, problem in problems:
            report.error("bad_shape", problem, path)
        return None, report.sorted()
    for error in shape_errors(copy):
        report.error("bad_shape", error.msg, error.loc)
    flow = read_flow(copy)
    check(flow, report)
    check_references(flow, report)
    _check_cycles(flow, report)
    return flow, report.sorted()


def _check_cycles(flow: Flow, report: Report) -> None:
    edges = without_returns(flow, leaving(flow))
    for way in cycles({node: [edge.target for edge in each] for node, each in edges.items()}):
        message = f"cycle detected: {' -> '.join(way)}"
        report.error("cycle", message, flow.by_id[way[0]].path, node=way[0])
