"""The compiler: from a FlowGraph document to the manifest that is deployed. Pure: no database, no network, no clock.

`check_shape` for a save, `validate` for a person who draws, `compile_flow` for a deploy; who wants both of these
calls `analyse` once and hands its answer on. The contract: docs/manifest.md.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from flows.compiler.checks import check
from flows.compiler.control import Control
from flows.compiler.diagnostics import CompileError, Diagnostic, Report, Severity
from flows.compiler.document import read_flow
from flows.compiler.emit_ir import TooLarge, as_ir
from flows.compiler.emit_scai import as_scai
from flows.compiler.importer import Imported, ManifestError, import_manifest
from flows.compiler.kinds import KINDS, Kind
from flows.compiler.manifest import manifest_of, slug_of
from flows.compiler.meetings import Meetings
from flows.compiler.order import check_order
from flows.compiler.plain import canonical
from flows.compiler.references import check_references
from flows.compiler.schema import FLOW_SCHEMA, MAX_NODES
from flows.compiler.shape import ShapeError, check_shape, is_too_long, shape_errors
from flows.compiler.structure import Block, Structurer, Unstructured
from flows.compiler.yaml_writer import as_yaml

Format = Literal["yaml", "ir", "scai"]
EMITTERS = {"ir": as_ir, "scai": as_scai}

__all__ = [
    "FLOW_SCHEMA",
    "KINDS",
    "MAX_NODES",
    "Analysis",
    "CompileError",
    "Compiled",
    "Diagnostic",
    "Format",
    "Imported",
    "Kind",
    "ManifestError",
    "Severity",
    "ShapeError",
    "analyse",
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


@dataclass(frozen=True)
class Analysis:
    """What is known of a document before a manifest is written. `blocks` is None when the flow has errors; `found` holds all
    findings, in document order."""

    control: Control | None
    blocks: list[Block] | None
    found: list[Diagnostic]


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """What is made here lives until the end of the call, so looking through it again and again for garbage finds none: at
    4,000 nodes that took a sixth of the time. Whoever of several threads found collection on turns it on again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def validate(document: object) -> list[Diagnostic]:
    """All findings, in document order. Never raises, whatever the input."""
    return analyse(document).found


def compile_flow(document: object, *, format: Format = "yaml") -> Compiled:
    """Of a document, or of its Analysis where there is one already. Raises CompileError with everything that was found."""
    made = document if isinstance(document, Analysis) else analyse(document)
    if made.control is None or made.blocks is None:
        raise _refusal(made.found)
    try:
        with _nothing_to_collect():
            manifest = manifest_of(made.control, made.blocks)
            text = as_yaml(manifest)
            body = text if format == "yaml" else EMITTERS[format](manifest)
    except TooLarge as error:
        raise CompileError([*made.found, Diagnostic("error", "too_large", str(error), "nodes")]) from None
    name = made.control.flow.name
    return Compiled(format, body, slug_of(name), hashlib.sha256(text).hexdigest(), tuple(made.found))


def _refusal(found: list[Diagnostic]) -> CompileError:
    """A flow that does not compile is told why: a refusal without an error would be a bug of the compiler."""
    if all(each.severity != "error" for each in found):
        raise AssertionError("a flow without errors was not compiled")
    return CompileError(found)


def analyse(document: object) -> Analysis:
    """Never raises, whatever the input."""
    with _nothing_to_collect():
        return _analysed(document)


def _analysed(document: object) -> Analysis:
    copy, problems = canonical(document)
    report = Report()
    if problems:
        for path, problem in problems:
            report.add("bad_shape", problem, path)
        return Analysis(None, None, report.sorted())
    for error in shape_errors(copy):
        report.add("bad_shape", error.msg, error.loc)
    if is_too_long(copy):
        return Analysis(None, None, report.sorted())  # what it means is not asked of a document that nobody may save
    flow = read_flow(copy)
    check(flow, report)
    control = Control(flow)
    meetings = Meetings(control)
    check_order(control, meetings, report)
    check_references(control, report)
    blocks = _structured(control, meetings, report)
    return Analysis(control, None if report.has_errors else blocks, report.sorted())


def _structured(control: Control, meetings: Meetings, report: Report) -> list[Block] | None:
    """The blocks, also of a flow with errors of another sort; None when its order is what is wrong. Only how deep the lists
    nest and how many copies they need is found here: there is no telling before the order is right."""
    if not control.entries or not control.is_acyclic or report.has("unstructured"):
        return None
    try:
        return Structurer(control, meetings).flow()
    except Unstructured as error:
        node = error.node
        path = node.path if node else ("nodes",)
        report.add("unstructured", str(error), path, node=node.id if node else None)
        return None
