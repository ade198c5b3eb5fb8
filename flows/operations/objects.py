"""The objects of versions, written together with their rows (scaiflow/kit/writes.py)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flows.models import FlowVersion
from scaiflow.kit import writes
from scaiflow.kit.writes import ObjectWrites

__all__ = ["ObjectWrites", "whole_write"]


def whole_write() -> AbstractContextManager[ObjectWrites]:
    return writes.whole_write(is_named=lambda key: FlowVersion.objects.filter(object_key=key).exists())
