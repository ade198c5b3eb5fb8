from __future__ import annotations

import hashlib
from typing import ClassVar

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access import version_for
from catalog.models import Package
from catalog.operations.packages import bytes_of, change_visibility, delete_package, restore_package
from catalog.packaging import SUFFIX
from catalog.serializers.packages import (
    PackageDetailOut,
    PackageListOut,
    PackageOut,
    PackageQueryIn,
    VisibilityIn,
    WhichIn,
)
from catalog.views.base import PackageView
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.conditions import Conditions
from scaiflow.kit.errors import Conflict
from scaiflow.kit.pagination import counted_page
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.principals import caller_of

MEDIA_TYPE = "application/zip"


class Packages(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_packages", "The packages that you can see, newest update first", PackageListOut, query=PackageQueryIn
        ),
    }

    def get(self, request: Request) -> Response:
        query = read_query(PackageQueryIn, request)
        found = Package.objects.visible_to(caller_of(request)).living().named_like(query.pop("search"))
        page = counted_page(found.defer("readme").prefetch_related("group_rows"), field="updated_at", **query)
        return Response(PackageListOut(page).data)


class PackageDetail(PackageView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "PATCH": MANAGE, "DELETE": MANAGE}
    authored: ClassVar[set[str]] = {"PATCH", "DELETE"}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "get_package",
            "A package with its readme and its versions",
            PackageDetailOut,
            query=WhichIn,
            raises=(Conflict,),
        ),
        "PATCH": Call(
            "change_visibility",
            "Who sees a package (its author, admins)",
            PackageOut,
            body=VisibilityIn,
            query=WhichIn,
            raises=(Conflict,),
        ),
        "DELETE": Call(
            "delete_package",
            "Delete a package; it can be brought back (its author, admins)",
            status=204,
            query=WhichIn,
            raises=(Conflict,),
        ),
    }

    def get(self, request: Request, package_id: str) -> Response:
        return Response(PackageDetailOut(self.package).data)

    def patch(self, request: Request, package_id: str) -> Response:
        changes = read_body(VisibilityIn, request)
        return Response(PackageOut(change_visibility(package=self.package, by=caller_of(request), **changes)).data)

    def delete(self, request: Request, package_id: str) -> Response:
        delete_package(package=self.package, by=caller_of(request))
        return Response(status=204)


class PackageRestore(PackageView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    authored: ClassVar[set[str]] = {"POST"}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "restore_package",
            "Bring a deleted package back (its author, admins)",
            PackageOut,
            query=WhichIn,
            raises=(Conflict,),
        ),
    }
    opens_deleted = True

    def post(self, request: Request, package_id: str) -> Response:
        return Response(PackageOut(restore_package(package=self.package, by=caller_of(request))).data)


class PackageDownload(PackageView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "HEAD": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "download_package",
            "A version of a package, as its file",
            Raw("application/zip", binary=True),
            query=WhichIn,
            raises=(Conflict,),
            headers=("If-None-Match",),
            told=("Content-Disposition", "ETag"),
            also={304: None},
        ),
    }

    def get(self, request: Request, package_id: str) -> HttpResponseBase:
        version = version_for(self.package, self.which)
        etag = f'"{version.digest}"'
        if Conditions.of(request.headers).knows(etag):
            return HttpResponse(status=304, headers={"ETag": etag})
        return as_file(bytes_of(version), name=f"{self.package.slug}-{version.version}")


def as_file(body: bytes, *, name: str) -> HttpResponse:
    """To be saved, never shown. `name` is made of letters that need no quoting."""
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    headers = {"Content-Disposition": f'attachment; filename="{name}{SUFFIX}"', "ETag": etag}
    return HttpResponse(body, content_type=MEDIA_TYPE, headers=headers)
