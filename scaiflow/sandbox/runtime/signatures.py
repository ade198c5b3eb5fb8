"""The plugin methods that are known, with their required arguments (docs/manifest.md, "The plugins' methods")."""

from __future__ import annotations

SIGNATURES: dict[str, tuple[str, ...]] = {
    "scaidrive.search": ("query",),
    "scaidrive.read_file": ("path",),
    "scaidrive.write_file": ("path", "content"),
    "scaidrive.list_files": (),
    "scaisend.send": ("to", "subject", "body"),
    "scaiqueue.publish": ("scope", "queue"),
    "scaiqueue.escalate": ("scope", "queue"),
    "scaibunker.create": ("image",),
    "scaibunker.exec": ("command",),
    "scaibunker.write_file": ("path", "content"),
    "scaibunker.read_file": ("path",),
    "scaibunker.destroy": (),
    "http.request": ("method", "url"),
}
