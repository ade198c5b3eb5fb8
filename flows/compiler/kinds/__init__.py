"""The table of the 24 kinds. A new kind is one entry in one of these modules."""

from __future__ import annotations

from flows.compiler.kinds import compute, entries, llm, logic, queues, tools
from flows.compiler.kinds.kind import Kind, Port

KINDS: dict[str, Kind] = {
    kind.name: kind for module in (entries, llm, logic, tools, queues, compute) for kind in module.KINDS
}

__all__ = ["KINDS", "Kind", "Port"]
