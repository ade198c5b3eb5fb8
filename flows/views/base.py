"""Views on one flow: the door is opened before the method runs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request

from flows.access import flow_for
from flows.models import Flow
from flows.roles import Level
from scaiflow.kit.views import ApiView
from tenants.principals import caller_of


class FlowView(ApiView):
    """`levels` says what each method needs on the flow; `self.flow` is that flow, once it may be seen."""

    levels: ClassVar[dict[str, Level]]
    opens_deleted: ClassVar[bool] = False
    flow: Flow

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        level = self.levels[str(request.method)]
        self.flow = flow_for(caller_of(request), kwargs["flow_id"], level=level, deleted=self.opens_deleted)
