"""ScaiGrid: Cores, their runs, events and checkpoints, the model catalogue and chat completions."""

from __future__ import annotations
