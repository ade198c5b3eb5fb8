"""What the runtime's plugin calls really do."""

from __future__ import annotations
