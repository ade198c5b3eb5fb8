"""The deterministic stand-in for a model: fills any `output_schema` by rules. They are told in docs/sandbox.md."""

from __future__ import annotations
