"""The documents that several tests go through: those of the golden cases, and the examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flows.compiler import CompileError, compile_flow

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
