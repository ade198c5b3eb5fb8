"""Text with `{{expression}}` in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.evaluator import Lookup, value_of
from scaiflow.sandbox.runtime.expressions.parser import parse
from scaiflow.sandbox.runtime.expressions.syntax import Node
from scaiflow.sandbox.runtime.expressions.values import bounded, text_of


@lru_cache(maxsize=2048)
def parts_of(template: str) -> tuple[str | Node, ...]:
    """The pieces of a template: text as text, expressions as trees. Raises ExpressionError for bad or open braces."""
    parts: list[str | Node] = []
    at = 0
    while (start := template.find("{{", at)) >= 0:
        end = _end_of(template, start + 2)
        if start > at:
            parts.append(template[at:start])
        parts.append(parse(template[start + 2 : end]))
        at = end + 2
    if at < len(template):
        parts.append(template[at:])
    return tuple(parts)


def _end_of(template: str, start: int) -> int:
    """Where the `}}` stands that closes the expression at `start`: not one inside its strings or objects."""
    quote, depth, at = "", 0, start
    while at < len(template):
        character = template[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0 and template.startswith("}}", at):
                return at
            depth -= 1
        at += 1
    raise ExpressionError(f"'{{{{' without '}}}}' in {template!r}")


def render(value: Any, lookup: Lookup) -> Any:
    """A value with every template in it filled in, at any depth; `{{x}}` alone in its text keeps the type of x."""
    if isinstance(value, str):
        return _render_text(value, lookup)
    if isinstance(value, list):
        return [render(item, lookup) for item in value]
    if isinstance(value, dict):
        return {key: render(item, lookup) for key, item in value.items()}
    return value


def _render_text(template: str, lookup: Lookup) -> Any:
    parts = parts_of(template)
    if len(parts) == 1 and not isinstance(parts[0], str):
        return value_of(parts[0], lookup)
    return bounded("".join(part if isinstance(part, str) else text_of(value_of(part, lookup)) for part in parts))
