"""The database itself refuses to change or delete audit entries (SQLite, PostgreSQL; elsewhere the model alone does)."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON kit_auditentry
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
"""
POSTGRES = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON kit_auditentry
FOR EACH ROW EXECUTE FUNCTION audit_append_only()
"""
EVENTS = ("update", "delete")


def statements(vendor):
    if vendor == "sqlite":
        return [SQLITE.format(event=event) for event in EVENTS]
    if vendor == "postgresql":
        return [POSTGRES_FUNCTION, *(POSTGRES.format(event=event) for event in EVENTS)]
    return []


def close(apps, schema_editor):
    for statement in statements(schema_editor.connection.vendor):
        schema_editor.execute(statement)


def open_again(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor in {"sqlite", "postgresql"}:
        for event in EVENTS:
            schema_editor.execute(f"DROP TRIGGER audit_no_{event}" + (" ON kit_auditentry" if vendor == "postgresql" else ""))
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_append_only()")


class Migration(migrations.Migration):
    dependencies = [("kit", "0001_initial")]
    operations = [migrations.RunPython(close, open_again)]
