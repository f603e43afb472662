"""PostgreSQL counts how many watches each stream has, of up to a thousand of them, and not of the largest hundred alone.

A list of some small streams' watches is else taken for a large part of the table, which is then read whole.
"""

from django.db import migrations

STREAMS, USUAL = 1000, -1


def keep_statistics(count):
    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE subscriptions_watch ALTER COLUMN stream_id SET STATISTICS {count}")

    return alter


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0005_evidence_sought")]

    operations = [migrations.RunPython(keep_statistics(STREAMS), keep_statistics(USUAL), elidable=False)]
