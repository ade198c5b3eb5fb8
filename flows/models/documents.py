"""The shared document of a flow: a snapshot, and the updates that came after it, in the order in which they were written."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow


class FlowDocument(models.Model):
    """The snapshot. `revision` counts how often it was made anew, so that nobody replaces one that they have not read."""

    flow = models.OneToOneField(Flow, primary_key=True, on_delete=models.PROTECT, related_name="document")
    state = models.BinaryField()
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.flow_id} {self.revision}"


class DocumentUpdate(models.Model):
    """One write group: what several people wrote within a few milliseconds, merged. The id is its offset in the log."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="document_updates")
    change = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["flow", "id"], name="update_of_flow")]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.id}"
