"""Celery tasks: each makes one call. Trailing keyword arguments let old workers outlive new callers."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from flows.operations.deploy import deploy
from flows.operations.documents import compact_forgotten
from flows.operations.fixtures import run_tests
from flows.operations.tending import tend_jobs
from flows.operations.working import work_on


@shared_task(name="flows.deploy")
def deploy_flow(*, job_id: str, **_: Any) -> None:
    work_on(job_id=job_id, work=deploy)


@shared_task(name="flows.run_tests")
def run_flow_tests(*, job_id: str, **_: Any) -> None:
    work_on(job_id=job_id, work=run_tests)


@shared_task(name="flows.tend_jobs")
def tend_all_jobs(**_: Any) -> None:
    tend_jobs()


@shared_task(name="flows.compact_documents")
def compact_documents(**_: Any) -> None:
    compact_forgotten()
