"""Pass 4: the whole manifest, as plain data."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from flows.compiler.actions import Call, Map
from flows.compiler.control import Control
from flows.compiler.document import Flow, Node
from flows.compiler.importer import CARRIED
from flows.compiler.steps import breakpoint_of, lowered, steps_of, trigger_of
from flows.compiler.structure import Block

COMPUTE = "compute"
DEFAULT_BUNKER = {"bunker": {"lifecycle": "ephemeral", "image": "python-3.12"}}


def slug_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "flow"


def manifest_of(control: Control, blocks: list[Block]) -> Map:
    """The manifest as plain data, from a flow without errors and the blocks it was structured into."""
    flow, entries = control.flow, control.entries
    steps = [breakpoint_of(entry) for entry in entries if entry.has_breakpoint] + steps_of(flow, blocks)
    triggers = [trigger_of(flow, entry) for entry in entries]
    slug = slug_of(flow.name)
    body: Map = {"name": slug, "trigger": triggers[0]}
    if triggers[1:]:
        body["extra_triggers"] = triggers[1:]
    flows = [{**body, "steps": steps}]
    nodes = [node for node in flow.nodes if control.is_reached(node.id)]
    return {
        "core": {
            **_head(flow, nodes, slug),
            "flows": flows,
            "scaiflow_meta": _meta(flow, {node.index for node in nodes}),
        }
    }


def _head(flow: Flow, nodes: list[Node], slug: str) -> Map:
    """`nodes` are those that can run: what is left out asks for no plugin."""
    config = flow.config
    identity = config.get("core_identity") or {}
    head: Map = {
        "name": slug,
        "mode": "stateless",
        "runtime_version": str(flow.raw.get("scaicore_target") or "0.2"),
        "identity": {"provider": "scaikey", "persona": identity.get("persona") or flow.name},
    }
    if flow.models:
        primary = flow.models[0][1]
        head["model"] = f"{primary['ref']}/{primary['model']}"
    head["plugins"] = [{"alias": alias, "endpoint": f"plugin://{alias}"} for alias in _plugins(flow, nodes)]
    head["capabilities"] = _capabilities(flow, nodes)
    if config.get("scaiqueue"):
        head["scaiqueue"] = config["scaiqueue"]
    return head


def _plugins(flow: Flow, nodes: list[Node]) -> list[str]:
    declared = [str(plugin["alias"]) for plugin in flow.config.get("plugins") or []]
    used = []
    for node in nodes:
        action = None if node.kind.is_entry else lowered(flow, node)
        if isinstance(action, Call):
            used.append(action.alias)
    return list(dict.fromkeys([*declared, *used]))


def _capabilities(flow: Flow, nodes: list[Node]) -> list[Any]:
    declared = list(flow.config.get("capabilities") or [])
    bunker = flow.config.get("bunker")
    if bunker:
        return [*declared, {"bunker": bunker}]
    has_compute = any(node.kind.family == COMPUTE for node in nodes)
    return [*declared, DEFAULT_BUNKER] if has_compute else declared


def _meta(flow: Flow, written: set[int]) -> Map:
    """`written` are the places of the nodes that stand in some step or trigger: the others are kept here."""
    config = flow.config
    meta: Map = {
        "source_id": flow.raw.get("id"),
        "source_name": flow.name,
        "source_version": flow.raw.get("version"),
        "scaicore_target": flow.raw.get("scaicore_target"),
        "models": [model for _, model in flow.models],
        "publish_as_model": bool(config.get("publish_as_model")),
        "model_visibility_group_ids": list(config.get("model_visibility_group_ids") or []),
        **{part: flow.raw[part] for part in CARRIED if part in flow.raw},
        "source": {
            "document": {key: value for key, value in flow.raw.items() if key not in ("nodes", *CARRIED)},
            "left_out": [[node.index, node.raw] for node in flow.nodes if node.index not in written],
        },
    }
    return {name: value for name, value in meta.items() if value is not None}
