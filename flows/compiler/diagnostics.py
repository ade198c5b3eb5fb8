"""What the compiler says about a flow: one finding at one place, in document order.

The codes, severities and messages are those of the table in the flow-graph contract; the messages that the table
gives literally are literal, the others say what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]
Order = tuple[int, list[tuple[int, int, str]]]

SECTIONS = (
    "id",
    "name",
    "version",
    "scaicore_target",
    "metadata",
    "nodes",
    "edges",
    "variables",
    "config",
    "tests",
)
"""The top-level keys in the order in which the contract shows them: the order of all findings, whatever the input's."""

CODES: dict[str, Severity] = {
    "bad_shape": "error",
    "unknown_port": "error",
    "unknown_node": "error",
    "no_entry": "error",
    "cycle": "error",
    "undeclared_role": "error",
    "while_without_limit": "error",
    "missing_plugin_arg": "error",
    "missing_config": "error",
    "bad_config": "error",
    "duplicate_id": "error",
    "missing_condition": "error",
    "no_models": "error",
    "duplicate_role": "error",
    "missing_scope": "error",
    "unstructured": "error",
    "too_large": "error",
    "unused_output": "warning",
    "unreachable": "warning",
    "unknown_reference": "warning",
    "unused_variable": "warning",
    "unused_model": "warning",
    "else_missing": "warning",
}
"""All that can be said, with how much it weighs. Errors block compile and deploy."""

_RANK = {section: rank for rank, section in enumerate(SECTIONS)}
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Diagnostic:
    """One finding. `path` is text like `nodes[2].config.goal`; the ids are None where none applies."""

    severity: Severity
    code: str
    message: str
    path: str
    node_id: str | None = None
    edge_id: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """The six fields as plain data, as the API answers them."""
        return asdict(self)


class CompileError(Exception):
    """The flow has errors. `diagnostics` holds everything found, warnings too, in document order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(found.message for found in self.diagnostics if found.severity == "error"))


class Report:
    """Collects findings from the passes; `sorted()` puts them into document order. Those of one place keep the order in
    which the passes made them.
    """

    def __init__(self) -> None:
        self._found: list[tuple[Order, Diagnostic]] = []

    def add(self, code: str, message: str, path: Path, *, node: str | None = None, edge: str | None = None) -> None:
        """`code` is one of CODES, which says how much the finding weighs."""
        self._found.append((document_order(path), Diagnostic(CODES[code], code, message, path_text(path), node, edge)))

    @property
    def has_errors(self) -> bool:
        return any(found.severity == "error" for _, found in self._found)

    @property
    def broken_nodes(self) -> set[str]:
        """The nodes with errors of their own."""
        return {found.node_id for _, found in self._found if found.severity == "error" and found.node_id}

    def has(self, code: str) -> bool:
        return any(found.code == code for _, found in self._found)

    def sorted(self) -> list[Diagnostic]:
        return [diagnostic for _, diagnostic in sorted(self._found, key=lambda entry: entry[0])]


def document_order(path: Path) -> Order:
    """Sort key of a place: its section, then list items by number and the keys of maps by name, as the canonical document
    has them. A place comes before what is in it, unknown sections come last."""
    rank = _RANK.get(str(path[0]), len(_RANK)) if path else -1
    return rank, [(0, part, "") if isinstance(part, int) else (1, 0, part) for part in path]


def path_text(path: Path) -> str:
    """`("nodes", 2, "config", "goal")` -> `nodes[2].config.goal`; keys that are no plain word are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def shown(value: Any, limit: int = 60) -> str:
    """A value for a message: its JSON, cut short. Never fails, also on what is not JSON."""
    text = json.dumps(value, default=str, skipkeys=True) if _is_scalar(value) else f"a {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
