"""All plugins by alias and method, as one run sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scaiflow.sandbox.plugins import bunker, drive, http, queue, send
from scaiflow.sandbox.plugins.call import Call
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.state import Sandbox

_METHODS: dict[str, Callable[[Call], dict[str, Any]]] = {
    "scaidrive.search": drive.search,
    "scaidrive.read_file": drive.read_file,
    "scaidrive.write_file": drive.write_file,
    "scaidrive.list_files": drive.list_files,
    "scaisend.send": send.send,
    "scaiqueue.publish": queue.publish,
    "scaiqueue.escalate": queue.escalate,
    "scaibunker.create": bunker.create,
    "scaibunker.exec": bunker.execute,
    "scaibunker.write_file": bunker.write_file,
    "scaibunker.read_file": bunker.read_file,
    "scaibunker.destroy": bunker.destroy,
    "http.request": http.request,
}


@dataclass(frozen=True)
class RunPlugins:
    """The Plugins of one run."""

    sandbox: Sandbox
    tenant_id: str
    core_id: str
    execution_id: str

    def call(self, alias: str, method: str, args: dict[str, Any]) -> Any:
        name = f"{alias}.{method}"
        if name not in _METHODS:
            raise StepFailed(f"the sandbox has no plugin that answers {name}")
        try:
            return _METHODS[name](Call(self.sandbox, self.tenant_id, self.core_id, self.execution_id, name, args))
        except ValueError as error:
            # An address, a path or a text that cannot be used as one: the flow gave it, so its step fails.
            raise StepFailed(f"{name}: {error}") from error
