"""The start: a wrong value ends it with one line that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "SCAIFLOW_SECRET_KEY": "x" * 50,
    "SCAIFLOW_ENCRYPTION_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
    "SCAIFLOW_ENV_FILE": "/dev/null",
}
CHECK = "import scaiflow.settings as s; print(s.DATABASES['default']['ENGINE'], s.STORAGES['default'])"


def start(code: str = CHECK, **variables: str) -> subprocess.CompletedProcess[str]:
    base = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=base | variables, capture_output=True, text=True, check=False)


WRONG = [
    ("SCAIFLOW_DEBUG", "maybe"),
    ("SCAIFLOW_API_PORT", "99999"),
    ("SCAIFLOW_API_PORT", "²"),
    ("SCAIFLOW_SECRET_KEY", "short"),
    ("SCAIFLOW_ENCRYPTION_KEYS", "dG9vIHNob3J0"),
    ("SCAIFLOW_DB_URL", "oracle://x/y"),
    ("SCAIFLOW_STORAGE_URL", "ftp://x"),
    ("SCAIFLOW_CORS_ORIGINS", "https://x/path"),
    ("SCAIFLOW_DEPLOY_AUTH", "magic"),
    ("SCAIFLOW_MAX_CONTENT_BYTES", "-1"),
    ("SCAIFLOW_AUTH_DISABLED", "true"),
    ("SCAIGRID_BASE_URL", "https://user:pass@host"),
    ("SCAIFLOW_LOG_FORMAT", "xml"),
    ("SCAIFLOW_DB_URL", "postgres://h:abc/db"),
    ("SCAIFLOW_DB_URL", "postgres://[h/db"),
    ("SCAIFLOW_DB_URL", "sqlite:///"),
    ("SCAIFLOW_STORAGE_URL", "s3://[x"),
    ("SCAIFLOW_REDIS_URL", "localhost:6379"),
    ("SCAIFLOW_OIDC_REDIRECT_URI", "not-a-url"),
    ("SENTRY_DSN", "nonsense"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_stops_the_start_with_one_line(name: str, value: str) -> None:
    ended = start(**PRODUCTION | {name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"{name}: ")
    assert ended.stderr.count("\n") == 1


def test_sqlite_writes_ahead_and_waits_for_its_turn(tmp_path: Path) -> None:
    code = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    print(*(cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "busy_timeout", "foreign_keys")))
"""
    variables = PRODUCTION | {
        "DJANGO_SETTINGS_MODULE": "scaiflow.settings",
        "SCAIFLOW_DB_URL": f"sqlite:///{tmp_path}/x.db",
    }
    ended = start(code, **variables)
    assert ended.stdout.split() == ["wal", "20000", "1"], ended.stderr


@pytest.mark.parametrize("name", ["SCAIFLOW_SECRET_KEY", "SCAIFLOW_ENCRYPTION_KEYS"])
def test_production_needs_real_keys(name: str) -> None:
    ended = start(**{key: value for key, value in PRODUCTION.items() if key != name})
    assert (ended.returncode, ended.stderr.split(":")[0]) == (1, name)


def test_a_scaikey_needs_its_client() -> None:
    assert start(**PRODUCTION, SCAIKEY_BASE_URL="https://key.example").stderr.startswith("SCAIFLOW_SCAIKEY_CLIENT_ID: ")


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("sqlite:////tmp/scaiflow-never-made.db", "sqlite3"),
        ("sqlite+aiosqlite:////tmp/scaiflow-never-made.db", "sqlite3"),
        ("postgres://u:p%40ss@db:5432/scaiflow?sslmode=require", "postgresql"),
        ("mysql+aiomysql://u:p@db/scaiflow", "mysql"),
    ],
)
def test_the_products_database_addresses_are_understood(url: str, engine: str) -> None:
    ended = start(**PRODUCTION, SCAIFLOW_DB_URL=url)
    assert ended.stdout.split()[0] == f"django.db.backends.{engine}", ended.stderr


def settings_of(url: str) -> str:
    ended = start("import scaiflow.settings as s; print(s.DATABASES['default'])", **PRODUCTION, SCAIFLOW_DB_URL=url)
    return ended.stdout or ended.stderr


def test_postgres_is_pooled_and_keeps_no_connection_of_its_own() -> None:
    told = settings_of("postgres://u@db/scaiflow?sslmode=require&pool_max_size=25")
    assert "'CONN_MAX_AGE': 0" in told
    assert "'sslmode': 'require', 'pool': {'min_size': 1, 'max_size': 25, 'timeout': 10}" in told


def test_mariadb_is_spoken_to_over_tls_where_that_is_said() -> None:
    assert "'charset': 'utf8mb4', 'ssl_ca': '/etc/ca.pem'" in settings_of("mysql://u@db/x?ssl_ca=/etc/ca.pem")


@pytest.mark.parametrize("url", ["postgres://u@db/x?pool_max_size=0", "mysql://u@db/x?unknown=1", "postgres://u@/x"])
def test_an_option_that_makes_no_sense_stops_the_start(url: str) -> None:
    assert settings_of(url).startswith("SCAIFLOW_DB_URL: ")


def test_a_bucket_is_an_address_too() -> None:
    ended = start(**PRODUCTION, SCAIFLOW_STORAGE_URL="s3://flows/eu?endpoint_url=http://127.0.0.1:9000&region_name=eu")
    assert "'bucket_name': 'flows'" in ended.stdout
    assert "'location': 'eu'" in ended.stdout


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    extra = tmp_path / "extra.env"
    extra.write_text("# a comment\nexport SCAIFLOW_API_PORT=9001\nSCAIFLOW_API_HOST='10.0.0.1'\n")
    code = "import scaiflow.settings as s; print(s.API_HOST, s.API_PORT)"
    ended = start(code, **PRODUCTION | {"SCAIFLOW_ENV_FILE": str(extra)}, SCAIFLOW_API_PORT="9002")
    assert ended.stdout.split() == ["10.0.0.1", "9002"]


def test_check_lists_what_is_set_with_secrets_masked() -> None:
    command = "import sys; sys.argv = ['manage.py', 'check']; exec(open('manage.py').read())"
    ended = start(command, **PRODUCTION, SCAIFLOW_API_TOKEN="do-not-show-me", SCAIFLOW_DB_URL="sqlite:////tmp/x.db")
    assert "SCAIFLOW_API_TOKEN=********" in ended.stdout, ended.stderr
    assert "do-not-show-me" not in ended.stdout + ended.stderr
    assert PRODUCTION["SCAIFLOW_ENCRYPTION_KEYS"] not in ended.stdout
