"""The plugin methods that are known, with their required arguments (docs/manifest.md, "The plugins' methods")."""

from __future__ import annotations

SIGNATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "scaidrive": {"search": ("query",), "read_file": ("path",), "write_file": ("path", "content"), "list_files": ()},
    "scaisend": {"send": ("to", "subject", "body")},
    "scaiqueue": {"publish": ("scope", "queue"), "escalate": ("scope", "queue")},
    "scaibunker": {
        "create": ("image",),
        "exec": ("command",),
        "write_file": ("path", "content"),
        "read_file": ("path",),
        "destroy": (),
    },
    "http": {"request": ("method", "url")},
}
