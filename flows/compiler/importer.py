"""The way back: from a manifest's YAML to a FlowGraph. Our own manifests come back to the last key; of hand-written ones all
that can be understood, nodes stacked 120 px apart and the rest kept in `metadata.unknown_steps`.

Hostile YAML is refused before it is built: more than 10 MB, aliases (which can make one line a billion values), and tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from flows.compiler.actions import Map
from flows.compiler.by_hand import HandWritten, metas_of
from flows.compiler.diagnostics import path_text
from flows.compiler.plain import canonical

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 500  # more than the compiler writes: structure.MAX_DEPTH lists of five levels, and what configs hold
META = {"node_id": "id", "node_kind": "type", "node_label": "label", "node_config": "config"}
CARRIED = ("edges", "variables", "tests", "metadata")
SAME = ("position", "inputs", "outputs")


class ManifestError(Exception):
    """The text is no manifest, or not one that may be read. The message says why, and what to do."""


@dataclass(frozen=True)
class Imported:
    """`content` is a document of schema v2; `unknown_steps` are the steps that no kind stands for, as they were."""

    content: Map
    unknown_steps: list[Any] = field(default_factory=list)


def import_manifest(text: str | bytes) -> Imported:
    """Raises ManifestError."""
    core = _map(_map(_load(text), "the document").get("core"), "core")
    flows = core.get("flows")
    if not isinstance(flows, list) or len(flows) != 1:
        raise ManifestError("core.flows must be a list of one flow")
    flow = _map(flows[0], "core.flows[0]")
    try:
        found = _read(core, flow)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ManifestError(f"the manifest has parts of a wrong shape ({error})") from None
    _, problems = canonical(found.content)
    for path, problem in problems:
        raise ManifestError(f"{path_text(path) or 'the flow'} {problem}")
    return found


def _read(core: Map, flow: Map) -> Imported:
    meta = core.get("scaiflow_meta")
    if isinstance(meta, dict) and "source" in meta:
        return Imported(_ours(flow, meta))
    by_hand = HandWritten(core, flow)
    return Imported(by_hand.read(), by_hand.unknown)


class _Loader(yaml.CSafeLoader):
    """Days and times stay the texts that they are: JSON knows no others."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _load(text: str | bytes) -> Any:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise ManifestError(f"the manifest is larger than {MAX_BYTES} bytes")
    try:
        _check_events(raw)
        return yaml.load(raw, Loader=_Loader)  # noqa: S506  a safe loader, with one type less
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"not YAML that can be read: {str(error).splitlines()[0]}") from None


def _check_events(raw: bytes) -> None:
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ManifestError("aliases (*name) are not read: write the value where it is used")
        if tag := getattr(event, "tag", None):
            raise ManifestError(f"tags ({tag}) are not read: write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ManifestError(f"the manifest is nested deeper than {MAX_DEPTH} levels")


def _map(value: Any, what: str) -> Map:
    if not isinstance(value, dict):
        raise ManifestError(f"{what} must be a map")
    return value


def _ours(flow: Map, meta: Map) -> Map:
    """Every node from its step's or trigger's meta, in the document's order, once however often it was repeated."""
    found: dict[int, Map] = {int(index): node for index, node in meta["source"].get("left_out", [])}
    for each in metas_of(flow):
        index = each.get("index")
        if isinstance(index, int):
            found.setdefault(index, _node(each))
    document = dict(meta["source"]["document"]) | {part: meta[part] for part in CARRIED if part in meta}
    document["nodes"] = [found[index] for index in sorted(found)]
    return document


def _node(meta: Map) -> Map:
    node = {name: meta[key] for key, name in META.items() if key in meta}
    return {**node, **{key: meta[key] for key in SAME if key in meta}, **meta.get("extra", {})}
