"""ScaiBunker's door, under `/v1/modules/scaibunker`."""

from __future__ import annotations

from flask import Blueprint, Response

from scaiflow.sandbox.access import require
from scaiflow.sandbox.envelope import answer, by_cursor, number_argument
from scaiflow.sandbox.state import current

blueprint = Blueprint("scaibunker", __name__, url_prefix="/v1/modules/scaibunker")


@blueprint.get("/bunkers")
def bunkers() -> Response:
    """All bunkers of the tenant, destroyed ones included: the status tells."""
    tenant_id = require("scaibunker:view").tenant_id
    store = current().store
    items, cursor = by_cursor(
        lambda after, limit: store.find("bunker", tenant=tenant_id, after=after, limit=limit),
        number_argument("limit", 100, 500),
    )
    return answer({"status": "ok", "data": items, "has_more": cursor is not None, "next_cursor": cursor})
