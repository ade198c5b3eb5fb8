"""A diff as text for people. Pure.

    1.0.0 -> 1.0.1: 1 node changed, 1 edge added

    nodes
      ~ greet "Greet"
          config.template: "Hello" -> "Bye"
    edges
      + a-b (sequential): a.out -> b.in

`+` came, `-` went, `~` changed, and `.` is a change of the layout alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.diffing import is_layout

LONGEST = 400
LISTS = {"nodes": "node_id", "edges": "edge_id"}
PARTS = ("config", "variables", "tests", "document")


def as_text(told: dict[str, Any]) -> str:
    """`told` is what flows/diffing.py says, with `from` and `to`."""
    layout = " (layout only)" if told["layout_only"] else ""
    lines = [f"{told['from']} -> {told['to']}: {told['summary']}{layout}", ""]
    for part, id_name in LISTS.items():
        lines += _headed(part, list(_items(told[part], id_name)))
    for part in PARTS:
        lines += _headed(part, [_field(field, "  ~ ") for field in told[part]])
    return "\n".join(lines).rstrip("\n") + "\n"


def _headed(part: str, lines: list[str]) -> list[str]:
    return [part, *lines] if lines else []


def _items(part: dict[str, Any], id_name: str) -> Iterator[str]:
    for sign, how in (("+", "added"), ("-", "removed")):
        for item in part[how]:
            yield f"  {sign} {_title(item, id_name)}{_kind(item)}"
    for item in part["changed"]:
        yield f"  {'.' if is_layout(item) else '~'} {_title(item, id_name)}"
        yield from (_field(field, "      ") for field in item["fields"])


def _title(item: dict[str, Any], id_name: str) -> str:
    label = item.get("label")
    return _word(item[id_name]) + (f" {_value(label)}" if label else "")


def _kind(item: dict[str, Any]) -> str:
    ends = [_end(item[name]) for name in ("source", "target") if name in item]
    return f" ({_word(item['type'])})" + (f": {' -> '.join(ends)}" if ends else "")


def _end(end: Any) -> str:
    return f"{_word(end.get('node'))}.{_word(end.get('port'))}" if isinstance(end, dict) else _value(end)


def _field(field: dict[str, Any], indent: str) -> str:
    return f"{indent}{_word(field['path'])}: {_value(field['before'])} -> {_value(field['after'])}"


def _word(value: Any) -> str:
    """Bare where it reads as it is; quoted where it could be taken for something else, or break the line."""
    text = str(value)
    return text if text and text.isprintable() and " " not in text else _value(text)


def _value(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
