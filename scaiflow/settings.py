"""Django's settings, from the environment alone (see env.py and docs/configuration.md)."""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from corsheaders.defaults import default_headers

from scaiflow import env

BASE_DIR = env.BASE_DIR
DEBUG = env.flag("SCAIFLOW_DEBUG")

# --- the listener -----------------------------------------------------------------------------------------------------
API_HOST = env.text("SCAIFLOW_API_HOST", "127.0.0.1")
API_PORT = env.number("SCAIFLOW_API_PORT", 8001, most=65535)
SECRET_KEY = env.secret_key("SCAIFLOW_SECRET_KEY", development=DEBUG)
ENCRYPTION_KEYS = env.encryption_keys("SCAIFLOW_ENCRYPTION_KEYS", development=DEBUG)
ALLOWED_HOSTS = env.words("SCAIFLOW_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CORS_ALLOWED_ORIGINS = env.words("SCAIFLOW_CORS_ORIGINS", "http://localhost:5173")
for _origin in CORS_ALLOWED_ORIGINS:
    if not env.is_web_address(_origin) or urlsplit(_origin).path:
        env.refuse("SCAIFLOW_CORS_ORIGINS", f"{_origin!r} is not an origin like https://host")

# --- ScaiKey and rights -----------------------------------------------------------------------------------------------
SCAIKEY_BASE_URL = env.base_url("SCAIKEY_BASE_URL")
SCAIKEY_CLIENT_ID = env.text("SCAIFLOW_SCAIKEY_CLIENT_ID")
SCAIKEY_CLIENT_SECRET = env.text("SCAIFLOW_SCAIKEY_CLIENT_SECRET", secret=True)
SCAIKEY_AUDIENCE = env.text("SCAIKEY_AUDIENCE", SCAIKEY_CLIENT_ID)
if SCAIKEY_BASE_URL and not SCAIKEY_AUDIENCE:
    env.refuse("SCAIFLOW_SCAIKEY_CLIENT_ID", "is required when SCAIKEY_BASE_URL is set (it is the audience of tokens)")
OIDC_REDIRECT_URI = env.address(
    "SCAIFLOW_OIDC_REDIRECT_URI", "http://localhost:5173/auth/callback", schemes=("https", "http")
)
ACCEPT_ID_TOKENS = env.flag("SCAIFLOW_ACCEPT_ID_TOKENS")
PERMISSION_CLAIMS = env.words("SCAIFLOW_PERMISSION_CLAIMS", "scope,scp,permissions")
DEFAULT_PERMISSIONS = env.words("SCAIFLOW_DEFAULT_PERMISSIONS")
SCAIKEY_APPLICATION_ID = env.text("SCAIFLOW_SCAIKEY_APPLICATION_ID", "me")
SCAIKEY_WEBHOOK_SECRETS = env.words("SCAIFLOW_SCAIKEY_WEBHOOK_SECRET", secret=True)
SYNC_INTERVAL_MINUTES = env.number("SCAIFLOW_SYNC_INTERVAL_MINUTES", 60, least=1, most=7 * 24 * 60)
SUPER_ADMIN_GROUPS = env.words("SCAIFLOW_SUPER_ADMIN_GROUPS")
AUTH_DISABLED = env.flag("SCAIFLOW_AUTH_DISABLED")
if AUTH_DISABLED and not DEBUG:
    env.refuse("SCAIFLOW_AUTH_DISABLED", "is refused unless SCAIFLOW_DEBUG is true")
API_TOKEN = env.text("SCAIFLOW_API_TOKEN", secret=True)

# --- the other upstreams ----------------------------------------------------------------------------------------------
SCAIGRID_BASE_URL = env.base_url("SCAIGRID_BASE_URL", "https://scaigrid.scailabs.ai")
SCAIGRID_API_KEY = env.text("SCAIGRID_API_KEY", secret=True)
SCAIGRID_ALLOWED_HOSTS = env.words("SCAIFLOW_SCAIGRID_ALLOWED_HOSTS", urlsplit(SCAIGRID_BASE_URL).hostname or "")
SCAIQUEUE_BASE_URL = env.base_url("SCAIQUEUE_BASE_URL")
SCAIBUNKER_BASE_URL = env.base_url("SCAIBUNKER_BASE_URL")
SCAIVAULT_BASE_URL = env.base_url("SCAIVAULT_BASE_URL")
DEPLOY_AUTH = env.choice("SCAIFLOW_DEPLOY_AUTH", {"user_jwt", "api_key"})

# --- limits -----------------------------------------------------------------------------------------------------------
MAX_CONTENT_BYTES = env.number("SCAIFLOW_MAX_CONTENT_BYTES", 5 * 1024 * 1024, least=1024, most=64 * 1024 * 1024)
# A body may be as large as the content in it, plus a name and a description, plus what JSON's escapes cost.
MAX_BODY_BYTES = MAX_CONTENT_BYTES + 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# A package holds a document, its manifest and a readme, so it may be larger than any of them (catalog/packaging.py).
MAX_PACKAGE_BYTES = 32 * 1024 * 1024
PACKAGE_ROADS = {"/api/v1/flows/import", "/flows/new", "/flows/try"}
MAX_SYNC_BYTES = env.number("SCAIFLOW_MAX_SYNC_BYTES", 16 * 1024 * 1024, least=1024)
MAX_DOCUMENT_BYTES = env.number("SCAIFLOW_MAX_DOCUMENT_BYTES", 30 * 1024 * 1024, least=64 * 1024)
SYNC_QUEUE_BYTES = env.number("SCAIFLOW_SYNC_QUEUE_BYTES", 4 * 1024 * 1024, least=64 * 1024)
SYNC_SOCKETS_PER_FLOW = env.number("SCAIFLOW_SYNC_SOCKETS_PER_FLOW", 100, least=1)
SYNC_SOCKETS_PER_USER = env.number("SCAIFLOW_SYNC_SOCKETS_PER_USER", 20, least=1)
SYNC_IDLE_SECONDS = env.number("SCAIFLOW_SYNC_IDLE_SECONDS", 30)
SYNC_DRAIN_SECONDS = env.number("SCAIFLOW_SYNC_DRAIN_SECONDS", 5, most=600)
# How often the events of a Core are read while somebody watches, a quiet stream gives a sign, and its rights are checked.
EVENT_POLL_SECONDS, EVENT_HEARTBEAT_SECONDS, EVENT_RECHECK_SECONDS = 1.0, 15.0, 30.0
JOB_WAIT_SECONDS = env.number("SCAIFLOW_JOB_WAIT_SECONDS", 120, most=3600)

# How often one address may come in a minute, where there is no token yet or a secret that could be guessed (kit/limits.py).
RATE_LIMITS = {
    "signin": env.number("SCAIFLOW_SIGNIN_RATE", 60),
    "webhooks": env.number("SCAIFLOW_WEBHOOK_RATE", 1200),
    "secrets": 60,
}
RATE_LIMITED_PATHS = {
    **dict.fromkeys(("/api/v1/auth/exchange", "/api/v1/auth/refresh", "/login", "/login/callback"), "signin"),
    **dict.fromkeys(("/api/v1/webhooks/scaikey",), "webhooks"),
    **dict.fromkeys(("/api/v1/dev/deploy", "/metrics"), "secrets"),
}
TRUSTED_PROXIES = env.number("SCAIFLOW_TRUSTED_PROXIES", 0, most=10)

# --- where things are kept --------------------------------------------------------------------------------------------
DATABASES = {"default": env.database("SCAIFLOW_DB_URL", "sqlite:///var/scaiflow.db")}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql

    pymysql.install_as_MySQLdb()
REDIS_URL = env.address("SCAIFLOW_REDIS_URL", schemes=("redis", "rediss", "unix"), secret=True)
STORAGES = {
    "default": env.storage("SCAIFLOW_STORAGE_URL", "file://var/objects"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Half-open sockets die after seconds under redis-py 8 unless a timeout is given.
_REDIS_HOSTS = {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}]}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": _REDIS_HOSTS}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

RETENTION_DAYS = {
    "deliveries": env.number("SCAIFLOW_KEEP_DELIVERIES_DAYS", 90, most=36500),
    "jobs": env.number("SCAIFLOW_KEEP_JOBS_DAYS", 180, most=36500),
}
AUDIT_EXPORT = env.flag("SCAIFLOW_AUDIT_EXPORT")

# --- jobs -------------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_RESULT_BACKEND = None  # a job's state is its row; nothing is kept twice
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 10, "socket_connect_timeout": 5}
CELERY_BEAT_SCHEDULER = "scaiflow.kit.beat:TickingScheduler"
CELERY_BEAT_SCHEDULE_FILENAME = os.path.join(tempfile.gettempdir(), "scaiflow-beat")  # may be lost
# Run by Celery's beat, or, without Redis, by the web process (kit/schedule.py).
CELERY_BEAT_SCHEDULE = {
    "scaikey-sync": {"task": "tenants.sync", "schedule": timedelta(minutes=SYNC_INTERVAL_MINUTES)},
    "tend-jobs": {"task": "flows.tend_jobs", "schedule": timedelta(seconds=10)},
    "apply-waiting-events": {"task": "webhooks.apply_waiting", "schedule": timedelta(seconds=15)},
    "compact-documents": {"task": "flows.compact_documents", "schedule": timedelta(seconds=60)},
    "keep-house": {"task": "console.keep_house", "schedule": timedelta(minutes=10)},  # does it once a day
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.2}

# --- Django -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "scaiflow.console.apps.Admin",
    "rest_framework",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "mozilla_django_oidc",
    "scaiflow.kit",
    "scaiflow.sandbox",
    "scaiflow.console",
    "tenants",
    "catalog",
    "flows",
    "lookups",
    "webhooks",
]
MIDDLEWARE = [
    "scaiflow.kit.middleware.Gate",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "scaiflow.kit.csp.StrictPolicy",
]
ROOT_URLCONF = "scaiflow.urls"
ASGI_APPLICATION = "scaiflow.asgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # the files are served from where they lie; there is no collecting step to forget
WHITENOISE_AUTOREFRESH = DEBUG
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.ScaiKeyBearer"],
    "DEFAULT_PERMISSION_CLASSES": ["scaiflow.kit.rights.HasPermission"],
    "DEFAULT_RENDERER_CLASSES": ["scaiflow.kit.json.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["scaiflow.kit.json.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "scaiflow.kit.json.AlwaysJSON",
    "EXCEPTION_HANDLER": "scaiflow.kit.api.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "scaiflow.kit.openapi.TableSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ScaiFlow",
    "VERSION": "1.0",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": 'The backend of a visual AI-flow platform. Every failure is `{"detail": ...}`: a sentence, a list of '
    "problems with the request's shape, or an object with a stable `error`; by `Accept: application/problem+json` it comes "
    "as RFC 9457 has it. Every answer carries `X-Request-ID`. A trailing slash is led to the path without (307).",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,128}$"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "scaiflow.console.reference.document.complete",
    ],
    "COMPONENT_SPLIT_PATCH": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SORT_OPERATIONS": False,
}
CORS_URLS_REGEX = r"^/api/"
CORS_EXPOSE_HEADERS = [
    "ETag", "Location", "Retry-After", "X-Request-ID",
    "X-Scaigrid-Ratelimit-Limit", "X-Scaigrid-Ratelimit-Remaining", "X-Scaigrid-Ratelimit-Reset",
]  # fmt: skip
# What a canvas sends besides what every browser may: conditions, a key against doing twice, the place in a stream.
CORS_ALLOW_HEADERS = [
    *default_headers, "if-match", "if-none-match", "idempotency-key", "last-event-id", "prefer", "x-request-id",
]  # fmt: skip
CORS_PREFLIGHT_MAX_AGE = int(timedelta(hours=1).total_seconds())

# --- browser sign-in (/admin/ and the console; endpoints come from ScaiKey's discovery, see console/signin.py) --------
AUTHENTICATION_BACKENDS = ["scaiflow.console.signin.ScaiKeySignIn"]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGIN_REDIRECT_URL_FAILURE, LOGOUT_REDIRECT_URL = "login", "home", "/?signin=failed", "/"
OIDC_AUTHENTICATION_CALLBACK_URL = "login-callback"
OIDC_RP_SCOPES = "openid email profile scaicore:view scaicore:manage"
OIDC_USE_PKCE = OIDC_USE_NONCE = True
OIDC_RP_CLIENT_ID = SCAIKEY_CLIENT_ID
OIDC_MAX_STATES = 10

# --- browsers ---------------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else int(timedelta(days=365).total_seconds())
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_SSL_REDIRECT = env.flag("SCAIFLOW_HTTPS_ONLY", not DEBUG)
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked by orchestrators on the machine's own address
# Whether the domain goes onto browsers' preload list is its owner's to say, not this program's.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict would lose the session on the way back from ScaiKey
SESSION_COOKIE_AGE = int(timedelta(hours=8).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# The prefix makes browsers refuse the cookie unless it is secure, for this host alone and for all of it.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("session", "csrf") if DEBUG else ("__Host-session", "__Host-csrf")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "scaiflow.console.views.failures.form_out_of_date"

METRICS_TOKEN = env.text("SCAIFLOW_METRICS_TOKEN", secret=True)
WORKER_METRICS_PORT = env.number("SCAIFLOW_WORKER_METRICS_PORT", 0, most=65535)
OTLP_ENDPOINT = env.base_url("OTEL_EXPORTER_OTLP_ENDPOINT")
SENTRY_DSN = env.address("SENTRY_DSN", schemes=("https", "http"), secret=True)

# --- logs -------------------------------------------------------------------------------------------------------------
LOG_FORMAT = env.choice("SCAIFLOW_LOG_FORMAT", {"json", "console"}, "json")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "scaiflow.kit.logs.formatter", "style": LOG_FORMAT}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "CRITICAL"},  # kit/api.py logs bugs itself, with the request id
        "daphne": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},  # it tells the whole address of a socket, with the token in its query
        "uvicorn.access": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
    },
}
