"""The queues that a flow declares, and how they compare with those that are there. Pure."""

from __future__ import annotations

from typing import Any

DEFAULTS = {"consumer_mode": "fifo", "max_retries": 5}


def declared_queues(topology: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "slug": str(queue["slug"]),
            "display_name": queue.get("display_name") or queue["slug"],
            **{key: queue.get(key, default) for key, default in DEFAULTS.items()},
        }
        for queue in topology.get("queues") or []
    ]


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """The first setting in which the queue that is there is not the one that the flow means."""
    return next((key for key in DEFAULTS if key in found and found[key] != wanted[key]), None)
