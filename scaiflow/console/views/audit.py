"""The audit log: read, filtered, taken away as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from scaiflow.console.page import validated
from scaiflow.console.reading import names_of
from scaiflow.console.views.settings import SettingsPage
from scaiflow.kit import audit, json
from scaiflow.kit.models import AuditEntry
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import ANY
from tenants.operations.audit_log import audit_entries
from tenants.serializers.admin import AuditQueryIn

PAGE = 50
MOST_EXPORTED = 100_000
FILTERS = ("tenant_id", "actor_id", "action", "object_type", "object_id", "result", "request_id", "since", "until")
COLUMNS = ("at", "tenant_id", "sequence", "actor_id", "action", "object_type", "object_id", "result", "request_id")


def asked_of(request: HttpRequest) -> dict[str, Any]:
    given = {name: request.GET.get(name, "").strip() for name in (*FILTERS, "cursor")}
    fields = {name: value for name, value in given.items() if value}
    return validated(AuditQueryIn, {**fields, "limit": PAGE}, root="query")


class AuditLog(SettingsPage):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    part = "audit"

    def get(self, request: HttpRequest) -> HttpResponse:
        query = asked_of(request)
        page = {"limit": query.pop("limit"), "cursor": query.pop("cursor")}
        rows, cursor = page_before(audit_entries(by=self.principal, **query), field="at", **page)
        filters = {name: request.GET.get(name, "") for name in FILTERS}
        again = urlencode({name: value for name, value in filters.items() if value})
        return self.show(
            "console/settings/audit.html", rows=rows, cursor=cursor, filters=filters, again=again,
            names=names_of(row.actor_id for row in rows), known=sorted(audit.ACTIONS),
            results=(audit.DONE, audit.REFUSED, audit.FAILED),
        )  # fmt: skip


class AuditExport(SettingsPage):
    """All that the filters let through, newest first, as CSV."""

    permissions: ClassVar[dict[str, str]] = {"GET": ANY}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        query = asked_of(request)
        del query["limit"], query["cursor"]
        rows = audit_entries(by=self.principal, **query).order_by("-at", "-id")[:MOST_EXPORTED]
        response = StreamingHttpResponse(_lines(rows.iterator(chunk_size=1000)), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return response


class _Echo:
    """What csv writes a line to, to have it back."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: Iterator[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow([*COLUMNS, "changes"])
    written = 0
    for row in rows:
        written += 1
        cells = [row.at.isoformat(), *(getattr(row, name) for name in COLUMNS[1:]), json.dumps(row.changes).decode()]
        yield writer.writerow([_harmless(cell) for cell in cells])
    if written == MOST_EXPORTED:
        yield writer.writerow([f"only the newest {MOST_EXPORTED} entries: ask for the rest with an earlier 'until'"])


def _harmless(cell: Any) -> Any:
    """A cell that a spreadsheet would take for a formula becomes text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
