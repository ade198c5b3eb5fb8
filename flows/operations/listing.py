"""Flows found: by name, by words, by tags, by owner, by whether they were deployed; page by page, newest update first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from flows.models import Deployment
from flows.models.flows import FlowQuerySet
from scaiflow.kit.pagination import counted_page


def page_of_flows(
    flows: FlowQuerySet,
    *,
    search: str,
    q: str,
    tag: Sequence[str],
    owner_id: str,
    deployed: str,
    cursor: str,
    limit: int,
) -> dict[str, Any]:
    """`{items, total, next_cursor}` of those of `flows` that all of the filters let through ("" and [] let all through).
    Raises Unprocessable (the cursor)."""
    found = flows.named_like(search).mentioning(q).tagged(tag)
    if owner_id:
        found = found.filter(owner_id=owner_id)
    if deployed:
        found = _deployed(found, deployed == "true")
    return counted_page(found.without_search_text(), field="updated_at", cursor=cursor, limit=limit)


def _deployed(flows: FlowQuerySet, is_wanted: bool) -> FlowQuerySet:
    """Asked in two ways: the deployed are found fastest from the deployments, the others from the flows."""
    if is_wanted:
        return flows.filter(id__in=Deployment.objects.values("flow_id"))
    return flows.filter(~Exists(Deployment.objects.filter(flow=OuterRef("pk"))))
