"""The database itself refuses to change or delete audit entries, whichever it is. (MariaDB and MySQL know no trigger on
TRUNCATE: there the account that serves requests should not have the right to DROP, which TRUNCATE needs.)"""

from django.db import migrations

SQLITE = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON kit_auditentry
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
POSTGRES_FUNCTION = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
POSTGRES = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON kit_auditentry
FOR EACH {each} EXECUTE FUNCTION audit_append_only()
"""
# The number is the server's own for a row that something else depends on, which Django knows as an IntegrityError.
MYSQL = """
CREATE TRIGGER audit_no_{event} BEFORE {event} ON kit_auditentry FOR EACH ROW
SIGNAL SQLSTATE '23000' SET MESSAGE_TEXT = 'the audit log is append-only', MYSQL_ERRNO = 1451
"""
TEMPLATES = {"sqlite": SQLITE, "postgresql": POSTGRES, "mysql": MYSQL}


ROWS = ("update", "delete")


def events(vendor):
    """What is refused by now; TRUNCATE since 0003."""
    return (*ROWS, "truncate") if vendor == "postgresql" else ROWS


def create(vendor, event):
    return TEMPLATES[vendor].format(event=event, each="STATEMENT" if event == "truncate" else "ROW")


def drop(vendor, event):
    return f"DROP TRIGGER audit_no_{event}" + (" ON kit_auditentry" if vendor == "postgresql" else "")


def close(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(POSTGRES_FUNCTION)
    for event in ROWS:
        schema_editor.execute(create(vendor, event))


def open_again(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for event in ROWS:
        schema_editor.execute(drop(vendor, event))
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION audit_append_only()")


class Migration(migrations.Migration):
    dependencies = [("kit", "0001_initial")]
    atomic = False  # MariaDB and MySQL end a transaction at the first such statement
    operations = [migrations.RunPython(close, open_again)]
