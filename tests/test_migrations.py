"""Migrations for rolling upgrades: while the new schema is there already, the release before still reads and writes."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

OURS = ("kit", "tenants", "catalog", "flows", "webhooks")
# Made before there was a release to be rolled over. The list does not grow.
BEFORE_THE_FIRST_RELEASE = {
    ("flows", "0003_job_idempotency_and_cancel"),
    ("flows", "0005_find_flows"),
    ("tenants", "0002_mirror_groups"),
}
GOES = (
    migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel,
    migrations.AlterModelTable,
)  # fmt: skip


def problems(operations: list[Operation]) -> Iterator[str]:
    """What would break the release before, or could not be taken back."""
    made = {operation.name_lower for operation in operations if isinstance(operation, migrations.CreateModel)}
    for operation in operations:
        if isinstance(operation, GOES):
            yield f"{operation.describe()}: the release before still uses it; take it away one release later"
        elif isinstance(operation, migrations.AddField) and operation.model_name_lower not in made:
            if not (operation.field.null or operation.field.has_db_default() or operation.field.many_to_many):
                yield f"{operation.describe()}: the release before writes rows without it; give it null or a db_default"
        elif isinstance(operation, migrations.AddConstraint) and operation.model_name_lower not in made:
            yield f"{operation.describe()}: rows of the release before may break it"
        elif isinstance(operation, migrations.AlterField) and not operation.field.null:
            yield f"{operation.describe()}: a narrower column; make a new one beside it"
        elif isinstance(operation, migrations.RunPython | migrations.RunSQL) and not operation.reversible:
            yield f"{operation.describe()}: has no way back"


def ours() -> list[Any]:
    disk = MigrationLoader(None).disk_migrations
    return [pytest.param(one, id=f"{key[0]}.{key[1]}") for key, one in sorted(disk.items()) if key[0] in OURS]


@pytest.mark.parametrize("migration", ours())
def test_a_migration_leaves_the_release_before_working(migration: Any) -> None:
    if (migration.app_label, migration.name) not in BEFORE_THE_FIRST_RELEASE and migration.dependencies:
        assert list(problems(migration.operations)) == []


BAD = {
    "a column goes": migrations.RemoveField("flow", "name"),
    "a column is renamed": migrations.RenameField("flow", "name", "title"),
    "a table goes": migrations.DeleteModel("flow"),
    "a column that must be filled": migrations.AddField(
        "flow", "colour", models.CharField(max_length=9, default="red")
    ),
    "a rule for rows that are there": migrations.AddConstraint(
        "flow", models.UniqueConstraint(fields=["name"], name="u")
    ),
    "a narrower column": migrations.AlterField("flow", "name", models.CharField(max_length=3)),
    "no way back": migrations.RunPython(lambda apps, schema_editor: None),
}


@pytest.mark.parametrize("bad", BAD)
def test_the_linter_sees(bad: str) -> None:
    assert list(problems([BAD[bad]]))


def test_the_linter_lets_through_what_is_safe() -> None:
    filled = models.CharField(max_length=9, default="red", db_default="red")
    safe = [
        migrations.AddField("flow", "colour", models.CharField(max_length=9, null=True)),
        migrations.AddField("flow", "colour", filled),
        migrations.CreateModel("Thing", [("id", models.AutoField(primary_key=True))]),
        migrations.AddField("thing", "must", models.CharField(max_length=9)),
        migrations.AddIndex("flow", models.Index(fields=["name"], name="i")),
    ]
    assert list(problems(safe)) == []


def states_before() -> list[Any]:
    """For each app, its models as they were before its newest migration: what the release before was written for."""
    loader = MigrationLoader(None)
    found = []
    for app, name in loader.graph.leaf_nodes():
        parents = [parent for parent in loader.disk_migrations[app, name].dependencies if parent[0] == app]
        if app in OURS and parents and (app, name) not in BEFORE_THE_FIRST_RELEASE:
            found += [pytest.param(app, parent, id=f"{app} before {name}") for parent in parents]
    return found


def filled(model: Any, app: str) -> Any:
    """A row with a value in every column that wants one. Foreign keys point nowhere: it is never committed."""
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.has_default() or field.null or isinstance(field, models.AutoField):
            continue
        values[field.attname] = value_for(field.target_field if field.is_relation else field)
    return model(**values)


def value_for(field: Any) -> Any:
    now = datetime.datetime.now(datetime.UTC)
    match field:
        case models.DateTimeField():
            return now
        case models.BooleanField():
            return False
        case models.IntegerField():
            return 1
        case models.BinaryField():
            return b"x"
        case models.JSONField():
            return {}
    return uuid.uuid4().hex[: field.max_length or 20]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("app", "before"), states_before())
def test_the_models_of_the_release_before_still_write_and_read_on_todays_schema(
    app: str, before: tuple[str, str]
) -> None:
    old = MigrationLoader(None).project_state(before).apps
    tried = 0
    for model in old.get_app_config(app).get_models():
        with connection.constraint_checks_disabled(), transaction.atomic():
            row = filled(model, app)
            row.save(force_insert=True)
            assert model.objects.get(pk=row.pk).pk == row.pk
            transaction.set_rollback(True)
        tried += 1
    assert tried
