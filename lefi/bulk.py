"""What differs between the two databases in bulk work, each behind one function."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, QuerySet
from django.db.models.expressions import RawSQL

CHUNK = 5000
HURRY = 200  # milliseconds


def on_postgresql() -> bool:
    return connection.vendor == "postgresql"


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Add rows to a table and return how many. COPY on PostgreSQL, chunks of INSERT on SQLite.

    Values are text, int, bool, None, or what the driver takes as it is; days and decimals as text.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    if on_postgresql():
        return _copy(f'COPY "{table}" ({names}) FROM STDIN', rows)
    marks = ", ".join(["%s"] * len(columns))
    count = 0
    iterator = iter(rows)
    with connection.cursor() as cursor:
        while chunk := list(islice(iterator, CHUNK)):
            cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', chunk)
            count += len(chunk)
    return count


def _copy(statement: str, rows: Iterable[Sequence[Any]]) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def make_temporary_table(name: str, columns: str) -> None:
    """Make an empty table that only this connection sees, in place of any with the same name."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE IF EXISTS "{name}"')
        cursor.execute(f'CREATE TEMPORARY TABLE "{name}" ({columns})')


def drop_temporary_tables(names: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'DROP TABLE IF EXISTS "{name}"')


def analyze(names: Iterable[str]) -> None:
    """Tell the planner how large fresh tables are; it guesses badly about temporary ones."""
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'ANALYZE "{name}"')


def fresh_id(table: str, place: str) -> str:
    """SQL for an id that no row of a table has had; `place` is SQL for a number, from 1, that each row has alone."""
    if on_postgresql():
        # The sequence is looked up once: by a bare call it would be for each row, which takes ten times as long.
        return f"nextval((SELECT pg_get_serial_sequence('{table}', 'id')::regclass))"
    return f"(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}') + {place}"


@contextmanager
def planned(**settings: str) -> Iterator[None]:
    """Within, PostgreSQL plans with other settings; SQLite has none. In a transaction."""
    _plan(settings)
    yield
    _plan(dict.fromkeys(settings, "DEFAULT"))


def _plan(settings: dict[str, str]) -> None:
    if on_postgresql():
        for name, value in settings.items():
            execute(f"SET LOCAL {name} TO {value}")


@contextmanager
def hurried() -> Iterator[None]:
    """Within, SQLite waits a moment only for whoever else is writing; PostgreSQL never has to."""
    _wait(HURRY)
    try:
        yield
    finally:
        _wait(int(connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000))


def _wait(milliseconds: int) -> None:
    if not on_postgresql():
        connection.ensure_connection()
        connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def execute(statement: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
    """Run one statement and return the number of rows that it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount


def rows_of_all(parts: Iterable[QuerySet], *, back: bool = False) -> list[tuple[Any, ...]]:
    """The rows of several queries, each of which may have a limit of its own, in the order of the first column.

    One statement: Django lets no part of a union have a limit on SQLite.
    """
    asked = [one.query.sql_with_params() for one in parts]
    if not asked:
        return []
    union = " UNION ALL ".join(f"SELECT * FROM ({statement}) part{place}" for place, (statement, _) in enumerate(asked))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{union} ORDER BY 1 {'DESC' if back else 'ASC'}",
            [value for _, values in asked for value in values],
        )
        return cursor.fetchall()


def entries(column: str) -> str:
    """SQL for the entries of an object in a JSON column, `e.key` and `e.value`, to stand beside its table in FROM."""
    return f"{'jsonb_each_text' if on_postgresql() else 'json_each'}({column}) AS e"


def naming_any(table: str, column: str, key: str, values: Sequence[int]) -> RawSQL:
    """The ids of the rows whose JSON column has under a key a list with one of the numbers in it; for `pk__in`.

    PostgreSQL looks for each number by an index, where the table has one.
    """
    if on_postgresql():
        said = f"(named.{column} -> '{key}')"
        statement = (
            f"SELECT named.id FROM unnest(%s::bigint[]) AS wanted (number) JOIN {table} named "
            f"ON {said} @> jsonb_build_array(wanted.number) WHERE jsonb_typeof({said}) = 'array'"
        )
        return RawSQL(statement, [list(values)], output_field=BigIntegerField())  # noqa: S611
    marks = ", ".join(["%s"] * len(values)) or "NULL"
    said = f"named.{column}, '$.{key}'"
    statement = (
        f"SELECT named.id FROM {table} named WHERE json_type({said}) = 'array' "
        f"AND EXISTS (SELECT 1 FROM json_each({said}) WHERE value IN ({marks}))"
    )
    return RawSQL(statement, list(values), output_field=BigIntegerField())  # noqa: S611
