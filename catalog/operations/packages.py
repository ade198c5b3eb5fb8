"""Packages: shown to others, deleted and brought back, each in one transaction; and their files, read back whole."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.actions import PACKAGE_CHANGED, PACKAGE_DELETED, PACKAGE_RESTORED
from catalog.models import Package, PackageGroup, PackageVersion
from catalog.packaging import Package as File
from catalog.packaging import PackageError, read_package
from catalog.roles import Visibility
from scaiflow.kit import audit, storage
from scaiflow.kit.errors import NotFound, Unavailable, Unprocessable
from tenants.models import Group
from tenants.principals import Principal


def change_visibility(
    *, package: Package, by: Principal, visibility: str | None = None, visibility_group_ids: list[str] | None = None
) -> Package:
    """What is None stays. Raises NotFound, Unprocessable (not groups of the tenant; or none, for `groups`)."""
    require_groups(package.tenant_id, visibility_group_ids or [])
    with transaction.atomic():
        locked = _locked(package)
        before = facts(locked)
        show_to(locked, visibility, visibility_group_ids)
        touch(locked)
        write_down(PACKAGE_CHANGED, locked, by, before, facts(locked))
    return locked


def delete_package(*, package: Package, by: Principal) -> None:
    """Soft: the versions and their files stay, and the id stays taken. Raises NotFound."""
    _set_deleted(package, by, PACKAGE_DELETED, deleted=True)


def restore_package(*, package: Package, by: Principal) -> Package:
    """A package that lives already stays as it is, so that asking twice does no harm. Raises NotFound."""
    return _set_deleted(package, by, PACKAGE_RESTORED, deleted=False)


def bytes_of(version: PackageVersion) -> bytes:
    """The file as it was published. Raises Unavailable, also when it is not what was written (its digest differs)."""
    body = storage.read(version.object_key)
    if hashlib.sha256(body).hexdigest() != version.digest:
        raise _damaged()
    return body


def file_of(version: PackageVersion) -> File:
    """What is in it. Raises Unavailable."""
    try:
        return read_package(bytes_of(version))
    except PackageError:
        raise _damaged() from None


def require_groups(tenant_id: str, group_ids: list[str]) -> None:
    """Raises Unprocessable for the first that is not a group of the tenant."""
    known = set(Group.objects.living().filter(tenant_id=tenant_id, id__in=group_ids).values_list("id", flat=True))
    for index, group_id in enumerate(group_ids):
        if group_id not in known:
            message = f"there is no group {group_id!r} in this tenant"
            raise Unprocessable.at("body", "visibility_group_ids", index, msg=message, type="unknown_group")


def show_to(package: Package, visibility: str | None, group_ids: list[str] | None) -> None:
    """Inside the caller's transaction, with the package locked. Raises Unprocessable."""
    package.visibility = visibility or package.visibility
    wanted = set(package.group_ids if group_ids is None else group_ids)
    if package.visibility == Visibility.GROUPS and not wanted:
        message = "a package that is visible to groups needs at least one"
        raise Unprocessable.at("body", "visibility_group_ids", msg=message, type="missing")
    if wanted != set(package.group_ids):
        package.group_rows.exclude(group_id__in=wanted).delete()
        new = wanted - set(package.group_ids)
        PackageGroup.objects.bulk_create(PackageGroup(package=package, group_id=group_id) for group_id in sorted(new))


def touch(package: Package) -> None:
    """Time only moves on, also when the clock does not: newest-first lists depend on it."""
    package.updated_at = max(timezone.now(), package.updated_at)
    package.save()


def facts(package: Package) -> dict[str, Any]:
    """What the audit log compares."""
    deleted_at = package.deleted_at.isoformat() if package.deleted_at else None
    told = {name: getattr(package, name) for name in ("name", "description", "version", "author_id", "visibility")}
    return {**told, "visibility_group_ids": package.group_ids, "deleted_at": deleted_at}


def write_down(action: str, package: Package, by: Principal, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(
        action=action, tenant_id=package.tenant_id, actor_id=by.sub, object_type="package", object_id=package.slug,
        changes=audit.difference(before, after),
    )  # fmt: skip


def _set_deleted(package: Package, by: Principal, action: str, *, deleted: bool) -> Package:
    with transaction.atomic():
        locked = _locked(package, deleted=not deleted)
        if deleted or locked.deleted_at:
            before, locked.deleted_at = facts(locked), timezone.now() if deleted else None
            touch(locked)
            write_down(action, locked, by, before, facts(locked))
    return locked


def _locked(package: Package, *, deleted: bool = False) -> Package:
    rows = Package.objects.all() if deleted else Package.objects.living()
    found = rows.select_for_update().filter(id=package.id).first()
    if found is None:
        raise NotFound("package not found")
    return found


def _damaged() -> Unavailable:
    return Unavailable("the stored package is damaged; restore it from a backup", component="storage")
