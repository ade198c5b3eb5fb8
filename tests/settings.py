"""Settings of the test run: an environment of its own, so that nothing of the developer's machine leaks in."""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path

WORK = Path(tempfile.mkdtemp(prefix="scaiflow-tests-"))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)
for name in [name for name in os.environ if name.startswith(("SCAIFLOW_", "SCAIKEY_", "SCAIGRID_", "SCAIQUEUE_"))]:
    del os.environ[name]
os.environ.update(
    SCAIFLOW_ENV_FILE="/dev/null",
    SCAIFLOW_SECRET_KEY="only-for-tests-only-for-tests-only-for-tests",
    SCAIFLOW_ENCRYPTION_KEYS=base64.urlsafe_b64encode(b"k" * 32).decode(),
    SCAIFLOW_ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    SCAIFLOW_DB_URL=os.environ.get("TEST_DATABASE_URL", f"sqlite:///{WORK}/unused.db"),
    SCAIFLOW_STORAGE_URL=f"file://{WORK}/objects",
    SCAIFLOW_SCAIKEY_CLIENT_ID="scaiflow",
    SCAIFLOW_SCAIKEY_CLIENT_SECRET="the-clients-secret",
    SCAIFLOW_JOB_WAIT_SECONDS="60",
    SCAIFLOW_HTTPS_ONLY="false",
    SCAIFLOW_SIGNIN_RATE="0",
    SCAIFLOW_WEBHOOK_RATE="0",
    SCAIGRID_BASE_URL="http://127.0.0.1:9",
)

from scaiflow.settings import *  # noqa: E402, F403
from scaiflow.settings import CACHES, CHANNEL_LAYERS, DATABASES  # noqa: E402

match DATABASES["default"]["ENGINE"].rpartition(".")[2]:
    case "sqlite3":
        # A file, not memory: jobs run on threads of their own, and SQLite's shared memory knows no waiting for a lock.
        DATABASES["default"]["TEST"] = {"NAME": str(WORK / "test.sqlite3")}
        DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
    case "mysql":
        DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
# Jobs stay on this process's threads: workers are processes, and tests/e2e/ has those.
if REDIS := os.environ.get("TEST_REDIS_URL"):
    # A cache is cleared whole, so each worker of xdist has its own.
    WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    REDIS = f"{REDIS.rpartition('/')[0]}/{8 + int(WORKER)}"
    CACHES["default"] = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS, "socket_timeout": 30}]},
    }
STATICFILES_DIRS: list[str] = []
WHITENOISE_AUTOREFRESH = True  # else every test's client reads through all static files
