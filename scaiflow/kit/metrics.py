"""Counts and durations for Prometheus. Labels are bounded: routes as patterns, never paths; no tenant, no user, no id."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Tally(Collector):
    """A counter of what happens too often for a lock: plain numbers, added to by one thread and read by whoever scrapes."""

    def __init__(self, name: str, about: str, label: str = "", values: Sequence[str] = ("",)) -> None:
        self.counts = [0] * len(values)
        self._name, self._about, self._label, self._values = name, about, label, values
        REGISTRY.register(self)

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._about, labels=[self._label] if self._label else [])
        for value, count in zip(self._values, self.counts, strict=True):
            family.add_metric([value] if self._label else [], count)
        yield family


class Durations(Collector):
    """A histogram of what happens too often for a lock, likewise."""

    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0
        self._name, self._about, self._bounds = name, about, bounds
        REGISTRY.register(self)

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = list(zip(names, accumulate(self.counts), strict=True))
        yield HistogramMetricFamily(self._name, self._about, buckets=buckets, sum_value=self.seconds)


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
SYNC_SOCKETS = Gauge("scaiflow_sync_sockets", "Open sync sockets of this process")
SYNC_ROOMS = Gauge("scaiflow_sync_rooms", "Flows whose document this process holds in memory")
SYNC_QUEUED_BYTES = Gauge("scaiflow_sync_queued_bytes", "Bytes that wait for slow readers of the sync socket")
SYNC_LOG_LENGTH = Gauge("scaiflow_sync_log_length", "Log entries since the last snapshot, in the open rooms")
SYNC_FRAMES_IN = Tally(
    "scaiflow_sync_frames_in", "Frames from clients", "kind",
    ("step1", "step2", "update", "awareness", "query_awareness", "unknown"),
)  # fmt: skip
SYNC_FRAMES_OUT = Tally("scaiflow_sync_frames_out", "Frames told to clients, one for each receiver")
SYNC_GROUPS = Tally("scaiflow_sync_groups", "Groups of updates that were written, each for one room")
SYNC_DROPS = Counter("scaiflow_sync_drops", "Sockets that this server closed", ["code"])
SYNC_WRITE_SECONDS = Durations("scaiflow_sync_write_seconds", "Time to write one round of groups", SECONDS)
RATE_LIMITED = Counter("scaiflow_rate_limited", "Requests refused for coming too often", ["group"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
