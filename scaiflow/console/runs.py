"""Runs made out of a Core's events: what was entered and left, when, and where it stands. Pure.

An event is `{id, type, timestamp, payload}`; of the payload nothing is taken for granted, because any Core may send more or
less than the built-in ones do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PREFIX = "scaicore.runtime."
WAITS = {"checkpoint", "await_responses", "core_call"}
CONTINUED = "continued"
MARK = {"running": "running", "done": "done", "failed": "failed", "waiting": "waiting", CONTINUED: "running"}
Event = Mapping[str, Any]


@dataclass
class Block:
    """One step of a run. `depth` says inside of how many others it stands."""

    path: str
    node_id: str
    label: str
    kind: str
    depth: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    state: str = "running"
    result: Any = None
    error: str = ""

    @property
    def milliseconds(self) -> float | None:
        return _between(self.started_at, self.ended_at)


@dataclass
class Run:
    """`state` is running, waiting (for a person or a message), completed or failed; or continued, in newer events than the
    ones that were looked at."""

    id: str
    state: str = "running"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_at: datetime | None = None
    trigger: str = ""
    input: Any = None
    output: Any = None
    error: str = ""
    blocks: dict[str, Block] = field(default_factory=dict)
    others: list[Event] = field(default_factory=list)

    @property
    def milliseconds(self) -> float | None:
        return _between(self.started_at, self.ended_at)

    @property
    def timeline(self) -> list[tuple[Block, float, float]]:
        """Blocks with their begin and length in thousandths of the whole run."""
        moments = [one.started_at for one in self.blocks.values() if one.started_at]
        first = self.started_at or min(moments, default=None)
        last = self.ended_at or self.last_at
        whole = _between(first, last) or 1.0
        return [(one, *_span(one, first, last, whole)) for one in self.blocks.values()]

    @property
    def marks(self) -> dict[str, str]:
        """What a drawing shows, by node id. The inner steps come later and say more."""
        return {block.node_id: MARK[block.state] for block in self.blocks.values() if block.node_id}


@dataclass(frozen=True)
class Stretch:
    """A page of a Core's events, and what they tell of: `number` of them, from `first_at` to `last_at`. The page behind it
    has older ones, or newer ones where ScaiCore tells the oldest first."""

    runs: list[Run]
    number: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    is_oldest_first: bool = False


def stretch_of(events: Iterable[Event], *, has_before: bool, has_behind: bool) -> Stretch:
    """Whether there are pages before this one and behind it says where runs may be cut in two."""
    told = list(events)
    oldest_first = bool(told) and _moment_key(told[0]) < _moment_key(told[-1])
    ordered = in_order(told)
    moments = [moment for event in ordered if (moment := moment_of(event))]
    first, last = (moments[0], moments[-1]) if moments else (None, None)
    runs = runs_of(ordered, is_past=has_behind if oldest_first else has_before)
    return Stretch(runs, len(ordered), first, last, oldest_first)


def runs_of(events: Iterable[Event], *, is_past: bool = False) -> list[Run]:
    """The runs that the events tell of, the one that began last first, whatever the order of the events."""
    runs: dict[str, Run] = {}
    for event in in_order(events):
        payload = _payload(event)
        run_id = str(payload.get("execution_id") or event.get("execution_id") or "")
        _apply(runs.setdefault(run_id, Run(run_id)), event, payload)
    for run in runs.values():
        _settle(run, is_past=is_past)
    return list(reversed(runs.values()))


def in_order(events: Iterable[Event]) -> list[Event]:
    """Oldest first. ScaiCore tells the newest first; of two with one timestamp only that says which came before."""
    told = list(events)
    if told and _moment_key(told[0]) >= _moment_key(told[-1]):
        told.reverse()
    return sorted(told, key=_moment_key)


def failures_first(runs: list[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.state != "failed")


def moment_of(event: Event) -> datetime | None:
    told = event.get("timestamp")
    try:
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told).astimezone()
        found = datetime.fromisoformat(str(told))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else None


def _moment_key(event: Event) -> float:
    moment = moment_of(event)
    return moment.timestamp() if moment else 0.0


def _payload(event: Event) -> dict[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, dict) else {}


def _apply(run: Run, event: Event, payload: dict[str, Any]) -> None:
    what = str(event.get("type", "")).removeprefix(PREFIX)
    at = moment_of(event)
    run.last_at = at or run.last_at
    subject, _, verb = what.partition(".")
    if subject == "invocation":
        _tell_run(run, verb, at, payload)
    elif subject == "block":
        _tell_block(run, verb, at, payload)
    else:
        run.others.append(event)


def _tell_run(run: Run, verb: str, at: datetime | None, payload: dict[str, Any]) -> None:
    if verb == "started":
        run.started_at, run.input, run.trigger = at, payload.get("input"), str(payload.get("trigger") or "")
    if verb in {"completed", "failed"}:
        run.state, run.ended_at = verb, at
        run.output, run.error = payload.get("output"), str(payload.get("error") or "")


def _tell_block(run: Run, verb: str, at: datetime | None, payload: dict[str, Any]) -> None:
    path = str(payload.get("path") or payload.get("node_id") or payload.get("block") or "step")
    block = run.blocks.get(path)
    if block is None:
        label = str(payload.get("node_label") or payload.get("node_id") or payload.get("block") or path)
        kind = str(payload.get("block") or payload.get("node_kind") or "")
        block = run.blocks[path] = Block(path, str(payload.get("node_id") or ""), label, kind, path.count("]") - 1)
    if verb == "entered":
        block.started_at = at
    elif verb == "exited":
        block.state, block.ended_at, block.result = "done", at, payload.get("result")
    elif verb == "failed":
        block.state, block.ended_at, block.error = "failed", at, str(payload.get("error") or "")


def _settle(run: Run, *, is_past: bool) -> None:
    """A run in which a step waits for somebody is not running, it waits, and so do the steps around that one. Of what had
    not ended yet when the events of the past end, nothing more is known."""
    open_blocks = [block for block in run.blocks.values() if block.state == "running"]
    if run.state == "running" and any(block.kind in WAITS for block in open_blocks):
        run.state = "waiting"
    if is_past and run.state in {"running", "waiting"}:
        run.state = CONTINUED
    for block in open_blocks:
        block.state = {"completed": "done"}.get(run.state, run.state)


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return max((end - start).total_seconds() * 1000, 0.0) if start and end else None


def _span(block: Block, first: datetime | None, last: datetime | None, whole: float) -> tuple[float, float]:
    begin = _between(first, block.started_at) or 0.0
    length = _between(block.started_at, block.ended_at or last) or 0.0
    return min(begin / whole, 1.0) * 1000, max(min(length / whole, 1.0) * 1000, 4.0)
