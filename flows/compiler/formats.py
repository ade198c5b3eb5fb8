"""Texts with a grammar of their own: cron, time zones, Core addresses, durations, URLs and names.

Each check takes the text and answers what is wrong with it, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

_CRON_FIELDS = (
    ("minute", 0, 59, ""),
    ("hour", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"),
    ("day of week", 0, 7, "SUN MON TUE WED THU FRI SAT"),
)
_CRON_PART = re.compile(r"(?P<all>\*)|(?P<first>\w+)(-(?P<last>\w+))?")
_DURATION = re.compile(r"\d+(\.\d+)?\s?(ms|s|m|h|d)|P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?")
_CORE = re.compile(r"core://[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_METHOD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def cron_problem(text: str) -> str | None:
    """Five fields of numbers, names, `*`, lists, ranges and steps (crontab(5))."""
    parts = text.split()
    if len(parts) != len(_CRON_FIELDS):
        return f"must have 5 fields (minute hour day month weekday), not {len(parts)}"
    for part, (label, low, high, names) in zip(parts, _CRON_FIELDS, strict=True):
        if not all(_is_cron_item(item, low, high, names.split()) for item in part.split(",")):
            return f"has a bad {label}: '{part}' (numbers {low}-{high}, *, lists, ranges and steps)"
    return None


def _is_cron_item(item: str, low: int, high: int, names: list[str]) -> bool:
    span, slash, step = item.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step[:9]) > 0):
        return False
    match = _CRON_PART.fullmatch(span)
    if match is None:
        return False
    if match["all"]:
        return True
    first = _cron_number(match["first"], low, names)
    last = first if match["last"] is None else _cron_number(match["last"], low, names)
    return first is not None and last is not None and low <= first <= last <= high


def _cron_number(text: str, low: int, names: list[str]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + low
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else None


@cache
def _zones() -> frozenset[str]:
    """The names of the database as it is packed with the server: the machine's own knows others, such as `localtime`."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


def timezone_problem(text: str) -> str | None:
    """A name of the IANA time zone database."""
    return None if text in _zones() else "is not an IANA time zone, such as UTC or Europe/Amsterdam"


def _pattern_check(pattern: re.Pattern[str], problem: str) -> Callable[[str], str | None]:
    return lambda text: None if pattern.fullmatch(text) else problem


def path_problem(text: str) -> str | None:
    return None if text.startswith("/") and not re.search(r"\s", text) else "must begin with / and hold no spaces"


def url_problem(text: str) -> str | None:
    """http or https; a text that begins with a template may become anything."""
    return None if re.match(r"https?://\S|\{\{", text) else "must begin with http:// or https://, or with {{"


FORMATS: dict[str, Callable[[str], str | None]] = {
    "cron": cron_problem,
    "timezone": timezone_problem,
    "path": path_problem,
    "url": url_problem,
    "core": _pattern_check(_CORE, "must be core://{tenant_slug}/{slug}"),
    "duration": _pattern_check(_DURATION, "must be a duration such as 30s, 5m, 24h or 7d"),
    "name": _pattern_check(_NAME, "must be a name: letters, digits and _, not beginning with a digit"),
    "alias": _pattern_check(_ALIAS, "must be a plugin alias: letters, digits, _ and -"),
    "method": _pattern_check(_METHOD, "must be a method name: letters, digits and _, parts joined by dots"),
}
