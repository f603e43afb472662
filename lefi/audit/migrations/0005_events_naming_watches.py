"""An index of the watches that an event about several names, on PostgreSQL: SQLite has none of what is in a list."""

from django.db import migrations

INDEX = "events_naming_watches"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                f"CREATE INDEX {INDEX} ON audit_auditevent USING gin ((details -> 'watches') jsonb_path_ops) "
                "WHERE jsonb_typeof(details -> 'watches') = 'array'"
            )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_followup_append_only")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
