"""Counts and durations for Prometheus. Labels are bounded: routes as patterns, never paths; no tenant, no user, no id."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)

REQUESTS = Counter("scaiflow_requests", "HTTP requests", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("scaiflow_request_seconds", "Time to answer an HTTP request", ["route"], buckets=SECONDS)
UPSTREAM_SECONDS = Histogram(
    "scaiflow_upstream_seconds", "Time of a call to another service", ["service", "outcome"], buckets=SECONDS
)
JOBS = Counter("scaiflow_jobs", "Jobs that ended", ["kind", "state"])
STEP_SECONDS = Histogram(
    "scaiflow_job_step_seconds", "Time of a step of a deploy", ["step", "outcome"], buckets=SECONDS
)
RATE_LIMITED = Counter("scaiflow_rate_limited", "Requests refused for coming too often", ["group"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
