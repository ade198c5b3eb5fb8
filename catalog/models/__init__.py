from __future__ import annotations

from catalog.models.packages import Package, PackageGroup
from catalog.models.versions import PackageVersion

__all__ = ["Package", "PackageGroup", "PackageVersion"]
