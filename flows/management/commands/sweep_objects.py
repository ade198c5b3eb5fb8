from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from flows.operations.sweeping import sweep_orphans


class Command(BaseCommand):
    help = "Delete objects that no version names (left by a save that was killed), when they are older than an hour."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in sweep_orphans():
            self.stdout.write(key)
