"""PostgreSQL empties a table without touching its rows, so the triggers on rows do not see it: one more, for that."""

from django.db import migrations

CLOSE = """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON kit_auditentry
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""


def close(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CLOSE)


def open_again(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER audit_no_truncate ON kit_auditentry")


class Migration(migrations.Migration):
    dependencies = [("kit", "0002_append_only")]
    operations = [migrations.RunPython(close, open_again)]
