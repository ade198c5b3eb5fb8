"""The mirror: people, groups, who is in them; and that a tenant keeps secrets, never which."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group as DjangoGroup
from django.db.models import QuerySet
from django.db.models.functions import Left

from scaiflow.kit.acts import Acting, ActPage, act
from scaiflow.kit.pages import ReadOnly
from tenants.models import Group, Membership, Secret, User
from tenants.operations.admin_roles import grant_role, require_super_admin, revoke_role
from tenants.operations.credentials import delete_credential, set_credential
from tenants.operations.sync import sync
from tenants.principals import Principal
from tenants.roles import AdminRole
from tenants.serializers.credentials import SCAIGRID_KEY

admin.site.unregister(DjangoGroup)  # rights do not come from there


def sync_now(by: Principal, _: dict[str, Any]) -> str:
    require_super_admin(by)
    report = sync(actor_id=by.sub)
    return ", ".join(f"{name}: {value}" for name, value in report.items() if value)


def _given(by: Principal, user: User, role: AdminRole) -> str:
    grant_role(by=by, user_id=user.id, role=role)
    return f"is {role} now"


@act(title="Make tenant admin", warning="They will see and change everything of their tenant.")
def make_tenant_admin(by: Principal, user: User) -> str:
    return _given(by, user, AdminRole.TENANT_ADMIN)


@act(title="Make super admin", warning="They will see and change everything of every tenant.", super_only=True)
def make_super_admin(by: Principal, user: User) -> str:
    return _given(by, user, AdminRole.SUPER_ADMIN)


@act(
    title="Take the admin role away",
    warning="Their sessions end, and they keep only what they own and what access entries give them.",
)
def take_role(by: Principal, user: User) -> str:
    revoke_role(by=by, user_id=user.id)
    return "has no admin role now"


@admin.register(User)
class Users(Acting):
    history_type = "user"
    list_display = (
        "id", "tenant_id", "email", "display_name", "status", "admin_role", "admin_role_source", "deleted_at",
    )  # fmt: skip
    list_filter = ("status", "admin_role", "admin_role_source", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "=tenant_id", "email", "display_name")
    date_hierarchy = "last_synced_at"
    ordering = ("tenant_id", "id")
    exclude = ("last_login",)
    act_pages = (
        ActPage(
            "sync", "Sync with ScaiKey now", "Fetches everybody from ScaiKey, as the hourly sweep does.", sync_now,
            super_only=True,
        ),
    )  # fmt: skip
    actions = (make_tenant_admin, make_super_admin, take_role)


@admin.register(Group)
class Groups(ReadOnly):
    history_type = "group"
    list_display = ("id", "tenant_id", "name", "deleted_at", "last_synced_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    search_fields = ("=id", "=tenant_id", "name")
    date_hierarchy = "last_synced_at"
    ordering = ("tenant_id", "id")


@admin.register(Membership)
class Memberships(ReadOnly):
    history_type = "membership"
    list_display = ("group_id", "user_id", "tenant_id", "deleted_at", "source_at")
    list_display_links = ("group_id", "user_id")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter),)
    fields = ("group_id", "user_id", "tenant_id", "deleted_at", "source_at")
    search_fields = ("=group__id", "=user__id", "=tenant_id")
    date_hierarchy = "source_at"
    ordering = ("tenant_id", "group_id", "user_id")

    def history_id(self, row: Membership) -> str:
        return f"{row.group_id}/{row.user_id}"


class CredentialForm(forms.Form):
    """What is typed here is never shown again, not even when it is refused."""

    tenant_id = forms.CharField(max_length=64, required=False, help_text="Empty: your own tenant.")
    api_key = forms.RegexField(
        SCAIGRID_KEY, max_length=512, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"invalid": "must be a ScaiGrid key: sgk_ and at least 8 more characters"},
    )  # fmt: skip
    base_url = forms.CharField(max_length=512, required=False, help_text="Empty: the installation's own ScaiGrid.")


def rotate_credentials(by: Principal, typed: dict[str, Any]) -> str:
    set_credential(
        by=by, tenant_id=typed["tenant_id"], api_key=typed["api_key"], base_url=typed["base_url"] or None
    )  # fmt: skip
    return f"{typed['tenant_id'] or by.tenant_id} uses the new key from now on"


@act(
    title="Forget the ScaiGrid credentials",
    warning="Key and base URL of these tenants are deleted; deploys without a user's own token will be refused.",
)
def forget(by: Principal, secret: Secret) -> str:
    delete_credential(by=by, tenant_id=secret.tenant_id)
    return f"{secret.tenant_id} has no ScaiGrid key of its own any more"


@admin.register(Secret)
class Secrets(Acting):
    """That there is a secret, since when, and under which key: nothing of the secret itself."""

    history_type = "secret"
    secret_fields = ("sealed",)
    list_display = ("path", "key_id", "updated_at")
    search_fields = ("path",)
    list_filter = ("key_id",)
    date_hierarchy = "updated_at"
    ordering = ("path",)
    act_pages = (
        ActPage(
            "rotate", "Rotate ScaiGrid credentials", "The new key is used from the next call on; the old one is forgotten.",
            rotate_credentials, form=CredentialForm,
        ),
    )  # fmt: skip
    actions = (forget,)

    def of_tenant(self, rows: QuerySet[Any], tenant_id: str) -> QuerySet[Any]:
        """Not `__startswith`: SQLite's LIKE takes capitals for small letters, and then tnt_a sees rows of tnt_A."""
        begin = f"tenants/{tenant_id}/"
        found: QuerySet[Any] = rows.alias(begin=Left("path", len(begin))).filter(begin=begin)
        return found
