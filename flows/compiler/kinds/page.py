"""docs/node-kinds.md, written from the table of kinds: `make node-kinds`. A test holds the two together."""

from __future__ import annotations

import json
import sys
from itertools import groupby

from flows.compiler.fields import Field
from flows.compiler.kinds import KINDS
from flows.compiler.kinds.kind import Kind, Port

HEAD = """# Node kinds

Generated from `flows/compiler/kinds/` by `make node-kinds`. Do not edit it here.

There are {count} kinds of nodes. Every one has `id`, `type` (the kind), `label` and `position`, may have a `config` with
the fields below (`*`: required; blank text counts as not filled in), and may carry `breakpoint: true`, which holds a run
before its step. `inputs` and `outputs` default to the ports given here. Config keys that a kind does not know are kept and
say nothing.

How a field's text is read: an *expression* or a *template* (text with `{{{{expression}}}}` in it) is of the language of
[manifest.md](manifest.md#expressions); *prose* is text for a model or for people in which templates are filled in.

## Adding a kind

1. One entry in one module of `flows/compiler/kinds/`: its name, family and purpose, config fields, ports, checks that no
   single field can tell, `ir` and `step` for this page, `lower` (settings to an action) and `lift` (a hand-written step
   back to a config). Actions (`flows/compiler/actions.py`) are what YAML, IR and .scai are written from, so no emitter
   changes.
2. One case, `tests/compiler/cases/kind-<name>.json`, with the document alone; `pytest tests/compiler --rewrite-cases`
   adds what comes of it, to be read in the diff. The suite fails while there is no case.
3. `make node-kinds`.

The schema, the checks, the emitters, the importer, the command line and this page take it from the entry.
"""

FAMILIES = {
    "entry": "Entries",
    "llm": "Language",
    "logic": "Control",
    "data": "Data",
    "tool": "Tools",
    "queue": "Queues",
    "human": "People",
    "compute": "Compute",
}
READS = {
    "expression": "an expression",
    "expressions": "expressions by name",
    "template": "a template",
    "templates": "templates, at any depth",
    "arguments": "templates by name, at any depth",
    "prose": "prose",
}
FORMATS = {
    "cron": "five cron fields",
    "timezone": "an IANA time zone",
    "path": "begins with /",
    "url": "http:// or https://, or begins with a template",
    "core": "`core://{tenant_slug}/{slug}`",
    "duration": "such as 30s, 5m, 24h, 7d or PT5M",
    "name": "letters, digits and _",
    "alias": "letters, digits, _ and -",
    "method": "names joined by dots",
}


def node_kinds_page() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD.format(count=len(KINDS))]
    ordered = sorted(KINDS.values(), key=lambda kind: list(FAMILIES).index(kind.family))
    for family, kinds in groupby(ordered, key=lambda kind: kind.family):
        parts.append(f"\n## {FAMILIES[family]}\n")
        parts += [_section(kind) for kind in kinds]
    return "".join(parts)


def _section(kind: Kind) -> str:
    lines = [
        f"\n### `{kind.name}`\n",
        f"{kind.purpose}\n",
        f"- ports: in {_ports(kind.inputs)}; out {'any' if kind.any_outputs else _ports(kind.outputs)}",
        f"- manifest: `{kind.step}`; IR: `{kind.ir}`",
    ]
    if kind.fields:
        lines += ["", "| config | type | default | |", "| --- | --- | --- | --- |", *map(_row, kind.fields)]
    return "\n".join(lines) + "\n"


def _ports(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"`{port.id}`" for port in ports) or "none"


def _row(field: Field) -> str:
    name = f"`{field.name}`" + (" *" if field.required and field.default is None else "")
    default = "" if field.default is None else f"`{json.dumps(field.default)}`"
    return f"| {name} | {' or '.join(field.types)} | {default} | {_told(field)} |"


def _told(field: Field) -> str:
    told = []
    if field.choices:
        told.append("one of " + ", ".join(f"`{choice}`" for choice in field.choices))
    if field.minimum is not None or field.maximum is not None:
        most = "" if field.maximum is None else f" to {field.maximum}"
        told.append(f"from {field.minimum}{most}")
    told += [FORMATS[field.format]] if field.format else []
    told += [READS[field.reads]] if field.reads else []
    return "; ".join(told)


if __name__ == "__main__":
    sys.stdout.write(node_kinds_page())
