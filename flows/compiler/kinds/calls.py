"""The shape that most kinds share: a node that is one call of one plugin method."""

from __future__ import annotations

from collections.abc import Callable

from flows.compiler.actions import Action, Call, given
from flows.compiler.kinds.kind import Settings, Step


def lower_to(alias: str, method: str) -> Callable[[Settings], Action]:
    """All settings are the call's arguments."""
    return lambda settings: Call(alias, method, given(settings))


def lift_from(alias: str, method: str) -> Callable[[Step], Settings | None]:
    def lift(step: Step) -> Settings | None:
        call = step.get("plugin_call")
        if not isinstance(call, dict) or (call.get("alias"), call.get("method")) != (alias, method):
            return None
        args = call.get("args")
        return dict(args) if isinstance(args, dict) else {}

    return lift
