"""Triggers that keep what was told as it was told: disclosures, fetches and decisions never change, and of a delivery
only the marks of its life (fetched, acknowledged, recalled) are set, once each."""

from django.db import migrations

LOGS = ("deliveries_disclosure", "deliveries_fetch", "deliveries_storeddecision")
DELIVERY = "deliveries_delivery"
FIXED = (
    "stream_id run_id number sha256 previous_sha256 size schema_version as_of_import as_of_law day final persons "
    "blocks planned_for released_at"
).split()
ONCE = ("first_fetched_at", "acknowledged_at", "recalled_at")


def broken(differs):
    fixed = [f"OLD.{column} {differs} NEW.{column}" for column in FIXED]
    once = [f"(OLD.{column} IS NOT NULL AND OLD.{column} {differs} NEW.{column})" for column in ONCE]
    return " OR ".join(fixed + once)


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            create_on_postgresql(cursor.execute)
        else:
            create_on_sqlite(cursor.execute)


def create_on_postgresql(execute):
    for table in LOGS:
        execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    execute(
        f"CREATE TRIGGER {DELIVERY}_kept BEFORE DELETE ON {DELIVERY} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    execute(
        f"CREATE TRIGGER {DELIVERY}_fixed BEFORE UPDATE ON {DELIVERY} FOR EACH ROW "
        f"WHEN ({broken('IS DISTINCT FROM')}) EXECUTE FUNCTION refuse_change()"
    )


def create_on_sqlite(execute):
    for table in LOGS:
        for event in ("UPDATE", "DELETE"):
            execute(
                f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    execute(
        f"CREATE TRIGGER {DELIVERY}_kept BEFORE DELETE ON {DELIVERY} "
        f"BEGIN SELECT RAISE(ABORT, '{DELIVERY} is append-only'); END"
    )
    execute(
        f"CREATE TRIGGER {DELIVERY}_fixed BEFORE UPDATE ON {DELIVERY} FOR EACH ROW WHEN {broken('IS NOT')} "
        f"BEGIN SELECT RAISE(ABORT, '{DELIVERY} is append-only'); END"
    )


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0001_initial"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(create)]
