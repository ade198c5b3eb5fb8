"""The people of a ScaiKey on loopback, in the lists that the mirror is made from."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from tests.loopback import Asked, Told
from tests.scaikey import ScaiKey

ENVELOPES: dict[str, Any] = {
    "items": lambda items, page, total: {"items": items, "total": total, "page": page, "per_page": len(items)},
    "items without a total": lambda items, page, total: {"items": items},
    "data": lambda items, page, total: {"data": items},
    "data.items": lambda items, page, total: {"data": {"items": items, "total": total}},
    "bare": lambda items, page, total: items,
}


def person(user_id: str, tenant: str = "tnt_demo", **more: Any) -> dict[str, Any]:
    return {
        "id": user_id,
        "email": f"{user_id}@demo.test",
        "name": user_id.title(),
        "status": "ACTIVE",
        "tenant_id": tenant,
    } | more


class Directory:
    """`people` by tenant, `groups` by tenant (`{id: name}`), `members` by group. `serve()` puts them behind the roads."""

    def __init__(self, scaikey: ScaiKey) -> None:
        self.scaikey = scaikey
        self.people: dict[str, list[dict[str, Any]]] = {"tnt_demo": []}
        self.groups: dict[str, dict[str, str]] = {"tnt_demo": {}}
        self.members: dict[str, list[dict[str, Any]]] = {}
        self.envelope = "items"
        self.page_size = 100
        self.effective: Told | None = None
        self.tenants: Told | None = None

    def serve(self) -> Directory:
        token = self.scaikey.token(sub="svc_scaiflow", token_type="client_credentials")
        self.scaikey.on("POST", "/token", Told(200, {"access_token": token, "expires_in": 600}))
        tenants = self.tenants or self._list(lambda _: [{"id": tenant} for tenant in self.people])
        self.scaikey.on("GET", "/api/v1/admin/tenants", tenants)
        self.scaikey.on("GET", "/api/v1/admin/groups/", self._list(self._groups))
        for tenant in self.people:
            self.scaikey.on("GET", self.road(tenant), self.effective or self.everybody(tenant))
        for group in {group for groups in self.groups.values() for group in groups}:
            road = f"/api/v1/admin/groups/{group}/members"
            self.scaikey.on("GET", road, self._list(lambda _, group=group: self.members.get(group, [])))
        return self

    def road(self, tenant: str) -> str:
        return f"/api/v1/tenants/{tenant}/applications/me/effective-users"

    def everybody(self, tenant: str) -> Any:
        return self._list(lambda _: self.people[tenant])

    def _groups(self, query: dict[str, str]) -> list[dict[str, Any]]:
        tenant = query["tenant_id"]
        return [{"id": key, "name": name, "tenant_id": tenant} for key, name in self.groups.get(tenant, {}).items()]

    def _list(self, items_of: Any) -> Any:
        def answer(asked: Asked) -> Told:
            query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
            items, page = items_of(query), int(query["page"])
            part = items[(page - 1) * self.page_size : page * self.page_size]
            return Told(200, ENVELOPES[self.envelope](part, page, len(items)))

        return answer
