"""Keyset pages: a cursor names the last row that was seen, so that rows which come and go meanwhile make no page skip
or repeat another row."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from scaiflow.kit import json
from scaiflow.kit.errors import Unprocessable

Row = TypeVar("Row", bound=Model)


def page_before(rows: QuerySet[Row], *, field: str, cursor: str, limit: int) -> tuple[list[Row], str | None]:
    """Up to `limit` rows, newest `field` first, that come after `cursor` ("" = from the start), and the next cursor."""
    ordered = rows.order_by(f"-{field}", "-pk")
    if cursor:
        moment, key = _read(cursor)
        ordered = ordered.filter(Q(**{f"{field}__lt": moment}) | Q(**{field: moment, "pk__lt": key}))
    found = list(ordered[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], _write(getattr(last, field), last.pk) if last else None


def _write(moment: datetime, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([moment.isoformat(), key])).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        moment, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        parsed = datetime.fromisoformat(moment)
        if parsed.tzinfo is None or not isinstance(key, str) or "\0" in key:
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        message = "not a cursor of this list; leave it out to start again"
        raise Unprocessable.at("query", "cursor", msg=message, type="value_error") from None
    return parsed, key
