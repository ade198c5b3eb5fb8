"""run-tests: the flow's fixtures against a Core that it was deployed to, a few at a time."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flows.expectations import is_met
from flows.models import Job
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
    """`{results: [{name, ok, expect, output, error}], passed, failed}`. Raises MissingScaiGridCredentials."""
    content = content_of(flow=job.flow, version=job.arguments["version"])
    credential = required_credential(tenant_id=job.flow.tenant_id, token=token_of(job))
    fixtures = _chosen(content, job.arguments.get("name_filter"))
    results = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        # Each in a copy of this context, so that its calls carry this request's id.
        running = [
            pool.submit(contextvars.copy_context().run, _run, fixture, credential, job.arguments["core_id"])
            for fixture in fixtures
        ]
        for fixture, outcome in zip(fixtures, running, strict=True):
            with step(job, fixture["name"], can_be_left_out=True):
                results.append(outcome.result())
    passed = sum(result["ok"] for result in results)
    return Outcome(result={"results": results, "passed": passed, "failed": len(results) - passed})


def _chosen(content: dict[str, Any], name_filter: str | None) -> list[dict[str, Any]]:
    fixtures = content.get("tests") or []
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
