"""Filling tables by statements, past triggers and foreign keys, with their indexes made once they are full."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import CharField, Model, TextField

PARAMETERS = {
    "session_replication_role": "replica",  # neither append-only triggers nor foreign keys are in the way
    "synchronous_commit": "off",
    "work_mem": "'384MB'",
    "maintenance_work_mem": "'768MB'",
}


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def fill(model: type[Model], source: str, /, **columns: str) -> None:
    """Add a row for each that a source has (what stands after FROM), each column as an expression in SQL.

    What is not named is the model's default, an empty text, or null.
    """
    values = {field.column: columns.pop(field.name, None) or _default(field) for field in model._meta.concrete_fields}
    if columns:
        raise ValueError(f"{model._meta.label} has no {sorted(columns)}.")
    used = {column: value for column, value in values.items() if value is not None}
    names = ", ".join(f'"{column}"' for column in used)
    run(f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {", ".join(used.values())} FROM {source}')


def _default(field: Any) -> str | None:
    if field.primary_key or (field.null and not field.has_default()):
        return None
    if field.has_default():
        return _literal(field)
    return "''" if isinstance(field, CharField | TextField) else None


def _literal(field: Any) -> str:
    value = field.get_db_prep_save(field.get_default(), connection)
    with connection.cursor() as cursor:
        return str(cursor.mogrify("%s", [value]))


@contextmanager
def unhindered() -> Iterator[None]:
    """Without triggers, foreign keys and indexes that are no constraints; these come back, and the tables are vacuumed.

    Sequences go on after what was filled in.
    """
    with connection.cursor() as cursor:
        for name, value in PARAMETERS.items():
            cursor.execute(f"SET {name} = {value}")
        cursor.execute(
            "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = 'public' "
            "AND tablename ~ '^(audit|benefits|deliveries|subscriptions)_' "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        indexes = cursor.fetchall()
        for _, name in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    for definition, _ in indexes:
        run(definition)
    _go_on()
    for name in PARAMETERS:
        run(f"RESET {name}")
    run("VACUUM ANALYZE")
    run("CHECKPOINT")


def _go_on() -> None:
    """Set every sequence of ours to the last id that its table holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND pg_get_serial_sequence(quote_ident(tablename), 'id') IS NOT NULL "
            "AND EXISTS (SELECT FROM information_schema.columns c WHERE c.table_name = tablename "
            "AND c.column_name = 'id')"
        )
        for (table,) in cursor.fetchall():
            if re.fullmatch(r"\w+", table):
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                    f'greatest(1, (SELECT coalesce(max(id), 1) FROM "{table}")))'
                )
