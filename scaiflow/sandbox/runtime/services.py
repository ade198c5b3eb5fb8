"""What a run is handed by whoever runs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.program import Program


@dataclass(frozen=True)
class Turn:
    """One model turn with all names resolved. `schema` is empty for a free answer (`{"text": ...}`)."""

    goal: str
    role: str
    model: dict[str, Any]
    persona: str
    input: Any
    bindings: dict[str, Any]
    context: dict[str, Any]
    schema: dict[str, Any]
    guidance: str = ""
    examples: tuple[Any, ...] = ()
    guarded: bool = False


class Plugins(Protocol):
    """Answers plugin calls. Raises StepFailed when the plugin cannot."""

    def call(self, alias: str, method: str, args: dict[str, Any]) -> Any: ...


class Model(Protocol):
    """Answers model turns with an object. Raises StepFailed when it cannot."""

    def answer(self, turn: Turn) -> dict[str, Any]: ...


class Host(Protocol):
    """The rest of the world: queues, checkpoints, other Cores, events."""

    def emit(self, type: str, payload: dict[str, Any]) -> None:
        """A runtime event; `type` is the last part: `block.entered`."""

    def consume(self, scope: str, queue: str, limit: int) -> list[Any]:
        """Take up to `limit` messages off a queue."""

    def open_checkpoint(self, path: str, checkpoint: dict[str, Any]) -> str:
        """Keep a pending checkpoint for this place of the run; returns its id."""

    def manifest(self, target: str, version: str | None) -> str:
        """What the Core behind `core://...` runs now. Raises StepFailed when there is none."""

    def inside(self, target: str, manifest: str) -> tuple[Program, Host]:
        """That Core's program, and the world as seen from it. Raises StepFailed when there is no such Core any more."""

    def start(self, target: str, version: str | None, input: dict[str, Any]) -> str:
        """Run a Core on its own, beside this run; returns the execution's id."""


class LonelyHost:
    """A world without queues and other Cores: keeps the events and numbers the checkpoints."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.checkpoints: list[dict[str, Any]] = []

    def emit(self, type: str, payload: dict[str, Any]) -> None:
        self.events.append((type, payload))

    def consume(self, scope: str, queue: str, limit: int) -> list[Any]:
        return []

    def open_checkpoint(self, path: str, checkpoint: dict[str, Any]) -> str:
        self.checkpoints.append({**checkpoint, "id": f"chk_{len(self.checkpoints) + 1}", "path": path})
        return str(self.checkpoints[-1]["id"])

    def manifest(self, target: str, version: str | None) -> str:
        raise StepFailed(f"there is no Core at {target}")

    def inside(self, target: str, manifest: str) -> tuple[Program, Host]:
        raise StepFailed(f"there is no Core at {target}")

    def start(self, target: str, version: str | None, input: dict[str, Any]) -> str:
        raise StepFailed(f"there is no Core at {target}")


class NoPlugins:
    """Answers no call at all."""

    def call(self, alias: str, method: str, args: dict[str, Any]) -> Any:
        raise StepFailed(f"no plugin answers {alias}.{method}")


@dataclass
class Limits:
    """The most that one run may use; `clock` is monotonic, in seconds."""

    steps: int = 10_000
    seconds: float = 60.0
    depth: int = 8
    clock: Callable[[], float] = time.monotonic


@dataclass
class Services:
    """Everything together."""

    model: Model
    plugins: Plugins = field(default_factory=NoPlugins)
    host: Host = field(default_factory=LonelyHost)
    limits: Limits = field(default_factory=Limits)
