"""Who else may do what on a flow."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from flows.access import acl_for
from flows.operations.acls import change_level, grant, revoke
from flows.roles import Level
from flows.serializers.acls import ACLChangeIn, ACLIn, ACLOut
from scaiflow.console.page import FlowPage, validated
from scaiflow.console.reading import names_of
from scaiflow.kit.rights import MANAGE, VIEW
from tenants.models import Group, User

OFFERED = 500
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
        entries = ACLOut(self.flow.acls.order_by("granted_at", "id"), many=True).data
        users = [entry["principal_id"] for entry in entries if entry["principal_type"] == "user"]
        groups = [entry["principal_id"] for entry in entries if entry["principal_type"] == "group"]
        names = names_of([*users, *(entry["granted_by"] for entry in entries), self.flow.owner_id], groups)
        people = (
            User.objects.living().filter(tenant_id=self.flow.tenant_id).exclude(id__in=[*users, self.flow.owner_id])
        )
        teams = Group.objects.living().filter(tenant_id=self.flow.tenant_id).exclude(id__in=groups)
        return self.show(
            "console/flows/access.html", entries=entries, names=names, meaning=MEANING,
            people=people.order_by("display_name", "id")[:OFFERED], teams=teams.order_by("name", "id")[:OFFERED],
        )  # fmt: skip

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        kind, _, principal_id = request.POST.get("who", "").partition(":")
        fields = {"principal_type": kind, "principal_id": principal_id, "level": request.POST.get("level", "")}
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
