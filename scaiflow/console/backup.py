"""A whole installation as a folder of plain files, and back: every table as lines of JSON, every object as it is, and a list
with the digest of each. It reads the same from SQLite, PostgreSQL and MariaDB, so it also moves one to the other.

The tables are read in one snapshot. Objects are never changed and are written before the rows that name them, so what is
copied after the snapshot holds every object that a row of it names. Secrets stay sealed: SCAIFLOW_ENCRYPTION_KEYS is kept
elsewhere.
"""

# ruff: noqa: SLF001  Django tells of models through _meta, and of all rows through _base_manager.
from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.core.serializers.python import Deserializer, Serializer
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from scaiflow.kit import storage

# What Django makes by itself, what ends with the process, and what would hold a new installation up.
LEFT_OUT = {"contenttypes.contenttype", "auth.permission", "sessions.session", "kit.lease", "admin.logentry"}
BATCH = 500
Model = type[models.Model]


class NotRestored(Exception):
    """The place is not empty, the release is another, or what came back is not what was kept."""


class Exactly(DjangoJSONEncoder):
    """Django's own would cut a time down to milliseconds, and the audit log's digests are over microseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def back_up(folder: Path) -> dict[str, Any]:
    """Write everything into `folder`, which must be new. Answers the list, which is also kept there as manifest.json."""
    (folder / "tables").mkdir(parents=True)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tables = {model._meta.label_lower: _write_table(model, folder) for model in kept_models()}
        migrations = applied_migrations()
    objects = {key: _write_object(key, folder) for key in object_keys()}
    manifest = {"made_at": timezone.now().isoformat(), "migrations": migrations, "tables": tables, "objects": objects}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return manifest


def restore(folder: Path, *, when_empty: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Everything of `folder` into an empty installation of the same release, looked at again when it is there. Answers the
    list. `when_empty` is called before anything is written, once it is known that nothing is there. Raises NotRestored, and
    then the database is as it was."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    if applied_migrations() != manifest["migrations"]:
        raise NotRestored(
            "the schema is of another release; restore with the release that made the backup, then upgrade"
        )
    _require_empty()
    when_empty()
    for key, kept in manifest["objects"].items():
        body = (folder / "objects" / key).read_bytes()
        if hashlib.sha256(body).hexdigest() != kept["sha256"]:
            raise NotRestored(f"the kept object {key} is damaged")
        storage.create(key, body)
    with transaction.atomic(), connection.constraint_checks_disabled():
        for model in kept_models():
            _read_table(model, folder, manifest["tables"].get(model._meta.label_lower, {"rows": 0}))
        _count_on()
    return manifest


def kept_models() -> list[Model]:
    found = apps.get_models(include_auto_created=True)
    return [one for one in found if one._meta.managed and not one._meta.proxy and one._meta.label_lower not in LEFT_OUT]


def applied_migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def lines_of(model: Model) -> Iterator[bytes]:
    """The rows in the order of their keys, in one fixed form, whatever the database."""
    names = [field.name for field in model._meta.concrete_fields]
    rows = model._base_manager.order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        for told in Serializer().serialize(batch, fields=names):
            yield json.dumps(told, cls=Exactly, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def object_keys(root: str = "") -> Iterator[str]:
    """Every object in storage, but for what /readyz is writing just now."""
    try:
        folders, names = default_storage.listdir(root)
    except FileNotFoundError:
        return
    for name in sorted(names):
        if not name.startswith("."):
            yield f"{root}/{name}".lstrip("/")
    for folder in sorted(folders):
        if (inner := f"{root}/{folder}".strip("/")) and inner != "health":
            yield from object_keys(inner)


def _write_table(model: Model, folder: Path) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    with (folder / "tables" / f"{model._meta.label_lower}.jsonl").open("wb") as file:
        for line in lines_of(model):
            file.write(line)
            digest.update(line)
            rows += 1
    return {"rows": rows, "sha256": digest.hexdigest()}


def _write_object(key: str, folder: Path) -> dict[str, Any]:
    body = storage.read(key)
    target = folder / "objects" / key
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body)
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _read_table(model: Model, folder: Path, kept: dict[str, Any]) -> None:
    if kept["rows"]:
        with (folder / "tables" / f"{model._meta.label_lower}.jsonl").open("rb") as file:
            while batch := [json.loads(line) for line in islice(file, BATCH)]:
                _insert(model, [one.object for one in Deserializer(batch)])
    digest = hashlib.sha256()
    for line in lines_of(model):
        digest.update(line)
    if kept["rows"] and digest.hexdigest() != kept["sha256"]:
        raise NotRestored(f"{model._meta.label_lower} did not come back as it was kept")


def _insert(model: Model, rows: list[models.Model]) -> None:
    """As they are: Django's own `save` and `bulk_create` would put today's date where a field says `auto_now`."""
    fields = list(model._meta.concrete_fields)
    size = connection.ops.bulk_batch_size(fields, rows)
    for start in range(0, len(rows), size):
        queryset: Any = model._base_manager.get_queryset()
        queryset._insert(rows[start : start + size], fields=fields, using=connection.alias, raw=True)


def _require_empty() -> None:
    full = [model._meta.label_lower for model in kept_models() if model._base_manager.exists()]
    if full or any(object_keys()):
        raise NotRestored(f"this installation is not empty: {', '.join(full) or 'there are objects in its storage'}")


def _count_on() -> None:
    """Numbers that the database gives go on behind the highest that came back."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept_models()):
            cursor.execute(statement)
