"""The one door to a package: fetched, checked, and told apart (404 unseen, 403 seen but not theirs to change)."""

from __future__ import annotations

from catalog.models import Package, PackageVersion
from scaiflow.kit.errors import Conflict, NotAllowed, NotFound, Unseen
from tenants.principals import Principal


def package_for(principal: Principal, package_id: str, *, tenant_id: str = "", deleted: bool = False) -> Package:
    """The package of this id that the principal may see. Raises NotFound (Unseen when their tenant has it), Conflict.

    Ids are unique in a tenant alone. A super admin means their own tenant's, or else the only one there is, unless they
    name a tenant. `deleted` opens the door to deleted packages too (to bring one back)."""
    there = (Package.objects.all() if deleted else Package.objects.living()).filter(slug=package_id)
    if tenant_id:
        there = there.filter(tenant_id=tenant_id)
    seen = there.visible_to(principal)
    found = list(seen.filter(tenant_id=principal.tenant_id)) or list(seen.order_by("id")[:2])
    if len(found) == 2:
        raise Conflict(f"several tenants have a package {package_id!r}; name one with ?tenant_id=")
    if not found:
        is_hidden = there.filter(tenant_id=principal.tenant_id).exists()
        raise (Unseen if is_hidden else NotFound)("package not found")
    return found[0]


def require_author(principal: Principal, package: Package) -> None:
    """Raises NotAllowed."""
    is_author = package.author_id == principal.sub and package.tenant_id == principal.tenant_id
    if not is_author and not principal.is_admin_of(package.tenant_id):
        raise NotAllowed(f"package {package.slug!r} belongs to another author; only they or an admin may change it")


def version_for(package: Package, version: str = "") -> PackageVersion:
    """The version that was published last when none is named. Raises NotFound."""
    found = package.versions.filter(version=version or package.version).first()
    if found is None:
        raise NotFound("version not found")
    return found
