"""The web role's server: threads, because requests wait for the database and for other services, and two processes, because
Python computes in one thread at a time. Figures: docs/operating.md.

A request that waits for its job holds a thread for up to SCAIFLOW_JOB_WAIT_SECONDS; on SIGTERM it may still end.
"""

from __future__ import annotations

import os
from typing import Any

from prometheus_client import multiprocess

bind = [f"{os.environ.get('BIND', '0.0.0.0')}:{os.environ.get('PORT', '8001')}"]  # noqa: S104  inside of a container
worker_class = "gthread"
# Without Redis this process is worker, beat and cache as well, and there must be one of it.
workers = int(os.environ.get("WEB_PROCESSES", "2")) if os.environ.get("SCAIFLOW_REDIS_URL") else 1
threads = int(os.environ.get("WEB_THREADS", "32"))
timeout = 60
graceful_timeout = int(os.environ.get("SCAIFLOW_JOB_WAIT_SECONDS", "120")) + 10
keepalive = 75
backlog = 512
max_requests = 50_000
max_requests_jitter = 5_000
limit_request_line = 8190
limit_request_field_size = 16_380  # tokens are long
forwarded_allow_ips = "127.0.0.1"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  gunicorn's heartbeat must not wait for a disk
accesslog = None  # kit/middleware.py writes the one line a request
loglevel = "warning"
control_socket_disable = True


def child_exit(server: Any, worker: Any) -> None:
    """What a process counted is kept when it goes."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
