"""Keyset pages: a cursor names the last row that was seen, so that rows which come and go meanwhile make no page skip
or repeat another row."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from scaiflow.kit import json
from scaiflow.kit.errors import Unprocessable

Row = TypeVar("Row", bound=Model)
MOST = 2**53


@dataclass(frozen=True)
class Place:
    """The last row of a page, and what the list's rows were counted to be when its first page was read."""

    moment: datetime
    key: str
    total: int | None


def page_before(rows: QuerySet[Row], *, field: str, cursor: str, limit: int) -> tuple[list[Row], str | None]:
    """Up to `limit` rows, newest `field` first, that come after `cursor` ("" = from the start), and the next cursor.
    Raises Unprocessable."""
    found, is_last = _found(rows, field, _read(cursor), limit)
    return found, None if is_last else _write(found[-1], field, None)


def counted_page(rows: QuerySet[Row], *, field: str, cursor: str, limit: int) -> dict[str, Any]:
    """`{items, total, next_cursor}`. The rows are counted once, for the first page; the cursor carries the number along,
    because counting costs more than the page itself. A first page that holds all there is needs no counting."""
    place = _read(cursor)
    found, is_last = _found(rows, field, place, limit)
    total = place.total if place else None
    if total is None:
        total = len(found) if is_last and place is None else rows.count()
    return {"items": found, "total": total, "next_cursor": None if is_last else _write(found[-1], field, total)}


def _found(rows: QuerySet[Row], field: str, place: Place | None, limit: int) -> tuple[list[Row], bool]:
    ordered = rows.order_by(f"-{field}", "-pk")
    if place:
        # The first condition says nothing that the second does not; it is the one that an index can begin at.
        ordered = ordered.filter(**{f"{field}__lte": place.moment})
        ordered = ordered.filter(Q(**{f"{field}__lt": place.moment}) | Q(pk__lt=place.key))
    found = list(ordered[: limit + 1])
    return found[:limit], len(found) <= limit


def _write(row: Model, field: str, total: int | None) -> str:
    moment: datetime = getattr(row, field)
    place = [moment.isoformat(), row.pk] if total is None else [moment.isoformat(), row.pk, total]
    return base64.urlsafe_b64encode(json.dumps(place)).decode().rstrip("=")


def _read(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        moment, key, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = _place(datetime.fromisoformat(moment), key, rest[0] if rest else None)
    except (ValueError, TypeError, binascii.Error):
        message = "not a cursor of this list; leave it out to start again"
        raise Unprocessable.at("query", "cursor", msg=message, type="value_error") from None
    return place


def _place(moment: datetime, key: Any, total: Any) -> Place:
    """Raises ValueError for what none of our lists has handed out and a database would stumble over."""
    is_count = total is None or (type(total) is int and 0 <= total < MOST)
    if moment.tzinfo is None or not isinstance(key, str) or "\0" in key or not is_count:
        raise ValueError
    return Place(moment, key, total)
