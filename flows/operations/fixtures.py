"""run-tests: the flow's fixtures against a Core that it was deployed to, a few at a time."""

from __future__ import annotations

import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from flows.actions import FLOW_TESTED
from flows.expectations import is_met
from flows.models import Job, TestRun
from flows.operations.credentials import required_credential
from flows.operations.versions import content_of
from flows.operations.working import Outcome, step, token_of
from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import scaigrid
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.operations.credentials import Credential

AT_ONCE = 4
FIXTURE_SECONDS = 60.0


def run_tests(job: Job) -> Outcome:
    """`{results: [{name, ok, expect, output, error}], passed, failed}`, and which versions they are of: `flow_version` was
    tested (what the Core was last deployed from), `tests_version` has the fixtures. The same is kept as a row.
    Raises MissingScaiGridCredentials."""
    content = content_of(flow=job.flow, version=job.arguments["version"])
    credential = required_credential(tenant_id=job.flow.tenant_id, token=token_of(job))
    tested = _deployed_version(job)  # before the first call: what is deployed meanwhile is not what gave these results
    results = _run_all(job, _chosen(content, job.arguments.get("name_filter")), credential)
    passed = sum(result["ok"] for result in results)
    run = _row(job, flow_version=tested, results=results, passed=passed, failed=len(results) - passed)
    told = {"results": results, "passed": run.passed, "failed": run.failed}
    versions = {"flow_version": run.flow_version, "tests_version": run.tests_version}
    result = {**told, **versions, "core_id": run.core_id, "run_id": run.id, "job_id": job.id}
    return Outcome(result=result, rows=[run], told=[_entry(run)])


def _entry(run: TestRun) -> dict[str, Any]:
    """What came out of the fixtures stays in the run's own row: it may be anything."""
    numbers = {"passed": run.passed, "failed": run.failed, "flow_version": run.flow_version}
    return {"action": FLOW_TESTED, "changes": {"run": run.id, "core": run.core_id, **numbers}}


def _deployed_version(job: Job) -> str:
    deployed = job.flow.deployments.filter(core_id=job.arguments["core_id"]).newest_first().first()
    return deployed.flow_version if deployed else ""


def _row(job: Job, **found: Any) -> TestRun:
    return TestRun(
        flow=job.flow, job_id=job.id, core_id=job.arguments["core_id"], tests_version=job.arguments["version"],
        name_filter=job.arguments.get("name_filter") or "", run_by=job.requested_by, **found,
    )  # fmt: skip


def _run_all(job: Job, fixtures: list[dict[str, Any]], credential: Credential) -> list[dict[str, Any]]:
    """In the order of the fixtures. When the job is called off, those that wait for a thread are not run."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        # Each in a copy of this context, so that its calls carry this request's id.
        running = [
            pool.submit(contextvars.copy_context().run, _run, fixture, credential, job.arguments["core_id"])
            for fixture in fixtures
        ]
        return [_awaited(job, fixture["name"], outcome) for fixture, outcome in zip(fixtures, running, strict=True)]
    finally:
        pool.shutdown(cancel_futures=True)


def _awaited(job: Job, name: str, outcome: Future[dict[str, Any]]) -> dict[str, Any]:
    with step(job, name, can_be_left_out=True):
        return outcome.result()


def _chosen(content: dict[str, Any], name_filter: str | None) -> list[dict[str, Any]]:
    """A fixture without a name is known by its place."""
    listed = enumerate(content.get("tests") or [], start=1)
    fixtures = [{**fixture, "name": fixture.get("name") or f"test {place}"} for place, fixture in listed]
    return [fixture for fixture in fixtures if not name_filter or name_filter in fixture["name"]]


def _run(fixture: dict[str, Any], credential: Credential, core_id: str) -> dict[str, Any]:
    """An upstream that fails is this fixture's error, and the next fixture has its turn."""
    expected = fixture.get("expect", {})
    output, error = None, None
    try:
        output = scaigrid.invoke_core(
            base_url=credential.base_url, token=credential.token, core_id=core_id,
            arguments=fixture.get("input", {}), seconds=FIXTURE_SECONDS,
        )  # fmt: skip
    except (UpstreamError, Unreachable, PassedThrough) as failure:
        error = str(failure)
    ok = error is None and is_met(expected, output)
    return {"name": fixture["name"], "ok": ok, "expect": expected, "output": output, "error": error}
