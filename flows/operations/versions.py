"""Versions: content written once, read back whole."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from flows.actions import VERSION_LABELLED
from flows.compiler import MAX_NODES, check_shape
from flows.diffing import diff
from flows.models import Flow, FlowVersion
from flows.operations.objects import ObjectWrites
from scaiflow.kit import audit, json, storage
from scaiflow.kit.errors import NotFound, TooLarge, Unavailable, Unprocessable
from tenants.principals import Principal

Content = dict[str, Any]
FIRST = "1.0.0"


def checked(content: Content) -> bytes:
    """The bytes to store. Raises TooLarge, Unprocessable (the document's shape, not its meaning)."""
    body = json.dumps(content)
    if len(body) > settings.MAX_CONTENT_BYTES:
        raise TooLarge(f"the content is larger than {settings.MAX_CONTENT_BYTES} bytes")
    nodes = content.get("nodes")
    if isinstance(nodes, list) and len(nodes) > MAX_NODES:
        raise TooLarge(f"the flow has more than {MAX_NODES} nodes")
    problems = check_shape(content)
    if problems:
        raise Unprocessable([{"loc": ["body", "content", *p.loc], "msg": p.msg, "type": p.type} for p in problems])
    return body


def next_version(version: str) -> str:
    major, minor, patch = version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def add_version(*, flow: Flow, version: str, body: bytes, author_id: str, writes: ObjectWrites) -> FlowVersion:
    """Inside the caller's transaction, with the flow locked."""
    key = f"flows/{flow.tenant_id}/{flow.id}/v{version}.flow.json"
    writes.create(key, body)
    last = flow.versions.aggregate(last=Max("sequence"))["last"] or 0
    return FlowVersion.objects.create(
        flow=flow, version=version, sequence=last + 1, object_key=key, digest=hashlib.sha256(body).hexdigest(),
        size=len(body), author_id=author_id, created_at=timezone.now(),
    )  # fmt: skip


def version_of(*, flow: Flow, version: str, rows: QuerySet[FlowVersion] | None = None) -> FlowVersion:
    """Raises NotFound."""
    found = (flow.versions if rows is None else rows).filter(version=version).first()
    if found is None:
        raise NotFound("version not found")
    return found


def label_version(*, flow: Flow, by: Principal, version: str, label: str | None) -> FlowVersion:
    """A name for people; null takes it away. The content and the flow's ETag stay. Raises NotFound."""
    with transaction.atomic():
        row = version_of(flow=flow, version=version, rows=flow.versions.select_for_update())
        before, row.label = row.label, label
        row.save(update_fields=["label"])
        audit.record(
            action=VERSION_LABELLED, tenant_id=flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=flow.id,
            changes={"version": version, "label": [before, label]},
        )  # fmt: skip
    return row


def diff_of(*, flow: Flow, before: str, after: str) -> dict[str, Any]:
    """`{from, to}` and what flows/diffing.py tells. Raises NotFound, Unavailable."""
    told = diff(content_of(flow=flow, version=before), content_of(flow=flow, version=after))
    return {"from": before, "to": after, **told}


def content_of(*, flow: Flow, version: str | None = None) -> Content:
    """The content of one version (the newest when none is named), stamped with the flow's id and name and that version.
    Raises NotFound, Unavailable."""
    row = version_of(flow=flow, version=version or flow.version)
    body = storage.read(row.object_key)
    if hashlib.sha256(body).hexdigest() != row.digest:
        raise Unavailable("the stored content is damaged; restore it from a backup", component="storage")
    content: Content = json.loads(body)
    return content | {"id": flow.id, "name": flow.name, "version": row.version}
