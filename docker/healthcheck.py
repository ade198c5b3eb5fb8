"""Exit status 0 when this container's process is alive: `healthcheck.py [web|sync|worker|beat]`, by default the role that
docker/entrypoint.sh has written down.

Standard library only, because it runs every few seconds. What the process stands on is asked by `manage.py healthcheck`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

folder = Path(tempfile.gettempdir())
role = sys.argv[1] if len(sys.argv) > 1 else (folder / "scaiflow.role").read_text().strip()
if role in {"web", "sync"}:
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8001")), timeout=4)
    connection.request(
        "GET", "/readyz", headers={"Host": os.environ.get("SCAIFLOW_ALLOWED_HOSTS", "localhost").split(",")[0]}
    )
    sys.exit(connection.getresponse().status != 200)
age = time.time() - (folder / f"scaiflow-{role}.alive").stat().st_mtime
sys.exit(age > 60)
