"""What a tenant has set: its ScaiGrid key, its people and their roles, the mirror's sync, what ScaiKey delivered."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from flows.operations.tenants import all_tenants
from scaiflow.console.actions import grouped
from scaiflow.console.page import Page, validated
from scaiflow.console.reading import some_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import ANY
from tenants.models import Membership
from tenants.operations.admin_roles import grant_role, require_super_admin, revoke_role
from tenants.operations.credentials import credential_status, delete_credential, set_credential
from tenants.operations.people import groups_of_tenant, people_of_tenant
from tenants.operations.sync import sync
from tenants.serializers.admin import RoleIn, SyncIn
from tenants.serializers.credentials import CredentialIn
from webhooks.operations import deliveries
from webhooks.serializers import DeliveryQueryIn

PAGE = 50
MEMBERS = 2_000


class SettingsPage(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    section = "settings"
    part: ClassVar[str] = ""

    def show(self, template: str, **context: Any) -> HttpResponse:
        role = self.principal.admin_role if hasattr(self, "principal") else None
        return super().show(
            template, part=self.part, is_admin=role is not None, is_super=role == "super_admin", **context
        )


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
    part = "people"

    def get(self, request: HttpRequest, user_id: str = "") -> HttpResponse:
        people = people_of_tenant(by=self.principal, tenant_id="").order_by("deleted_at", "display_name", "id")
        wanted = request.GET.get("search", "")
        if wanted:
            people = people.filter(email__icontains=wanted) | people.filter(display_name__icontains=wanted)
        rows, following = some_of(people, request)
        return self.show(
            "console/settings/people.html",
            people=rows,
            search=wanted,
            following=following,
            again=urlencode({"search": wanted}) if wanted else "",
        )


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
        groups, following = some_of(groups_of_tenant(by=self.principal, tenant_id=""), request)
        living = Membership.objects.living().filter(group__in=groups, user__deleted_at=None)
        members: dict[str, list[Any]] = {}
        for membership in living.select_related("user").order_by("user__display_name")[:MEMBERS]:
            members.setdefault(membership.group_id, []).append(membership.user)
        return self.show("console/settings/groups.html", groups=groups, members=members, following=following)


class Sync(SettingsPage):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY, "POST": ANY}
    part = "sync"

    def get(self, request: HttpRequest) -> HttpResponse:
        require_super_admin(self.principal)
        return self.show("console/settings/sync.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        require_super_admin(self.principal)
        asked = validated(SyncIn, {"force": "force" in request.POST})
        return self.show("console/settings/sync.html", report=sync(**asked))


class Webhooks(SettingsPage):
    part = "webhooks"

    def get(self, request: HttpRequest) -> HttpResponse:
        given = {name: request.GET.get(name, "") for name in ("type", "handled", "cursor")}
        query = validated(DeliveryQueryIn, {name: v for name, v in given.items() if v} | {"limit": PAGE}, root="query")
        page = {"limit": query.pop("limit"), "cursor": query.pop("cursor")}
        rows, cursor = page_before(deliveries(by=self.principal, **query), field="received_at", **page)
        again = urlencode({name: given[name] for name in ("type", "handled") if given[name]})
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
