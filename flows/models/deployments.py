"""A deployment: which version became which Core, when, by whom."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow
from flows.roles import DeploymentStatus
from scaiflow.kit.ids import deployment_id


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def newest_first(self) -> DeploymentQuerySet:
        return self.order_by("-deployed_at", "-id")


class Deployment(models.Model):
    id = models.CharField(primary_key=True, max_length=32, default=deployment_id)
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="deployments")
    core_id = models.CharField(max_length=128, db_index=True)
    flow_version = models.CharField(max_length=32)
    manifest_digest = models.CharField(max_length=64)
    published_slug = models.CharField(max_length=255, null=True)
    published_model_id = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=16, choices=DeploymentStatus.choices)
    deployed_by = models.CharField(max_length=128)
    deployed_at = models.DateTimeField(default=timezone.now)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["flow", "-deployed_at"], name="deployment_newest")
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.flow_version} -> {self.core_id}"
