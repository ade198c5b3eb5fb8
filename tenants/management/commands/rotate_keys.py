from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scaiflow.kit.errors import Unavailable
from tenants.operations.vault import rotate_keys


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of SCAIFLOW_ENCRYPTION_KEYS; the others can be dropped after it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotated = rotate_keys()
        except Unavailable as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{rotated} secrets were encrypted anew")
