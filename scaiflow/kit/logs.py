"""Log lines: one JSON object a line (or coloured text), with the request's id, and no secret in any of them."""

from __future__ import annotations

import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from scaiflow.kit.nul import without_nul

SECRET_KEYS = re.compile(r"token|secret|password|api_key|authorization|cookie", re.IGNORECASE)
SECRET_TEXT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|sgk_[\w-]{4,}|(?<=Bearer )\S+")
HIDDEN = "[hidden]"


def scrub(logger: Any, method: str, event: EventDict) -> EventDict:
    """The last net: code must not log secrets, and when it does all the same they stop here."""
    cleaned: EventDict = redact(dict(event))
    return cleaned


def redact(value: Any) -> Any:
    """Plain data without what is named like a secret or looks like one (and without NUL, which not every database keeps)."""
    if isinstance(value, str):
        return SECRET_TEXT.sub(HIDDEN, without_nul(value))
    if isinstance(value, dict):
        return {
            without_nul(key): HIDDEN if SECRET_KEYS.search(str(key)) else redact(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def add_trace_id(logger: Any, method: str, event: EventDict) -> EventDict:
    """The trace that a line belongs to, where there is one (see tracing.py)."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    context = trace.get_current_span().get_span_context() if trace else None
    if context and context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    add_trace_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def formatter(style: str) -> structlog.stdlib.ProcessorFormatter:
    """For LOGGING: lines of structlog and of the standard library alike."""
    last: Processor = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            scrub,
            last,
        ],
    )


structlog.configure(
    processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
