"""Who else may do what on a flow."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from flows.access import acl_for
from flows.operations.acls import change_level, grant, revoke
from flows.operations.flows import change_owner
from flows.roles import Level
from flows.serializers.acls import ACLChangeIn, ACLIn, ACLOut
from flows.serializers.flows import OwnerIn
from scaiflow.console.choosing import chosen_principal, groups_to_choose, people_to_choose
from scaiflow.console.page import FlowPage, Page, validated
from scaiflow.console.reading import names_of, some_of
from scaiflow.kit.rights import ANY, MANAGE, VIEW
from tenants.operations.admin_roles import require_super_admin

MEANING = {
    "view": "look at it and at its runs",
    "edit": "and save new versions",
    "deploy": "and deploy, test and publish it",
    "admin": "and give access, delete it",
}


class FlowAccess(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.ADMIN, "POST": Level.ADMIN}
    tab = "access"

    def get(self, request: HttpRequest, flow_id: str, acl_id: str = "") -> HttpResponse:
        rows, following = some_of(self.flow.acls.order_by("granted_at", "id"), request)
        entries = ACLOut(rows, many=True).data
        users = [entry["principal_id"] for entry in entries if entry["principal_type"] == "user"]
        groups = [entry["principal_id"] for entry in entries if entry["principal_type"] == "group"]
        names = names_of([*users, *(entry["granted_by"] for entry in entries), self.flow.owner_id], groups)
        offered = people_to_choose(self.flow.tenant_id, but=self.flow.owner_id) | groups_to_choose(self.flow.tenant_id)
        return self.show(
            "console/flows/access.html", entries=entries, following=following, names=names, meaning=MEANING,
            **offered,
        )  # fmt: skip

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        fields = {**chosen_principal(request.POST), "level": request.POST.get("level", "")}
        entry = grant(flow=self.flow, by=self.principal, **validated(ACLIn, fields))
        return self.done(f"Access given: {Level(entry.level).word}.", "flow-access", flow_id=flow_id)


class FlowAccessEntry(FlowAccess):
    """`level` changes an entry, an empty one takes it back."""

    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.ADMIN}

    def post(self, request: HttpRequest, flow_id: str, acl_id: str = "") -> HttpResponse:
        entry = acl_for(self.flow, acl_id)
        wanted = request.POST.get("level", "")
        if wanted:
            change_level(entry=entry, flow=self.flow, by=self.principal, **validated(ACLChangeIn, {"level": wanted}))
            return self.done(f"Access changed to {wanted}.", "flow-access", flow_id=flow_id)
        revoke(entry=entry, flow=self.flow, by=self.principal)
        return self.done("Access taken back. It ends at once.", "flow-access", flow_id=flow_id)


class FlowOwner(FlowAccess):
    """Another owner; a matter of super admins."""

    permissions: ClassVar[dict[str, str]] = {"POST": ANY}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.ADMIN}

    def open_door(self, request: HttpRequest, **kwargs: Any) -> None:
        Page.open_door(self, request)
        require_super_admin(self.principal)
        super().open_door(request, **kwargs)

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        fields = validated(
            OwnerIn, {"owner_id": request.POST.get("owner_typed", "").strip() or request.POST.get("owner_id", "")}
        )
        change_owner(flow=self.flow, by=self.principal, **fields)
        return self.done("The flow has another owner now.", "flow-access", flow_id=flow_id)
