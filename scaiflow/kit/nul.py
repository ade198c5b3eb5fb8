"""U+0000: JSON may hold it, and PostgreSQL keeps it neither in a text nor in a jsonb."""

from __future__ import annotations

from typing import Any

NUL = "\0"


def without_nul(value: Any) -> Any:
    """The same plain data without NUL in any text of it, names of fields included."""
    if isinstance(value, str):
        return value.replace(NUL, "")
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nul(item) for item in value]
    return value
