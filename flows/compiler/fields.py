"""Fields of a node's config: one description each, which serves the check, the lowering and the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from flows.compiler.diagnostics import shown
from flows.compiler.formats import FORMATS

FieldType = Literal["text", "number", "integer", "boolean", "list", "map", "any"]

Reads = Literal["expression", "expressions", "template", "templates", "arguments", "prose"]
"""How a field's text is read: `expression` (or a map of them, `expressions`), `template` (or any values that hold
templates, `templates`; as a map by name, `arguments`), or `prose`: text for a model or for people, in which `{{...}}` is
a template too. A lone `}}` is only text everywhere: JSON ends like that. Where templates may be of any value, one may
also stand for the whole: `headers` can be `{{input.headers}}`; `arguments` cannot, their names are the manifest's own."""


@dataclass(frozen=True)
class Field:
    """One key of a config. `types` are the JSON types that its value may have; `default` None means left out."""

    name: str
    types: tuple[FieldType, ...] = ("text",)
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    format: str = ""
    reads: Reads | None = None
    keeps_blanks: bool = False

    def is_blank(self, value: Any) -> bool:
        """Nothing there: absent, null, or the blank text of an emptied box. Blanks of a file's content are content."""
        if not isinstance(value, str):
            return value is None
        return not (value if self.keeps_blanks else value.strip())

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value that is there, as the end of a sentence; None when it is fine."""
        if self.reads in ("template", "templates") and isinstance(value, str) and "{{" in value:
            return None
        if not any(_IS_TYPE[name](value) for name in self.types):
            return f"must be {' or '.join(_NOUNS[name] for name in self.types)}, not {shown(value)}"
        if isinstance(value, str):
            return self._text_problem(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._range_problem(value)
        return None

    def _text_problem(self, value: str) -> str | None:
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}, not {shown(value)}"
        wrong = FORMATS[self.format](value) if self.format else None
        return f"{wrong}, not {shown(value)}" if wrong and wrong.startswith("must") else wrong

    def _range_problem(self, value: float) -> str | None:
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}, not {shown(value)}"
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum}, not {shown(value)}"
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS_TYPE: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
    "any": lambda _: True,
}

_NOUNS = {
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a map",
    "any": "any value",
}
