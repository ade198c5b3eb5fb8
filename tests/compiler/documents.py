"""The documents that several tests go through: those of the golden cases, and the examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.compiler import CompileError, analyse, check_shape, compile_flow, import_manifest
from scaiflow.sandbox.runtime.verifier import load

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.json"))
DOCUMENTS: list[Any] = [json.loads(path.read_text())["document"] for path in CASES]
DOCUMENTS += [json.loads(path.read_text()) for path in EXAMPLES]


def compiles(document: Any) -> bool:
    try:
        compile_flow(document)
    except CompileError:
        return False
    return True


GOOD: list[dict[str, Any]] = [document for document in DOCUMENTS if compiles(document)]


def check(document: Any) -> None:
    """The document has diagnostics and nothing else; what compiles comes back as it was, and the runtime takes it."""
    check_shape(document)
    analysis = analyse(document)
    errors = [each for each in analysis.found if each.severity == "error"]
    try:
        body = compile_flow(document).body
    except CompileError as error:
        assert [each for each in error.diagnostics if each.severity == "error"] == errors != []
        return
    assert errors == []
    assert compile_flow(analysis, format="ir").body
    assert compile_flow(analysis, format="scai").body
    assert import_manifest(body).content == document
    load(body.decode())
