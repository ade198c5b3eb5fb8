"""The catalog: packages browsed, published, installed, shown to others, taken away and brought back."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from catalog.access import package_for, require_author, version_for
from catalog.models import Package
from catalog.operations.packages import bytes_of, change_visibility, delete_package, file_of, restore_package
from catalog.serializers.packages import PackageQueryIn, VisibilityIn
from catalog.views.packages import as_file
from flows.access import flow_for, level_on
from flows.models import Flow
from flows.operations.packages import install_flow, publish_content, publish_flow
from flows.roles import Level
from flows.serializers.packages import PublishIn
from scaiflow.console.choosing import chosen_groups, groups_to_choose
from scaiflow.console.drafts import drawn, parsed
from scaiflow.console.drawing import Picture
from scaiflow.console.page import Page, validated
from scaiflow.console.reading import names_of, rows_before, some_of
from scaiflow.console.readmes import as_html
from scaiflow.kit.pagination import counted_page
from scaiflow.kit.rights import MANAGE, VIEW
from tenants.principals import Principal

PAGE, VERSIONS, LOOKED_AT = 48, 50, 500


def is_authors(principal: Principal, package: Package) -> bool:
    mine = package.author_id == principal.sub and package.tenant_id == principal.tenant_id
    return mine or principal.is_admin_of(package.tenant_id)


class Catalog(Page):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "catalog"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = {"search": request.GET.get("search", ""), "cursor": request.GET.get("cursor", ""), "limit": PAGE}
        query = validated(PackageQueryIn, asked, root="query")
        show, search = request.GET.get("show", ""), query.pop("search")
        found = self.chosen(show).named_like(search).defer("readme").prefetch_related("group_rows")
        page = counted_page(found, field="updated_at", **query)
        names = names_of(package.author_id for package in page["items"])
        return self.show("console/catalog/list.html", **page, search=search, show_=show, names=names)

    def chosen(self, show: str) -> Any:
        seen = Package.objects.visible_to(self.principal)
        if show == "deleted":
            mine = seen.filter(deleted_at__isnull=False)
            return mine if self.principal.admin_role else mine.filter(author_id=self.principal.sub)
        return seen.living()


class PackagePage(Page):
    """A page of one package; `authored` are the methods that are its author's and the admins' alone."""

    section = "catalog"
    authored: ClassVar[bool] = False
    opens_deleted: ClassVar[bool] = False
    package: Package

    def open_door(self, request: HttpRequest, **kwargs: Any) -> None:
        super().open_door(request)
        tenant = request.GET.get("tenant_id", "")
        self.package = package_for(self.principal, kwargs["package_id"], tenant_id=tenant, deleted=self.opens_deleted)
        if self.authored:
            require_author(self.principal, self.package)

    def back(self, message: str) -> HttpResponse:
        """On the package's own page, which a super admin of elsewhere reaches by its tenant's name."""
        response = self.done(message, "package", package_id=self.package.slug)
        if self.package.tenant_id != self.principal.tenant_id:
            response["Location"] += "?" + urlencode({"tenant_id": self.package.tenant_id})
        return response


class PackageDetail(PackagePage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}

    def get(self, request: HttpRequest, package_id: str) -> HttpResponse:
        package, shown = self.package, version_for(self.package, request.GET.get("version", ""))
        versions, before = rows_before(package.versions, request, size=VERSIONS)
        content = file_of(shown).content
        names = names_of([package.author_id, *(one.author_id for one in versions)], package.group_ids)
        return self.show(
            "console/catalog/package.html", package=package, versions=versions, names=names, shown=shown,
            before=before, again=urlencode({"tenant_id": package.tenant_id, "version": shown.version}),
            readme=as_html(package.readme) if package.readme else "", is_mine=is_authors(self.principal, package),
            drawing=drawn(content, Picture(title=package.name)), **groups_to_choose(package.tenant_id),
        )  # fmt: skip


class PackageInstall(PackageDetail):
    """A flow of one's own out of it."""

    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}

    def post(self, request: HttpRequest, package_id: str) -> HttpResponse:
        version = version_for(self.package, request.POST.get("version", ""))
        flow = install_flow(by=self.principal, package=self.package, version=version)
        return self.done(f"{flow.name} {version.version} is installed. This copy is yours.", "flow", flow_id=flow.id)


class PackageVisibility(PackageDetail):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    authored = True

    def post(self, request: HttpRequest, package_id: str) -> HttpResponse:
        form = request.POST
        fields = {"visibility": form.get("visibility"), "visibility_group_ids": chosen_groups(form)}
        package = change_visibility(package=self.package, by=self.principal, **validated(VisibilityIn, fields))
        return self.back(f"{package.name} is shown to {package.visibility}.")


class PackageDelete(PackagePage):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    authored = True

    def post(self, request: HttpRequest, package_id: str) -> HttpResponse:
        delete_package(package=self.package, by=self.principal)
        return self.done(
            f"{self.package.name} is gone from the catalog. You can bring it back from the deleted ones.", "catalog"
        )


class PackageBack(PackagePage):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    authored = True
    opens_deleted = True

    def post(self, request: HttpRequest, package_id: str) -> HttpResponse:
        package = restore_package(package=self.package, by=self.principal)
        return self.back(f"{package.name} is back.")


class PackageDownload(PackagePage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}

    def get(self, request: HttpRequest, package_id: str) -> HttpResponseBase:
        version = version_for(self.package, request.GET.get("version", ""))
        return as_file(bytes_of(version), name=f"{self.package.slug}-{version.version}")


class Publish(Page):
    """A flow into the catalog, `?flow=` says which; or a document that is no stored flow, `?document=yes`."""

    permissions: ClassVar[dict[str, str]] = {"GET": MANAGE, "POST": MANAGE}
    section = "catalog"

    def get(self, request: HttpRequest) -> HttpResponse:
        flow_id = request.GET.get("flow") or request.POST.get("flow", "")
        if request.GET.get("document") or request.POST.get("content"):
            return self.show("console/catalog/publish.html", **groups_to_choose(self.principal.tenant_id))
        if not flow_id:
            found = self.publishable()
            rows, following = some_of(found, request, size=PAGE)
            return self.show("console/catalog/choose.html", flows=rows, following=following, most=LOOKED_AT)
        flow = flow_for(self.principal, flow_id, level=Level.DEPLOY)
        known = Package.objects.visible_to(self.principal).living().filter(versions__flow_id=flow.id).first()
        return self.show("console/catalog/publish.html", flow=flow, known=known, **groups_to_choose(flow.tenant_id))

    def publishable(self) -> list[Flow]:
        seen = Flow.objects.visible_to(self.principal).living().without_search_text().order_by("-updated_at", "-id")
        return [flow for flow in seen[:LOOKED_AT] if level_on(self.principal, flow) >= Level.DEPLOY]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = request.POST
        names = ("package_id", "name", "version", "description", "readme", "visibility")
        fields: dict[str, Any] = {name: form[name] for name in names if form.get(name)}
        fields |= {"visibility_group_ids": chosen_groups(form), **self.source()}
        draft = validated(PublishIn, fields)
        package = (publish_content if "content" in draft else publish_flow)(by=self.principal, **draft)
        return self.done(f"{package.name} {package.version} is in the catalog.", "package", package_id=package.slug)

    def source(self) -> dict[str, Any]:
        text = self.request.POST.get("content", "")
        return {"content": parsed(text)} if text else {"flow_id": self.request.POST.get("flow", "")}
