"""What a tenant has set: its ScaiGrid key, its people and their roles, the mirror's sync, what ScaiKey delivered."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from flows.operations.tenants import all_tenants
from scaiflow.console.actions import grouped
from scaiflow.console.page import Page, validated
from scaiflow.console.reading import members_of, some_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import ANY
from tenants.operations.admin_roles import grant_role, require_super_admin, revoke_role
from tenants.operations.credentials import credential_status, delete_credential, set_credential
from tenants.operations.people import everybody, groups_of_tenant, people_of_tenant
from tenants.operations.sync import sync
from tenants.serializers.admin import RoleIn, SyncIn, TenantQueryIn
from tenants.serializers.credentials import CredentialIn
from webhooks.operations import deliveries
from webhooks.serializers import DeliveryQueryIn

PAGE = 50
GROUPS, MEMBERS = 50, 100


class SettingsPage(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    section = "settings"
    part: ClassVar[str] = ""

    @property
    def tenant_id(self) -> str:
        """The tenant that a super admin looks at; "" for one's own."""
        asked = {"tenant_id": tenant} if (tenant := self.request.GET.get("tenant_id", "").strip()) else {}
        return str(validated(TenantQueryIn, asked, root="query")["tenant_id"])

    def show(self, template: str, **context: Any) -> HttpResponse:
        role = self.principal.admin_role if hasattr(self, "principal") else None
        tenant = self.request.GET.get("tenant_id", "").strip()
        roles = {"is_admin": role is not None, "is_super": role == "super_admin", "tenant": tenant}
        return super().show(template, part=self.part, **roles, **context)


class Credentials(SettingsPage):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY, "POST": ANY}
    part = "scaigrid"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(
            "console/settings/credentials.html", status=credential_status(tenant_id=self.principal.tenant_id)
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        fields = {"api_key": request.POST.get("api_key", ""), "base_url": request.POST.get("base_url") or None}
        set_credential(by=self.principal, **validated(CredentialIn, fields))
        return self.done("The key is in the vault. From now on it is shown masked only.", "settings")


class CredentialsDelete(SettingsPage):
    permissions: ClassVar[dict[str, str]] = {"POST": ANY}

    def post(self, request: HttpRequest) -> HttpResponse:
        delete_credential(by=self.principal)
        return self.done("The key is gone from the vault.", "settings")


class People(SettingsPage):
    """Of one's own tenant; for super admins of any, and with `?all=yes` of all of them."""

    part = "people"

    def get(self, request: HttpRequest, user_id: str = "") -> HttpResponse:
        by, given = self.principal, {name: request.GET.get(name, "") for name in ("search", "all", "tenant_id")}
        found = everybody(by=by) if given["all"] else people_of_tenant(by=by, tenant_id=self.tenant_id)
        people = found.order_by("deleted_at", "display_name", "id")
        if wanted := given["search"]:
            people = people.filter(email__icontains=wanted) | people.filter(display_name__icontains=wanted)
        rows, following = some_of(people, request)
        again = urlencode({name: value for name, value in given.items() if value})
        return self.show("console/settings/people.html", people=rows, filters=given, following=following, again=again)


class PeopleRole(People):
    """A role, or none for an empty one."""

    permissions: ClassVar[dict[str, str]] = {"POST": ANY}

    def post(self, request: HttpRequest, user_id: str) -> HttpResponse:
        role = request.POST.get("role", "")
        if role:
            grant_role(by=self.principal, user_id=user_id, **validated(RoleIn, {"role": role}))
            return self.done(f"The role is {role} now.", "settings-people")
        revoke_role(by=self.principal, user_id=user_id)
        return self.done("The role is taken back.", "settings-people")


class Groups(SettingsPage):
    part = "groups"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = groups_of_tenant(by=self.principal, tenant_id=self.tenant_id)
        groups, following = some_of(found, request, size=GROUPS)
        again = urlencode({"tenant_id": self.tenant_id}) if self.tenant_id else ""
        members = members_of(groups, most=MEMBERS)
        return self.show(
            "console/settings/groups.html", groups=groups, members=members, following=following, again=again, most=MEMBERS
        )  # fmt: skip


class Sync(SettingsPage):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY, "POST": ANY}
    part = "sync"

    def get(self, request: HttpRequest) -> HttpResponse:
        require_super_admin(self.principal)
        return self.show("console/settings/sync.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        require_super_admin(self.principal)
        asked = validated(SyncIn, {"force": "force" in request.POST})
        template = "console/settings/synced.html" if self.is_partial else "console/settings/sync.html"
        return self.show(template, report=sync(actor_id=self.principal.sub, **asked))


class Webhooks(SettingsPage):
    part = "webhooks"

    def get(self, request: HttpRequest) -> HttpResponse:
        given = {name: request.GET.get(name, "").strip() for name in ("type", "handled", "tenant_id", "cursor")}
        query = validated(DeliveryQueryIn, {name: v for name, v in given.items() if v} | {"limit": PAGE}, root="query")
        page = {"limit": query.pop("limit"), "cursor": query.pop("cursor")}
        rows, cursor = page_before(deliveries(by=self.principal, **query), field="received_at", **page)
        again = urlencode({name: value for name, value in given.items() if value and name != "cursor"})
        return self.show("console/settings/webhooks.html", rows=rows, cursor=cursor, filters=given, again=again)


class ApiPage(SettingsPage):
    """Every action of the console as a call of the API."""

    part = "api"

    def get(self, request: HttpRequest) -> HttpResponse:
        address = request.build_absolute_uri("/").rstrip("/")
        return self.show("console/settings/api.html", groups=grouped(base=address), address=address)


class Tenants(SettingsPage):
    """All tenants that there are, for super admins."""

    part = "tenants"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show("console/settings/tenants.html", tenants=all_tenants(by=self.principal))
