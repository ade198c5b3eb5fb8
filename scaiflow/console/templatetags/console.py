"""Words and small shapes of the console's templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from scaiflow.console.drawing import kind_in_words
from scaiflow.console.icons import ICONS

register = template.Library()
TONES = {
    "good": {"succeeded", "deployed", "done", "passed", "ok", "completed", "active", "resolved", "approved", "applied",
             "online", "closed"},
    "bad": {"failed", "publish_failed", "refused", "error", "rejected", "down", "expired", "suspended", "deleted"},
    "warn": {"warning", "cancelled", "waiting", "suspended_run", "pending", "open", "publish", "unpublish"},
    "info": {"running", "queued", "started", "info"},
}  # fmt: skip
BUSY = {"running", "queued", "started"}


STEPS = {
    "read": "Read the version", "credential": "Find the credential", "compile": "Compile", "provision": "See to the queues",
    "core": "Bring the Core up to date", "publish": "Publish the model", "unpublish": "Take the model back",
    "record": "Write it down",
}  # fmt: skip


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>', ICONS[name])


@register.filter
def tone(word: str) -> str:
    """The colour of a state's word."""
    return next((name for name, words in TONES.items() if str(word).lower() in words), "idle")


@register.filter
def badge(word: str) -> SafeString:
    """A state as a coloured word; the word itself always stands there."""
    busy = " busy" if str(word).lower() in BUSY else ""
    return format_html('<span class="badge {}{}">{}</span>', tone(word), busy, str(word).replace("_", " "))


@register.filter
def when(moment: Any) -> SafeString:
    """A time in UTC, which times.js turns into the reader's zone. What a service calls a time and is none stays as it is."""
    found = _moment(moment)
    if isinstance(found, datetime):
        return _time(found, "", "%d %b %Y %H:%M")
    return mark_safe('<span class="quiet">never</span>') if found is None else format_html("{}", found)


def _moment(told: Any) -> Any:
    try:
        return parse_datetime(told) if isinstance(told, str) else told
    except ValueError:
        return told


@register.filter
def exactly(moment: datetime) -> SafeString:
    """The same to the second and never in words like "yesterday", where it counts."""
    return _time(moment, "full", "%d %b %Y %H:%M:%S")


@register.filter
def typed_in_utc(text: str) -> str:
    """What a `datetime-local` field takes of a moment that was asked for; "" for what is none."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return ""
    return f"{found.astimezone(UTC) if found.tzinfo else found:%Y-%m-%dT%H:%M:%S}" if found else ""


def _time(moment: datetime, how: str, form: str) -> SafeString:
    stamp = moment.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" data-local="{}">{} UTC</time>', stamp, how, moment.strftime(form))


@register.filter
def pretty(value: Any) -> str:
    """JSON for people. What is text already stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def person(user_id: str | None, names: dict[str, str]) -> str:
    """The name behind an id, where it is known."""
    return names.get(str(user_id), str(user_id or "nobody"))


@register.filter
def initials(name: str) -> str:
    words = [word for word in str(name).replace("@", " ").split() if word]
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def kind_words(kind: str) -> str:
    return kind_in_words(str(kind))


@register.filter
def words(name: str) -> str:
    """`display_name` -> "Display name"."""
    return str(name).replace("_", " ").capitalize()


@register.filter
def step_words(step: str) -> str:
    """A job's step for people; one that is not known here stays as it is called."""
    return STEPS.get(str(step), str(step).replace("_", " ").capitalize())


@register.filter
def get(mapping: dict[str, Any] | None, key: str) -> Any:
    return (mapping or {}).get(key)


@register.filter
def pairs(mapping: Any) -> list[tuple[str, Any]]:
    """The keys with their values; none of what is no mapping. Never `mapping.items` in a template: there a key that is
    called "items" wins over the method, and people choose keys."""
    return list(mapping.items()) if isinstance(mapping, Mapping) else []


@register.filter
def milliseconds(value: float | None) -> str:
    """1234 -> "1.23 s"."""
    if value is None:
        return ""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.2f} s"


@register.filter
def kilobytes(value: int) -> str:
    return f"{value / 1024:.1f} KiB" if value >= 1024 else f"{value} B"
