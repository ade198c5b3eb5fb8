"""Celery tasks: each makes one call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task

from scaiflow.console.retention import keep_house
from scaiflow.kit.leases import LeaseTaken, lease

DAY = timedelta(days=1)


@shared_task(name="console.keep_house")
def keep_the_house(**_: Any) -> None:
    """Asked for often and done once a day: a beat that is new knows nothing of the one before it, the database does."""
    try:
        with lease("keep-house", every=DAY) as held:
            keep_house(breathe=held.renew)
    except LeaseTaken:
        return
