"""What a method of a view takes and answers, as data beside its rights: the OpenAPI document is made from these tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

from scaiflow.kit.errors import AppError

Input = type[serializers.Serializer]  # type: ignore[type-arg]
BEARER, SHARED_TOKEN, SIGNATURE, NOBODY = "bearer", "sharedToken", "signature", ""


@dataclass(frozen=True)
class Raw:
    """An answer that is not JSON: its media type, and whether it is bytes."""

    media_type: str
    binary: bool = False


@dataclass(frozen=True)
class Call:
    """One method of one route.

    `answer` is a serializer (class, or instance with `many=True`), a Raw, or None for no body, and `other` the same in
    another form (`takes` is that of the body); `also` holds further good statuses with theirs. `headers` are read from the
    request, `told` stand in the answer. `raises` names errors beyond those that follow from the table of rights, from a
    body and from a path (kit/openapi.py adds these). `proof` is how the caller shows who it is, where that is not a ScaiKey
    token."""

    name: str
    summary: str
    answer: Any = None
    status: int = 200
    body: Input | None = None
    takes: Raw | None = None
    query: Input | None = None
    headers: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    raises: tuple[type[AppError], ...] = ()
    other: Raw | None = None
    also: Mapping[int, Any] = field(default_factory=dict)
    proof: str = BEARER
    deprecated: bool = False
