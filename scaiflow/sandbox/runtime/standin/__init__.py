"""The deterministic stand-in for a model: fills any `output_schema` from what the turn holds. The rules:
docs/sandbox.md."""

from __future__ import annotations
