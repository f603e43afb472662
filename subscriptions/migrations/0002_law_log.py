"""Triggers that write LawChange: no write path can change the law's side without leaving a row (C1); and triggers
that keep approved versions of the law as they were approved.

On PostgreSQL each takes the exclusive advisory lock LAW (lefi.locks) before it draws an id, so that ids are in commit
order, and a release that holds the lock shared stands before or after a change and never inside it.
"""

from django.db import migrations

LAW_LOCK = 4105002
COLUMNS = "customer_id agreement_id stream_id basis_code benefit person_id watch_from watch_to".split()

VERSIONED = ("subscriptions_legalbasis", "subscriptions_scope")

# Table: what of its row says what a change may affect, and (for facts and numbers) which rows matter.
SCOPES = {
    "subscriptions_customer": {"customer_id": "{row}.id"},
    "subscriptions_agreement": {"agreement_id": "{row}.id"},
    "subscriptions_scope": {"agreement_id": "{row}.agreement_id"},
    "subscriptions_legalbasis": {"basis_code": "{row}.code"},
    "subscriptions_ownerapproval": {"basis_code": "{row}.basis_code", "benefit": "{row}.benefit"},
    "subscriptions_consent": {"customer_id": "{row}.customer_id", "person_id": "{row}.person_id"},
    "subscriptions_block": {
        "customer_id": "{row}.customer_id",
        "agreement_id": "{row}.agreement_id",
        "basis_code": "NULLIF({row}.basis_code, '')",
        "benefit": "NULLIF({row}.benefit, '')",
    },
    "subscriptions_reservation": {"agreement_id": "{row}.agreement_id"},
    "subscriptions_protectedrelease": {
        "stream_id": "(SELECT stream_id FROM subscriptions_watch WHERE id = {row}.watch_id)",
        "watch_from": "{row}.watch_id",
        "watch_to": "{row}.watch_id",
    },
    "subscriptions_watch": {
        "stream_id": "{row}.stream_id",
        "watch_from": "{row}.id",
        "watch_to": "{row}.id",
    },
    "benefits_personfacts": {"person_id": "{row}.person_id"},
    "benefits_personnumber": {"person_id": "{row}.person_id"},
}
APPROVED = "{row}.approved_at IS NOT NULL"  # a proposal affects nothing
CONDITIONS = {
    "subscriptions_scope": APPROVED,
    "subscriptions_legalbasis": APPROVED,
    "subscriptions_ownerapproval": APPROVED,
    "subscriptions_protectedrelease": APPROVED,
    "benefits_personfacts": "{row}.protection <> 'INGET'",
    # A number let go, or taken over from another: who is watched by it may be another, protected, person from now on.
    "benefits_personnumber": "({row}.withdrawn_in IS NOT NULL OR EXISTS (SELECT 1 FROM benefits_personnumber o "
    "WHERE o.number = {row}.number AND o.person_id <> {row}.person_id))",
}


def insert(table, row, now):
    scope = SCOPES[table]
    values = ", ".join(scope[column].format(row=row) if column in scope else "NULL" for column in COLUMNS)
    return (
        f"INSERT INTO subscriptions_lawchange (at, kind, {', '.join(COLUMNS)}) "
        f"VALUES ({now}, '{table.split('_')[1]}', {values});"
    )


def moved(table, differs):
    """Whether an update changed what the row speaks of, so that the old scope is affected as well."""
    pairs = [(e.format(row="OLD"), e.format(row="NEW")) for e in SCOPES[table].values()]
    return " OR ".join(f"{old} {differs} {new}" for old, new in pairs)


def create_on_sqlite(execute):
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    for table in SCOPES:
        condition = CONDITIONS.get(table, "1")
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            when = condition.format(row=row)
            if event == "UPDATE":
                when = f"({when}) OR ({condition.format(row='OLD')})"
            execute(
                f"CREATE TRIGGER {table}_law_{event.lower()} AFTER {event} ON {table} FOR EACH ROW "
                f"WHEN {when} BEGIN {insert(table, row, now)} END"
            )
        execute(
            f"CREATE TRIGGER {table}_law_moved AFTER UPDATE ON {table} FOR EACH ROW "
            f"WHEN {moved(table, 'IS NOT')} BEGIN {insert(table, 'OLD', now)} END"
        )


def create_on_postgresql(execute):
    for table in SCOPES:
        condition = CONDITIONS.get(table, "true")
        old, new = condition.format(row="OLD"), condition.format(row="NEW")
        execute(
            f"CREATE FUNCTION {table}_law() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'INSERT' AND {new} OR TG_OP = 'UPDATE' AND ({old} OR {new}) "
            f"OR TG_OP = 'DELETE' AND {old} THEN PERFORM pg_advisory_xact_lock({LAW_LOCK}); "
            f"IF TG_OP = 'DELETE' THEN {insert(table, 'OLD', 'now()')} "
            f"ELSE {insert(table, 'NEW', 'now()')} END IF; "
            f"IF TG_OP = 'UPDATE' AND ({moved(table, 'IS DISTINCT FROM')}) THEN "
            f"{insert(table, 'OLD', 'now()')} END IF; END IF; RETURN NULL; END $$"
        )
        events = "UPDATE OR DELETE" if table == "subscriptions_watch" else "INSERT OR UPDATE OR DELETE"
        execute(f"CREATE TRIGGER {table}_law AFTER {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_law()")
    # Orders open watches by the hundred thousand: one row a stream and statement, with the range of their ids.
    execute(
        "CREATE FUNCTION subscriptions_watch_opened() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM pg_advisory_xact_lock({LAW_LOCK}); "
        "INSERT INTO subscriptions_lawchange (at, kind, stream_id, watch_from, watch_to) "
        "SELECT now(), 'watch', stream_id, min(id), max(id) FROM opened GROUP BY stream_id; "
        "RETURN NULL; END $$"
    )
    execute(
        "CREATE TRIGGER subscriptions_watch_opened AFTER INSERT ON subscriptions_watch "
        "REFERENCING NEW TABLE AS opened FOR EACH STATEMENT EXECUTE FUNCTION subscriptions_watch_opened()"
    )


def create(apps, schema_editor):
    on = create_on_postgresql if schema_editor.connection.vendor == "postgresql" else create_on_sqlite
    with schema_editor.connection.cursor() as cursor:
        on(cursor.execute)
        for table in VERSIONED:
            keep_approved(cursor.execute, table, schema_editor.connection.vendor)


def keep_approved(execute, table, vendor):
    """Refuse every change and deletion of a version that has been approved: a change is a new version."""
    if vendor == "postgresql":
        execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW "
            "WHEN (OLD.approved_at IS NOT NULL) EXECUTE FUNCTION refuse_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        execute(
            f"CREATE TRIGGER {table}_kept_{event.lower()} BEFORE {event} ON {table} "
            f"WHEN OLD.approved_at IS NOT NULL BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0001_initial"), ("benefits", "0001_initial"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(create, elidable=False)]
