"""One plugin call with its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.expressions.values import text_of
from scaiflow.sandbox.state import Sandbox


@dataclass(frozen=True)
class Call:
    """`args` are rendered; `name` is `alias.method`, for messages."""

    sandbox: Sandbox
    tenant_id: str
    core_id: str
    execution_id: str
    name: str
    args: dict[str, Any]

    def text(self, name: str) -> str:
        """A required argument as text. Raises StepFailed when it came out as null."""
        value = self.args.get(name)
        if value is None:
            raise StepFailed(f"{self.name}: missing required arg '{name}'")
        return text_of(value)
