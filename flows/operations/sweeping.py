"""What a killed save or publishing left in storage: objects that no version names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from catalog.models import PackageVersion
from flows.models import FlowVersion
from scaiflow.kit import storage

Named = type[FlowVersion] | type[PackageVersion]
ROOTS: dict[str, Named] = {"flows": FlowVersion, "catalog": PackageVersion}
# A save in progress has written its object and not yet its row; nothing that young is an orphan.
MIN_AGE = timedelta(hours=1)


def sweep_orphans(*, min_age: timedelta = MIN_AGE) -> list[str]:
    """Deletes orphans older than `min_age` and answers their keys. Raises Unavailable."""
    before = timezone.now() - min_age
    return [key for root, model in ROOTS.items() for key in _swept(root, model, before)]


def _swept(root: str, model: Named, before: datetime) -> Iterator[str]:
    for folder, names in _folders(root):
        keys = [f"{folder}/{name}" for name in names]
        named = set(model.objects.filter(object_key__in=keys).values_list("object_key", flat=True))
        for key in keys:
            if key not in named and default_storage.get_modified_time(key) < before:
                storage.delete(key)
                yield key


def _folders(root: str) -> Iterator[tuple[str, list[str]]]:
    """Every folder below `root` and the names of the objects in it."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            folders, names = default_storage.listdir(folder)
        except FileNotFoundError:
            continue
        waiting += [f"{folder}/{name}" for name in folders]
        if names:
            yield folder, names
