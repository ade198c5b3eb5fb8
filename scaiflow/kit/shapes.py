"""Field errors in FastAPI's manner, from DRF's nested ones; and fields that take nothing for something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

MESSAGES = {"required": ("missing", "Field required"), "null": ("none_not_allowed", "Input should not be null")}


def problems_of(detail: Any, root: str = "body") -> list[dict[str, Any]]:
    """`{"name": [ErrorDetail]}` -> `[{"loc": ["body", "name"], "msg": ..., "type": ...}]`, at any depth."""
    return list(_walk(detail, [root]))


def _walk(detail: Any, loc: list[str | int]) -> Iterator[dict[str, Any]]:
    if isinstance(detail, ErrorDetail):
        kind, message = MESSAGES.get(str(detail.code), (str(detail.code), str(detail)))
        yield {"loc": loc, "msg": message, "type": kind}
    elif isinstance(detail, dict):
        for key, value in detail.items():
            yield from _walk(value, loc if key == "non_field_errors" else [*loc, key])
    else:
        for index, value in enumerate(detail):
            yield from _walk(value, loc if isinstance(value, ErrorDetail) else [*loc, index])


class Text(serializers.CharField):
    """Text and nothing but text: a number or true is refused, not turned into text. `told` goes into its JSON schema in the
    OpenAPI document: what a validator of the serializer, or the operation behind it, asks for besides."""

    def __init__(self, *, told: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.told = told or {}

    default_error_messages = {"invalid": "Input should be a valid string"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false, and not "yes", 1 or "on"."""

    default_error_messages = {"invalid": "Input should be a valid boolean"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class Object(serializers.Field):  # type: ignore[type-arg]
    """A JSON object, kept as it is. `told` stands for its JSON schema in the OpenAPI document."""

    def __init__(self, *, told: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.told = told or {"type": "object", "additionalProperties": {}}

    default_error_messages = {"invalid": "Input should be a valid object"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value
