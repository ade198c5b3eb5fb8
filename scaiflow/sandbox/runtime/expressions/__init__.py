"""The manifest's expression language: a lexer, a Pratt parser and an evaluator, no side effects, never `eval`."""

from __future__ import annotations
