"""Who looks at a flow just now: here, on the canvas, and through the API alike."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from flows.presence import presence
from flows.roles import Level
from scaiflow.console.page import FlowPage
from scaiflow.kit.rights import VIEW

COLORS = ("#2a4bc7", "#0f6546", "#a02860", "#7d4a00", "#5b3fc4", "#0b6480")


class FlowHere(FlowPage):
    """A POST also says that oneself is here, for the next half minute; an open page repeats it."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        others = [one for one in presence().present(self.flow.id) if one.user_id != self.principal.sub]
        template = "console/flows/here.html" if self.is_partial else "console/flows/here_page.html"
        return self.show(template, others=others)

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        me = self.principal
        color = COLORS[sum(me.sub.encode()) % len(COLORS)]
        presence().arrive(flow_id=self.flow.id, user_id=me.sub, display_name=me.display_name or me.sub, color=color)
        return self.get(request, flow_id)
