"""An event, read from either of the two envelopes. Pure. (spec: api.md, Webhooks)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from webhooks.signature import TOLERANCE


class BadEvent(Exception):
    """What was signed is not an event."""


@dataclass(frozen=True)
class Event:
    """`about` is what the event tells of its object; `tenant_id` is "" where the event names none."""

    id: str
    type: str
    at: datetime
    tenant_id: str
    about: dict[str, Any]


def read_event(body: Any, *, signed_at: int) -> Event:
    """`type|event_type`, `id|event_id`, `created_at|timestamp` (when missing: the time of signing), `data` and `resource`.
    Raises BadEvent."""
    if not isinstance(body, dict):
        raise BadEvent("the body should be an object")
    event_id, kind = _text(body, "id", "event_id"), _text(body, "type", "event_type")
    if not event_id or not kind:
        raise BadEvent("an event has an id and a type")
    told = body.get("created_at", body.get("timestamp"))
    about = _object(body, kind)
    tenant = about.get("tenant")
    inner = _text(about, "tenant_id") or (_text(tenant, "id") if isinstance(tenant, dict) else "")
    outer = _text(body, "tenant_id")
    if inner and outer and inner != outer:
        raise BadEvent("the event and its object name different tenants")
    return Event(event_id, kind, min(_moment(told, signed_at), _latest(signed_at)), outer or inner, about)


def _latest(signed_at: int) -> datetime:
    """An event from the far future would be newer than all that follows: it counts from about when it was signed."""
    return datetime.fromtimestamp(signed_at + TOLERANCE, UTC)


def _object(body: dict[str, Any], kind: str) -> dict[str, Any]:
    """What stands in `resource` and `data`, with the object itself one level deeper in some."""
    about: dict[str, Any] = {}
    for name in ("resource", "data"):
        part = body.get(name)
        about |= part if isinstance(part, dict) else {}
    word = kind.partition(".")[0]
    inner = about.get(word) if word in {"user", "group"} and "member" not in kind else None
    return about | inner if isinstance(inner, dict) else about


def subject_of(event: Event, word: str) -> str:
    """The id of the "user" or "group" that a membership event speaks of: `user_id` or `user.id`. "" when there is none."""
    inner = event.about.get(word)
    nested = _text(inner, "id", f"{word}_id") if isinstance(inner, dict) else ""
    return _text(event.about, f"{word}_id") or nested


def _moment(told: Any, signed_at: int) -> datetime:
    try:
        if told is None:
            return datetime.fromtimestamp(signed_at, UTC)
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC)
        moment = datetime.fromisoformat(str(told))
    except (ValueError, OverflowError, OSError):
        raise BadEvent("the event's time is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(source: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := source.get(name), str) and value), "")[:128].replace(
        "\0", ""
    )
