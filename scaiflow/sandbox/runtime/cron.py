"""Cron lines of five fields: numbers, names, `*`, lists, ranges and steps (crontab(5))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FIELDS = (
    (0, 59, ""),
    (0, 23, ""),
    (1, 31, ""),
    (1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    (0, 7, "SUN MON TUE WED THU FRI SAT"),
)


class CronError(ValueError):
    """A line or a time zone that cannot be read."""


@dataclass(frozen=True)
class Cron:
    """When a schedule fires, in its own time zone.

    `either_day`: day of month and weekday are both restricted, and one of them is enough (crontab(5)).
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        """Whether the line names this minute."""
        local = moment.astimezone(self.zone)
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and local.month in self.months
            and ((day or weekday) if self.either_day else (day and weekday))
        )

    def between(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """The firing minutes behind `after` up to and with `until`, the first `most` of them."""
        minute = after.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        found: list[datetime] = []
        while minute <= until and len(found) < most:
            if self.holds(minute):
                found.append(minute)
            minute += timedelta(minutes=1)
        return found


def cron_of(trigger: Mapping[str, Any]) -> Cron:
    """The line of a `schedule` trigger in its time zone, UTC without one. Raises CronError."""
    return parse_cron(str(trigger.get("cron")), str(trigger.get("timezone") or "UTC"))


@lru_cache(maxsize=256)
def parse_cron(line: str, zone: str) -> Cron:
    """Raises CronError."""
    parts = line.split()
    if len(parts) != len(_FIELDS):
        raise CronError(f"a cron line has 5 fields, not {len(parts)}: {line!r}")
    try:
        minutes, hours, days, months, weekdays = (
            _numbers(part, *field) for part, field in zip(parts, _FIELDS, strict=True)
        )
        either = not parts[2].startswith("*") and not parts[4].startswith("*")
        week = frozenset(day % 7 for day in weekdays)
        return Cron(minutes, hours, days, months, week, either, ZoneInfo(zone))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:  # OSError: the name of a folder of zones
        raise CronError(f"{line!r} in {zone!r}: {error}") from error


def _numbers(part: str, low: int, high: int, names: str) -> frozenset[int]:
    found: set[int] = set()
    for item in part.split(","):
        span, slash, step = item.partition("/")
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, low, names)
            last = _number(end, low, names) if dash else (high if slash else first)
        if not low <= first <= last <= high or (slash and int(step) < 1):
            raise CronError(f"bad field {part!r}")
        found.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, low: int, names: str) -> int:
    known = names.split()
    return known.index(text.upper()) + low if text.upper() in known else int(text)
