"""Triggers that keep messages about applications as they were sent."""

from django.db import migrations

TABLE = "subscriptions_connectionmessage"


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            cursor.execute(
                f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            return
        for event in ("UPDATE", "DELETE"):
            cursor.execute(
                f"CREATE TRIGGER {TABLE}_append_only_{event.lower()} BEFORE {event} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0003_legal_bases"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(create)]
