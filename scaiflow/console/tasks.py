"""Celery tasks: each makes one call."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from scaiflow.console.retention import keep_house
from scaiflow.kit.leases import LeaseTaken, lease


@shared_task(name="console.keep_house")
def keep_the_house(**_: Any) -> None:
    try:
        with lease("keep-house"):
            keep_house()
    except LeaseTaken:
        return
