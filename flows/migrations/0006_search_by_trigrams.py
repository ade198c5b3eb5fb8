"""On PostgreSQL, where its own extension pg_trgm can be had: indexes for searches inside of words.

Without the extension, or without the right to create it, the searches work all the same and read the tenant's rows.
"""

from django.db import DatabaseError, migrations, transaction

INDEXES = {"flow_name_trigrams": "name_folded", "flow_search_trigrams": "search_folded"}


def create(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for name, column in INDEXES.items():
                cursor.execute(f"CREATE INDEX {name} ON flows_flow USING gin ({column} gin_trgm_ops)")
    except DatabaseError:
        return


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("flows", "0005_find_flows")]
    operations = [migrations.RunPython(create, drop)]
