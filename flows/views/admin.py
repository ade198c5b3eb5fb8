"""Admin routes that concern flows."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import flow_for
from flows.operations.flows import change_owner
from flows.operations.listing import page_of_flows
from flows.operations.tenants import all_tenants, flows_of_tenant
from flows.roles import Level
from flows.serializers.flows import FlowListOut, FlowSummary, OwnerIn, TenantFlowQueryIn, TenantsOut
from scaiflow.kit.calls import Call
from scaiflow.kit.errors import NotAllowed
from scaiflow.kit.rights import ANY
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.operations.admin_roles import require_super_admin
from tenants.principals import caller_of


class AdminTenants(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_tenants", "Every tenant, with its counts (super admins)", TenantsOut, raises=(NotAllowed,)),
    }

    def get(self, request: Request) -> Response:
        return Response({"tenants": all_tenants(by=caller_of(request))})


class AdminTenantFlows(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_tenant_flows",
            "A tenant's flows (its admins; super admins name any)",
            FlowListOut,
            query=TenantFlowQueryIn,
            raises=(NotAllowed,),
        ),
    }

    def get(self, request: Request) -> Response:
        query = read_query(TenantFlowQueryIn, request)
        found = flows_of_tenant(by=caller_of(request), tenant_id=query.pop("tenant_id"))
        page = page_of_flows(found, **query)
        return Response(FlowListOut(page, context={"principal": caller_of(request)}).data)


class AdminFlowOwner(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "change_owner", "Another owner for a flow (super admins)", FlowSummary, body=OwnerIn, raises=(NotAllowed,)
        ),
    }

    def post(self, request: Request, flow_id: str) -> Response:
        by = caller_of(request)
        require_super_admin(by)
        flow = flow_for(by, flow_id, level=Level.ADMIN)
        changed = change_owner(flow=flow, by=by, **read_body(OwnerIn, request))
        return Response(FlowSummary(changed, context={"principal": by}).data)
