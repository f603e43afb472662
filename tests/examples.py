"""How many examples hypothesis draws."""

from lefi.bulk import on_postgresql


def examples(count: int) -> int:
    """So many; on PostgreSQL, where each takes some three times as long, a third of those that SQLite is tried with."""
    return count // 3 if on_postgresql() else count
