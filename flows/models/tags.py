"""By which words a flow is found. What is shown stands in the flow's own row; here is the way from a tag to its flows."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FlowTag(models.Model):
    """Written together with `Flow.tags`, in flows/operations/flows.py, and nowhere else."""

    flow = models.ForeignKey("flows.Flow", on_delete=models.PROTECT, related_name="tag_rows", db_index=False)
    tag = models.CharField(max_length=50)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["flow", "tag"], name="flow_tag_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["tag", "flow"], name="flows_of_tag")]

    def __str__(self) -> str:
        return f"{self.tag}: {self.flow_id}"
