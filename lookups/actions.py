"""The names under which what was done to a Core stands in the audit log."""

from __future__ import annotations

from scaiflow.kit.audit import register

CORE_INVOKED = register("core.invoked")
CHECKPOINT_RESOLVED = register("checkpoint.resolved")
