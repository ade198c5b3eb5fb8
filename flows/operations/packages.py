"""Flows as packages: published into the catalog, installed from it, exported and imported as one file."""

from __future__ import annotations

from typing import Any

from catalog.models import Package as CatalogPackage
from catalog.models import PackageVersion
from catalog.operations.packages import file_of
from catalog.operations.publishing import Draft, publish
from catalog.packaging import Package, PackageError, read_package, write_package
from flows.access import flow_for
from flows.models import Flow
from flows.operations.compiling import compiled
from flows.operations.flows import create_flow
from flows.operations.versions import FIRST, Content, checked, content_of
from flows.roles import Level
from scaiflow.kit.errors import NotAllowed, Unprocessable
from scaiflow.kit.ids import flow_id as new_flow_id
from scaiflow.kit.rights import MANAGE
from tenants.principals import Principal

LONGEST_SLUG = 100


def publish_flow(*, by: Principal, flow_id: str, **draft: Any) -> CatalogPackage:
    """The newest version of a flow, into the catalog of its tenant. Raises NotFound, NotAllowed (level deploy is needed),
    DoesNotCompile, and what the catalog raises."""
    flow = flow_for(by, flow_id, level=Level.DEPLOY)
    source = {"flow_id": flow.id, "flow_version": flow.version}
    return _publish(by, flow.tenant_id, content_of(flow=flow), **source, **draft)


def publish_content(*, by: Principal, content: Content, **draft: Any) -> CatalogPackage:
    """A document that is no stored flow. Raises TooLarge, Unprocessable, DoesNotCompile, and what the catalog raises."""
    checked(content)
    return _publish(by, by.tenant_id, content, **draft)


def _publish(by: Principal, tenant_id: str, content: Content, **draft: Any) -> CatalogPackage:
    manifest = compiled(content).body
    return publish(by=by, tenant_id=tenant_id, draft=Draft(content=content, manifest=manifest, **draft))


def unpacked(*, version: PackageVersion, name: str) -> Content:
    """The document of a package, as a flow of its own: a fresh id, its first version. Raises Unavailable."""
    return file_of(version).content | {"id": new_flow_id(), "name": name, "version": FIRST}


def install_flow(*, by: Principal, package: CatalogPackage, version: PackageVersion) -> Flow:
    """A new flow of the caller's, in their tenant, that shares nothing with the one that was published. Raises NotAllowed,
    Unavailable, TooLarge, Unprocessable."""
    if not by.may(MANAGE):
        raise NotAllowed(f"permission '{MANAGE}' is missing")
    content = unpacked(version=version, name=package.name)
    origin = f"package {package.slug} {version.version}"
    return create_flow(by=by, name=package.name, description=package.description, content=content, origin=origin)


def exported(*, flow: Flow, version: str | None = None) -> tuple[str, bytes]:
    """One version of a flow as a package that nobody published: the name for its file, and the file. The same version
    gives the same bytes. Raises NotFound, Unavailable, DoesNotCompile, Unprocessable."""
    content = content_of(flow=flow, version=version)
    made = compiled(content)
    slug = made.slug[:LONGEST_SLUG].strip("-")
    package = Package(
        package_id=slug, name=flow.name, version=content["version"], content=content, manifest=made.body,
        description=flow.description,
    )  # fmt: skip
    try:
        return f"{slug}-{package.version}", write_package(package)
    except PackageError as error:
        raise Unprocessable.at("body", msg=str(error), type="package_invalid") from None


def imported_package(*, body: bytes) -> dict[str, Any]:
    """`{content, unknown_steps: [], package: {package_id, name, version, description, readme}}`. Raises Unprocessable (not a
    package, or a hostile one), TooLarge."""
    try:
        package = read_package(body)
    except PackageError as error:
        raise Unprocessable.at("body", msg=str(error), type="package_invalid") from None
    checked(package.content)
    names = ("package_id", "name", "version", "description", "readme")
    told = {name: getattr(package, name) for name in names}
    return {"content": package.content, "unknown_steps": [], "package": told}
