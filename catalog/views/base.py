"""Views on one package: the door is opened before the method runs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request

from catalog.access import package_for, require_author
from catalog.models import Package
from catalog.serializers.packages import WhichIn
from scaiflow.kit.views import ApiView, read_query
from tenants.principals import caller_of


class PackageView(ApiView):
    """`authored` are the methods that are its author's and the admins' alone; `self.package` is that package, once it may
    be seen, and `self.which` the version that the query names."""

    authored: ClassVar[set[str]] = set()
    opens_deleted: ClassVar[bool] = False
    package: Package
    which: str

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        query, caller = read_query(WhichIn, request), caller_of(request)
        self.which = query["version"]
        self.package = package_for(
            caller, kwargs["package_id"], tenant_id=query["tenant_id"], deleted=self.opens_deleted
        )
        if request.method in self.authored:
            require_author(caller, self.package)
