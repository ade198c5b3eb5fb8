"""Charts as SVG: bars and a curve over the hours. Pure. Each says in words what it shows, for those who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from scaiflow.console.runs import Run

HOURS = 24
WIDTH, HEIGHT = 480.0, 100.0


@dataclass(frozen=True)
class Hour:
    """What began within one hour."""

    begin: datetime
    runs: int = 0
    failed: int = 0
    p95: float | None = None

    @property
    def failure_rate(self) -> float | None:
        return self.failed / self.runs if self.runs else None

    @property
    def label(self) -> str:
        return f"{self.begin:%d %b %H:00} UTC"


@dataclass(frozen=True)
class Plot:
    title: str
    told: str
    svg: str


def hours_of(runs: Sequence[Run], *, now: datetime) -> list[Hour]:
    """The last 24 hours, oldest first."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    by_hour: dict[datetime, list[Run]] = {last - timedelta(hours=back): [] for back in range(HOURS - 1, -1, -1)}
    for run in runs:
        begin = run.started_at and run.started_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if begin in by_hour:
            by_hour[begin].append(run)
    return [_hour(begin, found) for begin, found in by_hour.items()]


def plots_of(runs: Sequence[Run], *, now: datetime, since: datetime | None = None) -> list[Plot]:
    """Runs per hour, failure rate, p95 of the duration. `since` is where the events begin that the runs were made of, if
    there are older ones: of what lies before, nothing is known."""
    hours = hours_of(runs, now=now)
    recent = [run for run in runs if run.started_at and run.started_at >= hours[0].begin]
    durations = [run.milliseconds for run in recent if run.milliseconds is not None]
    total, failed = sum(hour.runs for hour in hours), sum(hour.failed for hour in hours)
    number = f"at least {total}" if since is not None and since > hours[0].begin else str(total)
    rate = f"{failed / total:.0%}" if total else "no runs"
    return [
        Plot(
            "Runs per hour", f"{number} in 24 h",
            bars([(h.label, float(h.runs)) for h in hours], title="Runs per hour"),
        ),
        Plot(
            "Failure rate", rate,
            bars(
                [(h.label, h.failure_rate or 0.0) for h in hours],
                title="Failure rate", most=1.0, bad=True, percent=True,
            ),
        ),
        Plot(
            "p95 duration", in_words(percentile(durations, 0.95)),
            curve([(h.label, h.p95) for h in hours], title="p95 duration in milliseconds"),
        ),
    ]  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def in_words(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "no finished runs"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def bars(
    points: Sequence[tuple[str, float]],
    *,
    title: str,
    most: float | None = None,
    bad: bool = False,
    percent: bool = False,
) -> str:
    top = most or max((value for _, value in points), default=0.0) or 1.0
    step = WIDTH / max(len(points), 1)
    drawn = []
    for index, (label, value) in enumerate(points):
        height = HEIGHT * min(value / top, 1.0)
        told = f"{label}: {value:.0%}" if percent else f"{label}: {value:g}"
        drawn.append(
            f'<rect class="bar{" bad" if bad else ""}" x="{index * step + 2:.1f}" y="{HEIGHT - height:.1f}" '
            f'width="{step - 4:.1f}" height="{height:.1f}" rx="2"><title>{escape(told)}</title></rect>'
        )
    return _framed(title, points, "".join(drawn))


def curve(points: Sequence[tuple[str, float | None]], *, title: str) -> str:
    """Hours without a value are left out, and the line goes on behind them. A dot is a line of no length with round ends: a
    circle would be drawn out with the rest of the chart."""
    top = max((value for _, value in points if value is not None), default=0.0) or 1.0
    step = WIDTH / max(len(points), 1)
    known = [
        (index * step + step / 2, HEIGHT - HEIGHT * 0.92 * value / top, label, value)
        for index, (label, value) in enumerate(points)
        if value is not None
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in known)
    dots = "".join(
        f'<path class="dot" d="M{x:.1f} {y:.1f}h.01"><title>{escape(f"{label}: {value:.0f} ms")}</title></path>'
        for x, y, label, value in known
    )
    drawn = f'<polyline class="curve" points="{line}"/>{dots}' if known else ""
    return _framed(title, points, drawn)


def _framed(title: str, points: Sequence[tuple[str, float | None]], inside: str) -> str:
    told = [f"{label} {value:g}" for label, value in points if value]
    words = f"{title}, the last {len(points)} hours: {'; '.join(told) or 'nothing'}"
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH:.0f} {HEIGHT + 2:.0f}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}">{inside}'
        f'<line class="base" x1="0" y1="{HEIGHT:.0f}" x2="{WIDTH:.0f}" y2="{HEIGHT:.0f}"/></svg>'
    )


def _hour(begin: datetime, runs: Sequence[Run]) -> Hour:
    durations = [run.milliseconds for run in runs if run.milliseconds is not None]
    failed = sum(run.state == "failed" for run in runs)
    return Hour(begin, len(runs), failed, percentile(durations, 0.95))
