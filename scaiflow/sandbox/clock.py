"""The sandbox's time: the machine's own, plus an offset that tests and demonstrations may move."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_ISO_UNITS = (86_400, 3600, 60, 1)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Clock:
    """Now, in UTC. Only ever moved forwards: `advance`."""

    def __init__(self, ahead_seconds: float = 0.0) -> None:
        self._offset = timedelta(seconds=ahead_seconds)

    @property
    def ahead_seconds(self) -> float:
        """How far it is ahead of the machine's clock."""
        return self._offset.total_seconds()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forwards; the machine's clock is not touched."""
        self._offset += timedelta(seconds=max(0.0, seconds))


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-04-29T10:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(duration: object) -> float | None:
    """Seconds in `"30s"`, `"1h30m"`, `"PT15M"`, or a number of seconds; None when it is none of them."""
    if isinstance(duration, bool) or duration is None:
        return None
    if isinstance(duration, int | float):
        return float(duration)
    text = str(duration).strip()
    if text.replace(".", "", 1).isdigit():
        return float(text)
    if iso_duration := _ISO.fullmatch(text):
        return sum(float(amount or 0) * size for amount, size in zip(iso_duration.groups(), _ISO_UNITS, strict=True))
    if not text or _DURATION.sub("", text).strip():
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in _DURATION.findall(text))
