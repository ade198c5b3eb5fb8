"""Admin routes: what is asked for is a role of ours, not a permission of the token."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from scaiflow.kit.calls import Call
from scaiflow.kit.errors import Conflict, NotAllowed, PassedThrough
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import ANY
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.operations.admin_roles import grant_role, require_super_admin, revoke_role
from tenants.operations.audit_log import audit_entries
from tenants.operations.people import everybody, people_of_tenant
from tenants.operations.service_tokens import ScaiKeyRefused
from tenants.operations.sync import sync
from tenants.principals import caller_of
from tenants.serializers.admin import (
    AuditListOut,
    AuditOut,
    AuditQueryIn,
    RoleIn,
    SyncIn,
    SyncOut,
    TenantQueryIn,
    UserOut,
    UsersOut,
)


class AdminUsers(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_users", "Everybody in the mirror (super admins)", UsersOut, raises=(NotAllowed,)),
    }

    def get(self, request: Request) -> Response:
        return Response({"users": UserOut(everybody(by=caller_of(request)), many=True).data})


class AdminUserRole(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": ANY, "DELETE": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("grant_role", "Give an admin role", status=204, body=RoleIn, raises=(NotAllowed, Conflict)),
        "DELETE": Call("revoke_role", "Take an admin role away", status=204, raises=(NotAllowed, Conflict)),
    }

    def post(self, request: Request, user_id: str) -> Response:
        grant_role(by=caller_of(request), user_id=user_id, **read_body(RoleIn, request))
        return Response(status=204)

    def delete(self, request: Request, user_id: str) -> Response:
        revoke_role(by=caller_of(request), user_id=user_id)
        return Response(status=204)


class AdminSync(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "sync_mirror",
            "Sweep the mirror of ScaiKey now (super admins)",
            SyncOut,
            body=SyncIn,
            raises=(NotAllowed, ScaiKeyRefused, PassedThrough),
        ),
    }

    def post(self, request: Request) -> Response:
        by = caller_of(request)
        require_super_admin(by)
        return Response(sync(actor_id=by.sub, **read_body(SyncIn, request)))


class AdminTenantUsers(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_tenant_users",
            "A tenant's people (its admins; super admins name any)",
            UsersOut,
            query=TenantQueryIn,
            raises=(NotAllowed,),
        ),
    }

    def get(self, request: Request) -> Response:
        people = people_of_tenant(by=caller_of(request), **read_query(TenantQueryIn, request))
        return Response({"users": UserOut(people, many=True).data})


class AdminAudit(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_audit",
            "The audit log, newest first (a tenant's admins their own; super admins all)",
            AuditListOut,
            query=AuditQueryIn,
            raises=(NotAllowed,),
        ),
    }

    def get(self, request: Request) -> Response:
        query = read_query(AuditQueryIn, request)
        page = {"limit": query.pop("limit"), "cursor": query.pop("cursor")}
        entries, cursor = page_before(audit_entries(by=caller_of(request), **query), field="at", **page)
        return Response({"items": AuditOut(entries, many=True).data, "next_cursor": cursor})
