"""Where a socket carries its token: browsers cannot set headers on one. (spec: realtime.md)

In the query as `token` or `access_token`, or as the subprotocol after `bearer`. Servers write addresses into their logs, so
`hide_query` takes the query out of what they see before anything is answered.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

QUERY = "scaiflow.query"
SUBPROTOCOL = "bearer"
NAMES = ("token", "access_token")


def hide_query(scope: dict[str, Any]) -> None:
    """In the server's own scope, not in a copy of it."""
    scope[QUERY], scope["query_string"] = scope["query_string"], b""


def bearer_in(scope: dict[str, Any]) -> tuple[str, str | None]:
    """The token ("" when there is none), and the subprotocol to answer with."""
    offered: list[str] = scope.get("subprotocols") or []
    if SUBPROTOCOL in offered:
        others = [name for name in offered if name != SUBPROTOCOL]
        return (others[0] if others else ""), SUBPROTOCOL
    query = parse_qs(scope.get(QUERY, scope.get("query_string", b"")).decode("latin-1"))
    found = [values[0] for name in NAMES if (values := query.get(name))]
    return (found[0] if found else ""), None
