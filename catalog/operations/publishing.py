"""A package published: one version more, its file in storage first, then the rows, under the package's lock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils import timezone

from catalog.access import require_author
from catalog.actions import PACKAGE_PUBLISHED
from catalog.models import Package, PackageVersion
from catalog.operations.packages import facts, require_groups, show_to, touch, write_down
from catalog.packaging import Package as File
from catalog.packaging import PackageError, write_package
from scaiflow.kit.errors import Unprocessable
from scaiflow.kit.writes import ObjectWrites, whole_write
from tenants.principals import Principal


@dataclass(frozen=True)
class Draft:
    """What is to be published. `content` is the FlowGraph document, `manifest` the YAML that it compiles to. Where
    `visibility` or `visibility_group_ids` is None, it stays as it is (a new package: the whole tenant)."""

    package_id: str
    name: str
    version: str
    content: dict[str, Any]
    manifest: bytes
    description: str = ""
    readme: str | None = None
    visibility: str | None = None
    visibility_group_ids: list[str] | None = None
    flow_id: str | None = None
    flow_version: str | None = None


def publish(*, by: Principal, tenant_id: str, draft: Draft) -> Package:
    """The package, at the version that was given to it: the draft's, or the next free patch after it.

    Publishing over a deleted package brings it back. Raises NotAllowed (another author's), Unprocessable, Unavailable."""
    with whole_write(is_named=lambda key: PackageVersion.objects.filter(object_key=key).exists()) as writes:
        package, before = _claimed(by, tenant_id, draft)
        package.version = free_version(package, draft.version)
        _add_version(package, by, draft, writes)
        package.name, package.name_folded = draft.name, draft.name.casefold()
        package.description, package.readme, package.deleted_at = draft.description, draft.readme, None
        show_to(package, draft.visibility, draft.visibility_group_ids)
        touch(package)
        source = {"flow": draft.flow_id, "flow_version": draft.flow_version}
        write_down(PACKAGE_PUBLISHED, package, by, before, {**facts(package), **source})
    return package


def free_version(package: Package, wanted: str) -> str:
    """`wanted`, or the first patch after it that was never given."""
    major, minor, patch = wanted.split(".")
    taken = set(package.versions.filter(version__startswith=f"{major}.{minor}.").values_list("version", flat=True))
    number = int(patch)
    while f"{major}.{minor}.{number}" in taken:
        number += 1
    return f"{major}.{minor}.{number}"


def _claimed(by: Principal, tenant_id: str, draft: Draft) -> tuple[Package, dict[str, Any]]:
    """The package's row, locked, and what the audit log compares with: nothing, where it is new."""
    require_groups(tenant_id, draft.visibility_group_ids or [])
    author = {"author_id": by.sub, "author_email": by.email[:254]}
    is_new = Package.objects.get_or_create(tenant_id=tenant_id, slug=draft.package_id, defaults=author)[1]
    package = Package.objects.select_for_update().get(tenant_id=tenant_id, slug=draft.package_id)
    require_author(by, package)
    return package, {} if is_new else facts(package)


def _add_version(package: Package, by: Principal, draft: Draft, writes: ObjectWrites) -> None:
    body = _file(draft, package.version)
    key = f"catalog/{package.tenant_id}/{package.slug}/v{package.version}.scaipkg"
    writes.create(key, body)
    last = package.versions.aggregate(last=Max("sequence"))["last"] or 0
    PackageVersion.objects.create(
        package=package, version=package.version, sequence=last + 1, object_key=key,
        digest=hashlib.sha256(body).hexdigest(), size=len(body), author_id=by.sub, flow_id=draft.flow_id,
        flow_version=draft.flow_version, created_at=timezone.now(),
    )  # fmt: skip


def _file(draft: Draft, version: str) -> bytes:
    try:
        return write_package(
            File(
                package_id=draft.package_id,
                name=draft.name,
                version=version,
                content=draft.content,
                manifest=draft.manifest,
                description=draft.description,
                readme=draft.readme,
            )
        )
    except PackageError as error:
        raise Unprocessable.at("body", msg=str(error), type="package_invalid") from None
