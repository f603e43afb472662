"""Triggers that refuse to change or delete what was found in the log, and who signed it off."""

from django.db import migrations

TABLES = ("audit_followup", "audit_finding", "audit_signoff")


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table in TABLES:
            if schema_editor.connection.vendor == "postgresql":
                cursor.execute(
                    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
                )
                continue
            for event in ("UPDATE", "DELETE"):
                cursor.execute(
                    f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_folding")]

    operations = [migrations.RunPython(create)]
