from __future__ import annotations

from typing import Any

from django.core.management.commands import check

from scaiflow import env


class Command(check.Command):
    """Django's checks, and before them every variable that is set (secrets masked)."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        for reading in sorted(env.SEEN.values(), key=lambda reading: reading.name):
            if reading.value is not None:
                self.stdout.write(f"{reading.name}={'********' if reading.is_secret else reading.value}")
        super().handle(*app_labels, **options)
