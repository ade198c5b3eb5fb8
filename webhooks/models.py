"""What ScaiKey delivered: each event once, with what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Delivery(models.Model):
    """The event's id is the key, so the database itself lets no event be applied twice."""

    event_id = models.CharField(primary_key=True, max_length=128)
    type = models.CharField(max_length=128)
    tenant_id = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    handled = models.BooleanField()
    outcome = models.CharField(max_length=128)
    about = models.JSONField(default=dict)
    waits_since = models.DateTimeField(null=True, db_index=True)  # until what the event asks for has been done
    repeats = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-received_at", "-event_id"], name="delivery_newest")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
