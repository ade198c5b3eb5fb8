"""Lists that come in pages, in any of the forms that the services use, followed to their end.

    {"data": [...], "has_more": true, "next_cursor": "..."}            {"object": "list", "data": [...]}
    {"data": {"items": [...], "next_cursor": "..."}}                   a bare list
    {"data": {"items": [...], "page": 1, "per_page": 20, "total": 45}}

A walk is bounded: a service that never ends a list, or gives the same cursor again, is one that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scaiflow.upstream.http import Unreachable, call

MAX_PAGES = 100
PER_PAGE = 100
Item = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page as it came. `next_cursor` is None on the last; `next_page` where pages have numbers instead."""

    items: list[Item]
    next_cursor: str | None = None
    next_page: int | None = None


def all_items(service: str, url: str, *, token: str) -> Iterator[Item]:
    """The items of all pages, read as they are asked for. Raises UpstreamError, Unreachable, PassedThrough."""
    where: dict[str, str | int | None] = {}
    seen: set[str | int | None] = set()
    for _ in range(MAX_PAGES):
        page = page_of(service, call(service, "GET", url, token=token, params={"limit": PER_PAGE, **where}).data)
        yield from page.items
        following = page.next_cursor or page.next_page
        if following is None:  # a page without items may be one whose items were not for us
            return
        if following in seen:
            raise Unreachable(service, "a list comes back to the same page")
        seen.add(following)
        where = {"cursor": page.next_cursor, "page": page.next_page}
    raise Unreachable(service, f"a list has more than {MAX_PAGES} pages")


def page_of(service: str, body: Any, *names: str) -> Page:
    """The page in an answer; the list in it stands bare, under `data`, `items`, or one of `names`. Raises Unreachable when
    there is no list, or when what is in it are not objects."""
    layers: list[Item] = []
    inner = body
    while isinstance(inner, dict):
        layers.append(inner)
        inner = next((inner[name] for name in (*names, "items", "data") if name in inner), None)
    if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
        raise Unreachable(service, "answered with JSON of an unexpected shape")
    if any(layer.get("has_more") is False for layer in layers):
        return Page(inner)
    cursor = next((str(layer["next_cursor"]) for layer in layers if layer.get("next_cursor")), None)
    return Page(inner, cursor, None if cursor else next((n for n in map(_next_number, layers) if n), None))


def _next_number(layer: Item) -> int | None:
    page, per_page, total = (layer.get(name) for name in ("page", "per_page", "total"))
    if not (isinstance(page, int) and isinstance(per_page, int) and isinstance(total, int)):
        return None
    return page + 1 if page * per_page < total else None
