"""Traces and bug reports, for installations that say where they are to go. Without OTEL_EXPORTER_OTLP_ENDPOINT and
SENTRY_DSN nothing of this is even imported.

One trace runs from the request through the job to every call of another service, on threads and through the broker alike.
What leaves the process carries no query strings, no bodies and no local variables, and passes the same net as the logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from scaiflow.kit.logs import redact

URL_ATTRIBUTES = ("http.url", "http.target", "url.full", "url.query")


def start(role: str) -> None:
    """Once a process, after Django is set up. `role` is web, sync, worker or beat."""
    if settings.OTLP_ENDPOINT:
        _start_traces(role)
    if settings.SENTRY_DSN:
        _start_reports(role)


def report(error: BaseException) -> None:
    """Tell of a bug of ours, with the ids of what was going on."""
    if not settings.SENTRY_DSN:
        return
    sentry: Any = import_module("sentry_sdk")
    with sentry.new_scope() as scope:
        for name, value in structlog.contextvars.get_contextvars().items():
            scope.set_tag(name, str(value))
        sentry.capture_exception(error)


@contextmanager
def span_of_socket(path: str, headers: dict[str, str]) -> Iterator[None]:
    """One span from the upgrade to the end of a socket, in the trace that its headers name, if they name one."""
    if not settings.OTLP_ENDPOINT:
        yield
        return
    trace: Any = import_module("opentelemetry.trace")
    parent = import_module("opentelemetry.propagate").extract(headers)
    tracer = trace.get_tracer(__name__)
    about = {"url.path": path, "network.protocol.name": "websocket"}
    with tracer.start_as_current_span("WEBSOCKET", context=parent, kind=trace.SpanKind.SERVER, attributes=about):
        yield


def _start_traces(role: str) -> None:
    trace: Any = import_module("opentelemetry.trace")
    sdk: Any = import_module("opentelemetry.sdk.trace")
    resource: Any = import_module("opentelemetry.sdk.resources").Resource.create({"service.name": f"scaiflow-{role}"})
    exporter: Any = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
    batch: Any = import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(exporter)
    provider = sdk.TracerProvider(resource=resource)
    provider.add_span_processor(batch)
    trace.set_tracer_provider(provider)
    import_module("opentelemetry.instrumentation.django").DjangoInstrumentor().instrument(
        request_hook=_without_query, excluded_urls="healthz,readyz,metrics"
    )
    import_module("opentelemetry.instrumentation.requests").RequestsInstrumentor().instrument(
        request_hook=_without_query
    )
    import_module("opentelemetry.instrumentation.celery").CeleryInstrumentor().instrument()


def _without_query(span: Any, _: Any) -> None:
    for name in URL_ATTRIBUTES:
        value = (span.attributes or {}).get(name)
        if value is not None:
            span.set_attribute(
                name, urlsplit(str(value))._replace(query="", fragment="").geturl() if name != "url.query" else ""
            )


def _start_reports(role: str) -> None:
    sentry: Any = import_module("sentry_sdk")
    ending: Any = import_module("sentry_sdk.integrations.atexit").AtexitIntegration(callback=lambda *_: None)
    sentry.init(
        dsn=settings.SENTRY_DSN, server_name=role, default_integrations=False, integrations=[ending],
        auto_enabling_integrations=False, include_local_variables=False,
        max_request_body_size="never", before_send=_scrubbed,
    )  # fmt: skip


def _scrubbed(event: Any, _: Any) -> Any:
    return redact(event)
