"""An index for those who look for consents by how the evidence's reference begins, on PostgreSQL.

It is of the folded text, which only there a function of the database itself makes (lefi.folding).
"""

from django.db import migrations

INDEX = "consents_by_evidence"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX {INDEX} ON subscriptions_consent (lefi_fold(evidence) text_pattern_ops)")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0004_messages_stand"), ("audit", "0003_folding")]

    operations = [migrations.RunPython(create, drop, elidable=False)]
