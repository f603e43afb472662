"""Triggers of what is erased in its time: the one door through which content that is kept by trigger can be emptied.

The digests of a disclosure can be emptied, its section names kept, once a row of `purged` names its delivery; those of
what was told of our own accord, and the content of a report, likewise. Events of the log can be deleted that are older
than the limit of an erasure of the log, unless a legal hold says otherwise. Nothing else that is kept can be changed.
"""

from django.db import migrations

DISCLOSURE = "deliveries_disclosure"
SPONTANEOUS = "deliveries_spontaneousdisclosure"
REPORT = "deliveries_personreport"
WITHHOLDING = "deliveries_withholding"
PURGED = "deliveries_purged"
LOG = "audit_auditevent"
KEPT = ("deliveries_purge", "deliveries_checkpoint", "deliveries_legalhold")
APPROVED = "OLD.approved_at IS NOT NULL"

# Of each table, the columns that its own rules let be set, once each; all others are fixed.
ONCE = {SPONTANEOUS: ("first_fetched_at", "fetched_by"), REPORT: ("given_at", "given_how")}
MARKS = ("file_gone", "rows_to", "rows_done")
HELD = (
    "EXISTS (SELECT 1 FROM deliveries_legalhold h WHERE (h.everything OR h.stream_id IS NOT NULL "
    "OR h.customer_id IS NOT NULL OR h.person_id = OLD.person_id) AND NOT EXISTS "
    "(SELECT 1 FROM deliveries_holdlift l WHERE l.hold_id = h.id AND l.approved_at IS NOT NULL))"
)
OF_OLD_EVENTS = "EXISTS (SELECT 1 FROM deliveries_purge p WHERE p.kind = 'log' AND p.before > OLD.at)"
LOG_MAY_GO = f"{OF_OLD_EVENTS} AND NOT {HELD}"
EMPTIED = {
    "postgresql": (
        "NEW.sections = (SELECT coalesce(jsonb_object_agg(k, ''), '{}') FROM jsonb_object_keys(OLD.sections) k)"
    ),
    "sqlite": "json(NEW.sections) = (SELECT json_group_object(key, '') FROM json_each(OLD.sections))",
}


def purged(column, value):
    return f"EXISTS (SELECT 1 FROM {PURGED} p WHERE p.{column} = {value})"


class Rules:
    """Writes triggers in the words of one database."""

    def __init__(self, connection, cursor):
        self.connection, self.cursor = connection, cursor
        self.postgresql = connection.vendor == "postgresql"
        self.differs = "IS DISTINCT FROM" if self.postgresql else "IS NOT"

    def columns(self, table, *but):
        described = self.connection.introspection.get_table_description(self.cursor, table)
        return [one.name for one in described if one.name not in but]

    def changed(self, table, *but):
        """Whether a column other than these changes."""
        pairs = []
        for name in self.columns(table, *but):
            text = "::text" if self.postgresql else ""
            pairs.append(f'OLD."{name}"{text} {self.differs} NEW."{name}"{text}')
        return f"({' OR '.join(pairs)})"

    def refuse(self, table, event, unless, name):
        """Refuse an event on a table, unless the condition holds (which may look into other tables)."""
        if self.postgresql:
            back = "OLD" if event == "DELETE" else "NEW"
            self.cursor.execute(
                f"CREATE FUNCTION {table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF ({unless}) THEN RETURN {back}; END IF; "
                "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
            )
            self.cursor.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_{name}()"
            )
            return
        self.cursor.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH ROW WHEN ({unless}) IS NOT TRUE "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )

    def drop(self, table, *names):
        for name in names:
            self.cursor.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if self.postgresql else ""))

    def drop_append_only(self, table):
        """Take away what refused every change and deletion."""
        suffixes = ("",) if self.postgresql else ("_update", "_delete")
        self.drop(table, *(f"{table}_append_only{one}" for one in suffixes))

    def once(self, table):
        """Whether a mark that has been set is set anew."""
        return " OR ".join(
            f"(OLD.{ONCE[table][0]} IS NOT NULL AND OLD.{name} {self.differs} NEW.{name})" for name in ONCE[table]
        )


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        rules = Rules(schema_editor.connection, cursor)
        emptied = EMPTIED[schema_editor.connection.vendor]
        rules.drop_append_only(DISCLOSURE)
        gone = f"{purged('delivery_id', 'OLD.delivery_id')} AND {emptied}"
        rules.refuse(DISCLOSURE, "UPDATE", f"{gone} AND NOT {rules.changed(DISCLOSURE, 'sections')}", "emptied")
        rules.refuse(DISCLOSURE, "DELETE", "false", "kept")

        rules.drop(SPONTANEOUS, f"{SPONTANEOUS}_fixed")
        same = f"OLD.sections {rules.differs} NEW.sections"
        gone = f"{purged('spontaneous_id', 'OLD.id')} AND {emptied}"
        fixed = rules.changed(SPONTANEOUS, "sections", *ONCE[SPONTANEOUS])
        unasked = f"NOT ({APPROVED}) OR NOT ({fixed} OR {rules.once(SPONTANEOUS)}) AND (NOT ({same}) OR {gone})"
        rules.refuse(SPONTANEOUS, "UPDATE", unasked, "fixed")

        gone = f"NEW.content = OLD.content OR NEW.content = '' AND {purged('report_id', 'OLD.id')}"
        fixed = rules.changed(REPORT, "content", *ONCE[REPORT])
        rules.refuse(
            REPORT, "UPDATE", f"NOT ({APPROVED}) OR NOT ({fixed} OR {rules.once(REPORT)}) AND ({gone})", "fixed"
        )
        rules.refuse(REPORT, "DELETE", f"NOT ({APPROVED})", "kept")
        for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
            approved = f"SELECT 1 FROM {REPORT} r WHERE r.id = {row}.report_id AND r.approved_at IS NOT NULL"
            rules.refuse(WITHHOLDING, event, f"NOT EXISTS ({approved})", f"{event.lower()}_before_approval")
        rules.refuse(WITHHOLDING, "UPDATE", "false", "fixed")

        rules.drop_append_only(LOG)
        rules.refuse(LOG, "UPDATE", "false", "fixed")
        rules.refuse(LOG, "DELETE", LOG_MAY_GO, "kept_until_erased")

        rules.refuse(PURGED, "UPDATE", f"NOT {rules.changed(PURGED, *MARKS)}", "fixed")
        for table in (*KEPT, PURGED):
            rules.refuse(table, "DELETE", "false", "kept")
        for table in KEPT:
            rules.refuse(table, "UPDATE", "false", "append_only")


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0002_append_only"), ("audit", "0002_append_only")]

    operations = [migrations.RunPython(create)]
