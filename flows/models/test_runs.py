"""A test run: what a flow's fixtures came to, against which version."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow
from scaiflow.kit.ids import test_run_id


class TestRun(models.Model):
    """`flow_version` is the version that was tested (what the Core was last deployed from), `tests_version` the one whose
    fixtures were run. `results` holds what run-tests answered under that name."""

    __test__ = False  # pytest: this is no test

    id = models.CharField(primary_key=True, max_length=32, default=test_run_id)
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="test_runs")
    job_id = models.CharField(max_length=32, unique=True)
    core_id = models.CharField(max_length=128)
    flow_version = models.CharField(max_length=32)
    tests_version = models.CharField(max_length=32)
    name_filter = models.CharField(max_length=255, blank=True)
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    results = models.JSONField(default=list)
    run_by = models.CharField(max_length=128)
    run_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["flow", "-run_at", "-id"], name="test_run_newest")
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.flow_version}: {self.passed} passed, {self.failed} failed"
