"""Triggers that keep what was told as it was told: disclosures, fetches and decisions never change, and of a delivery
only the marks of its life (fetched, acknowledged, recalled) are set, once each; of a spontaneous disclosure, from when
it is approved, only its first fetch. Signed statements never change, and of a key only its end is set."""

from django.db import migrations

LOGS = ("deliveries_disclosure", "deliveries_fetch", "deliveries_storeddecision", "deliveries_receipt")
DELIVERY = "deliveries_delivery"
FIXED = (
    "stream_id run_id number sha256 previous_sha256 size schema_version as_of_import as_of_law day final persons "
    "blocks planned_for released_at manifest_id"
).split()
ONCE = ("first_fetched_at", "acknowledged_at", "recalled_at")
KEY = "deliveries_signingkey"
SPONTANEOUS = "deliveries_spontaneousdisclosure"
FIXED_ONCE_APPROVED = (
    "customer_id person_id basis_code benefit from_date reason decision_id sha256 size sections as_of_import "
    "prepared_by_id prepared_at approved_by_id approved_at"
).split()
APPROVED = "OLD.approved_at IS NOT NULL"


def broken(differs):
    fixed = [f"OLD.{column} {differs} NEW.{column}" for column in FIXED]
    once = [f"(OLD.{column} IS NOT NULL AND OLD.{column} {differs} NEW.{column})" for column in ONCE]
    return " OR ".join(fixed + once)


def broken_key(differs):
    """What of a key is fixed: all but when it ends, and that it is withdrawn, for good."""
    columns = ("kid", "algorithm", "created_at", "signs_from")
    fixed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
    public = f"CAST(OLD.public_jwk AS TEXT) {differs} CAST(NEW.public_jwk AS TEXT)"
    return f"{fixed} OR {public} OR (OLD.withdrawn_at IS NOT NULL AND OLD.withdrawn_at {differs} NEW.withdrawn_at)"


def broken_once_approved(differs):
    fixed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in FIXED_ONCE_APPROVED)
    fetched = f"OLD.first_fetched_at {differs} NEW.first_fetched_at OR OLD.fetched_by {differs} NEW.fetched_by"
    return f"{APPROVED} AND ({fixed} OR OLD.first_fetched_at IS NOT NULL AND ({fetched}))"


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
    for table, fault in ((DELIVERY, broken), (KEY, broken_key)):
        execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({fault('IS DISTINCT FROM')}) EXECUTE FUNCTION refuse_change()"
        )
    for name, event, when in spontaneous_rules("IS DISTINCT FROM"):
        execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {SPONTANEOUS} FOR EACH ROW "
            f"WHEN ({when}) EXECUTE FUNCTION refuse_change()"
        )


def create_on_sqlite(execute):
    for table in LOGS:
        for event in ("UPDATE", "DELETE"):
            execute(
                f"CREATE TRIGGER {table}_append_only_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    for table, fault in ((DELIVERY, broken), (KEY, broken_key)):
        execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
        execute(
            f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} FOR EACH ROW WHEN {fault('IS NOT')} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    for name, event, when in spontaneous_rules("IS NOT"):
        execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {SPONTANEOUS} FOR EACH ROW WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{SPONTANEOUS} is append-only'); END"
        )


def spontaneous_rules(differs):
    return [
        (f"{SPONTANEOUS}_kept", "DELETE", APPROVED),
        (f"{SPONTANEOUS}_fixed", "UPDATE", broken_once_approved(differs)),
    ]


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0001_initial"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(create)]
