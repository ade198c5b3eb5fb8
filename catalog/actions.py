"""The names under which changes to packages stand in the audit log."""

from __future__ import annotations

from scaiflow.kit.audit import register

PACKAGE_PUBLISHED = register("package.published")
PACKAGE_CHANGED = register("package.changed")
PACKAGE_DELETED = register("package.deleted")
PACKAGE_RESTORED = register("package.restored")
