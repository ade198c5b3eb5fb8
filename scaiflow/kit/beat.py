"""Celery's beat, with a sign of life: a file that is touched with every turn (see docker/healthcheck.py)."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler

from scaiflow.kit.alive import touch


class TickingScheduler(PersistentScheduler):  # type: ignore[misc]
    def tick(self, *args: Any, **kwargs: Any) -> Any:
        touch("beat")
        return super().tick(*args, **kwargs)
