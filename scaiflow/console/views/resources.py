"""What flows can use at the upstreams: models, queues, bunkers. Each list is asked for on its own, so that one which does
not answer hides none of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from lookups.operations.scaibunker import list_bunkers
from lookups.operations.scaigrid import list_models
from lookups.operations.scaiqueue import list_queues, list_scopes
from scaiflow.console.views.settings import SettingsPage
from scaiflow.kit.errors import NotFound
from scaiflow.kit.rights import VIEW
from tenants.principals import Principal

Rows = list[dict[str, Any]]


def _models(by: Principal) -> Rows:
    return list_models(by=by).models


def _scopes(by: Principal) -> Rows:
    return list_scopes(by=by)


def _bunkers(by: Principal) -> Rows:
    return [
        {"id": one["bunker_id"], **{k: one[k] for k in ("image_ref", "lifecycle", "status")}}
        for one in list_bunkers(by=by)
    ]


LISTS: dict[str, Callable[[Principal], Rows]] = {"models": _models, "scopes": _scopes, "bunkers": _bunkers}


class Resources(SettingsPage):
    """`?list=` gives one of the lists as a part of the page; `?scope=` the queues of a scope."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    part = "resources"

    def get(self, request: HttpRequest) -> HttpResponse:
        name, scope = request.GET.get("list", ""), request.GET.get("scope", "")
        if scope:
            return self.listed("queues", list_queues(by=self.principal, scope_id=scope))
        if not name:
            return self.show("console/settings/resources.html", lists=LISTS)
        if name not in LISTS:
            raise NotFound("there is no such list")
        return self.listed(name, LISTS[name](self.principal))

    def listed(self, name: str, rows: Rows) -> HttpResponse:
        """Services leave out what a row does not have; the columns are those of all rows."""
        keys = list(dict.fromkeys(key for row in rows for key in row))
        template = "console/settings/rows.html" if self.is_partial else "console/settings/rows_page.html"
        return self.show(template, rows=rows, keys=keys, name=name)
