"""The plugins whose methods are known: required and optional arguments, and the fields of the result.

A plugin or method that is not here is passed through unchecked. The table is the one of docs/manifest.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """One method: `required` and `optional` argument names, `result` field names."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    result: tuple[str, ...]


def _method(required: str, optional: str, result: str) -> Signature:
    return Signature(tuple(required.split()), tuple(optional.split()), tuple(result.split()))


_BUNKER_SIZE = "lifecycle cpu_millicores memory_mb disk_mb gpu_count network_profile"

SIGNATURES: dict[str, Signature] = {
    "scaidrive.search": _method("query", "limit folder", "results count"),
    "scaidrive.read_file": _method("path", "", "path content"),
    "scaidrive.write_file": _method("path content", "", "path bytes"),
    "scaidrive.list_files": _method("", "folder", "files"),
    "scaisend.send": _method("to subject body", "cc reply_to", "message_id status"),
    "scaiqueue.publish": _method("scope queue", "message_type payload priority labels", "message_id queue"),
    "scaiqueue.escalate": _method("scope queue", "reason payload", "message_id queue"),
    "scaibunker.create": _method("image", _BUNKER_SIZE, "bunker_id status"),
    "scaibunker.exec": _method("command", "timeout_s env", "exit_code stdout stderr"),
    "scaibunker.write_file": _method("path content", "", "path bytes"),
    "scaibunker.read_file": _method("path", "", "path content"),
    "scaibunker.destroy": _method("", "", "status"),
    "http.request": _method("method url", "headers body timeout", "status headers body"),
}
