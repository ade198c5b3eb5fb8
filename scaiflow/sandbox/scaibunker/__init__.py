"""ScaiBunker: sandboxes as temporary folders with a few commands, no shell."""

from __future__ import annotations
