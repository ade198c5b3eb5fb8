from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from flows.models import Job


class JobOut(serializers.ModelSerializer):
    flow_id = serializers.CharField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = Job
        fields: ClassVar[list[str]] = [
            "id", "kind", "flow_id", "state", "progress", "result", "error",
            "created_at", "started_at", "finished_at", "requested_by",
        ]  # fmt: skip

    def get_error(self, job: Job) -> Any:
        """What the POST would have answered: `{status, detail}`; and where that is an upstream's own answer, its text as
        `detail` with `body_base64` and `headers` as they came."""
        if job.error is None:
            return None
        told = {"status": job.error["status"], "detail": job.error.get("detail", job.error.get("body"))}
        if "body_base64" in job.error:
            told |= {"body_base64": job.error["body_base64"], "headers": job.error["headers"]}
        return told


class JobListOut(serializers.Serializer):
    items = JobOut(many=True)


class JobStartedOut(serializers.Serializer):
    job_id = serializers.CharField()
    state = serializers.CharField()
