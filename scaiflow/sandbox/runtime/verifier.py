"""Refuses what a real ScaiGrid would refuse: every problem of the manifest at once, each naming its step."""

from __future__ import annotations

import re
from typing import Any

from scaiflow.sandbox.runtime.checks import CHECKS, Problems
from scaiflow.sandbox.runtime.cron import CronError, cron_of
from scaiflow.sandbox.runtime.errors import ManifestError
from scaiflow.sandbox.runtime.program import Program, children_of, node_of, read, verb_of

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TRIGGERS = frozenset({"api", "webhook", "schedule"})
MAX_NESTING = 150


def load(text: str) -> Program:
    """A manifest that can run.

    Raises ManifestError: COMPILE_ERROR when it is no manifest at all, VERIFIER_ERROR with all that is wrong with it.
    """
    program = read(text)
    problems = [*_head(program), *_list(program, program.flow.get("steps"), "steps", 0)]
    if problems:
        raise ManifestError("VERIFIER_ERROR", [f"verifier error: {problem}" for problem in problems])
    return program


def _head(program: Program) -> Problems:
    if not _SLUG.fullmatch(program.name):
        yield f"core.name {program.name!r} is not a slug"
    if not program.triggers:
        yield "the flow has no trigger"
    for trigger in program.triggers:
        if trigger.get("type") not in _TRIGGERS:
            yield f"unknown trigger type {trigger.get('type')!r}"
        if trigger.get("type") == "schedule":
            yield from _schedule(trigger)


def _schedule(trigger: dict[str, Any]) -> Problems:
    try:
        cron_of(trigger)
    except CronError as error:
        yield f"the schedule cannot be read: {error}"


def _list(program: Program, steps: Any, place: str, depth: int) -> Problems:
    if not isinstance(steps, list):
        yield f"{place}: must be a list of steps"
        return
    if depth > MAX_NESTING:
        yield f"{place}: steps are nested more than {MAX_NESTING} deep"
        return
    for index, step in enumerate(steps):
        yield from _step(program, step, f"{place}[{index}]", depth)


def _step(program: Program, step: Any, place: str, depth: int) -> Problems:
    if not isinstance(step, dict):
        yield f"{place}: a step must be a map"
        return
    node_id = node_of(step)["node_id"]
    named = f"{place} ({node_id})" if node_id else place
    verb = verb_of(step)
    if verb is None:
        keys = ", ".join(str(key) for key in step if key not in ("bind", "meta"))
        yield f"{named}: unknown step kind ({keys or 'none'})"
        return
    for problem in CHECKS[verb](program, step, step[verb]):
        yield f"{named}: {problem}"
    for inner, steps in children_of(step):
        yield from _list(program, steps, f"{place}.{inner}", depth + 1)
