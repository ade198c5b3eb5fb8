#!/bin/sh
# What each role runs. The process takes this shell's place, so that it is the one that is told to stop.
set -eu
SCAIFLOW_ROLE="${1:-web}"
export SCAIFLOW_ROLE
# A health check is started beside this process and sees nothing of its environment, so the role is written down for it.
case "$SCAIFLOW_ROLE" in
  web | sync | worker | beat) echo "$SCAIFLOW_ROLE" > "${TMPDIR:-/tmp}/scaiflow.role" ;;
esac
PORT="${PORT:-8001}"
case "$SCAIFLOW_ROLE" in
  web)  # HTTP, on threads
    export PROMETHEUS_MULTIPROC_DIR="${PROMETHEUS_MULTIPROC_DIR:-${TMPDIR:-/tmp}/scaiflow-metrics}"
    rm -rf "$PROMETHEUS_MULTIPROC_DIR" && mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
    exec python -m gunicorn --config docker/gunicorn.py scaiflow.wsgi:application ;;
  sync)  # sockets and event streams
    exec python -m uvicorn --host "${BIND:-0.0.0.0}" --port "$PORT" --ws websockets-sansio --ws-per-message-deflate false \
      --ws-max-size "$((2 * ${SCAIFLOW_MAX_SYNC_BYTES:-16777216}))" --log-level warning --no-access-log --lifespan off \
      --timeout-graceful-shutdown 30 scaiflow.asgi:application ;;
  worker)  # jobs; they wait for other services, so threads do
    exec python -m celery -A scaiflow.celery worker --pool threads --concurrency "${WORKER_THREADS:-8}" --loglevel warning ;;
  beat)  # exactly one
    exec python -m celery -A scaiflow.celery beat --loglevel warning ;;
  init)  # before all others, once a release
    python manage.py prepare_storage
    exec python manage.py migrate --noinput ;;
  sandbox)  # stands in for the five upstream services; never in production
    shift
    exec python manage.py sandbox "$@" ;;
  manage)
    shift
    exec python manage.py "$@" ;;
  *)
    echo "no such role: $SCAIFLOW_ROLE (web, sync, worker, beat, init, sandbox, manage)" >&2
    exit 64 ;;
esac
