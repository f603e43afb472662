"""What differs between the two databases in bulk work, each behind one function."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection

CHUNK = 5000


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


def execute(statement: str, parameters: Sequence[Any] = ()) -> int:
    """Run one statement and return the number of rows that it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
