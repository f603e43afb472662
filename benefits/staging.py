"""Where an import's lines stand between file and register: temporary tables, and the set-based steps between them.

Everything here is one statement over whole sets, the same on both databases. No step runs a query per row; the few
persons whose numbers change are the exception, one by one in `benefits.services`.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.db import connection

from benefits.importfile import Line
from benefits.models import HEADER
from lefi.bulk import (
    analyze,
    copy_rows,
    drop_temporary_tables,
    execute,
    fresh_id,
    make_temporary_table,
    on_postgresql,
)

TABLES = {
    "staged_line": "place integer, number varchar(12)",
    "staged_facts": "number varchar(12), name varchar(200), born varchar(20), died_on varchar(20), "
    "protection varchar(24)",
    "staged_former": "number varchar(12), former varchar(12)",
    "staged_spoken": "number varchar(12), section varchar(60)",
    "staged_item": "number varchar(12), section varchar(60), digest varchar(64), ordinal smallint, "
    "starts_on date, ends_on date, extent numeric(7,4), amount numeric(14,2), content text",
    "staged_person": "number varchar(12) PRIMARY KEY, person_id bigint",
    "staged_touched": "person_id bigint, section varchar(60)",
}


def make_tables() -> None:
    for name, columns in TABLES.items():
        make_temporary_table(name, columns)


def drop_tables() -> None:
    drop_temporary_tables(TABLES)


def stage(lines: list[Line], first_place: int) -> None:
    """Add a chunk of lines, numbered from `first_place`, to the temporary tables."""
    copy_rows("staged_line", ["place", "number"], ((first_place + i, one.number) for i, one in enumerate(lines)))
    copy_rows(
        "staged_facts",
        ["number", "name", "born", "died_on", "protection"],
        (
            (one.number, one.facts.name, one.facts.born, one.facts.died_on, one.facts.protection)
            for one in lines
            if one.facts
        ),
    )
    copy_rows(
        "staged_former",
        ["number", "former"],
        ((one.number, former) for one in lines if one.facts for former in one.facts.former),
    )
    copy_rows("staged_spoken", ["number", "section"], ((one.number, name) for one in lines for name in one.spoken))
    columns = ["number", "section", "digest", "ordinal", "starts_on", "ends_on", "extent", "amount", "content"]
    copy_rows("staged_item", columns, _item_rows(lines))


def _item_rows(lines: Iterable[Line]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        for item in line.items:
            yield (
                line.number,
                item.section,
                item.digest,
                item.ordinal,
                _day(item.starts_on),
                _day(item.ends_on),
                None if item.extent is None else str(item.extent),
                None if item.amount is None else str(item.amount),
                item.content,
            )


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def prepare() -> None:
    """Index and count what has been staged, once all of it is there."""
    execute("CREATE INDEX staged_item_key ON staged_item (number, section, digest, ordinal)")
    execute("CREATE INDEX staged_spoken_key ON staged_spoken (number, section)")
    analyze(["staged_line", "staged_facts", "staged_spoken", "staged_item"])


def places_of_repeats() -> list[int]:
    """The lines of persons who stand more than once in the file, by number or by a number that they share."""
    return _column(
        "SELECT place FROM staged_line WHERE number IN "
        "(SELECT number FROM staged_line GROUP BY number HAVING count(*) > 1) "
        "OR number IN (SELECT former FROM staged_former WHERE former <> number) "
        "OR number IN (SELECT number FROM staged_former WHERE former IN "
        "(SELECT former FROM staged_former GROUP BY former HAVING count(DISTINCT number) > 1)) "
        "ORDER BY place LIMIT 10"
    )


def places_of_shared_persons() -> list[int]:
    """The lines that, once numbers are followed, speak of the same person as another line does."""
    return _column(
        "SELECT l.place FROM staged_line l JOIN staged_person p ON p.number = l.number WHERE p.person_id IN "
        "(SELECT person_id FROM staged_person GROUP BY person_id HAVING count(*) > 1) ORDER BY l.place LIMIT 10"
    )


def lines_with_number_news() -> list[tuple[str, list[str]]]:
    """The lines, by number with the earlier ones they name, whose facts may change who holds which number."""
    rows = _rows(
        "SELECT f.number, s.former FROM staged_facts f LEFT JOIN staged_former s ON s.number = f.number "
        "WHERE s.former IS NOT NULL OR f.number IN (SELECT n.number FROM benefits_personnumber n "
        "WHERE n.withdrawn_in IS NULL AND (NOT n.current OR EXISTS (SELECT 1 FROM benefits_personnumber e "
        "WHERE e.person_id = n.person_id AND e.withdrawn_in IS NULL AND NOT e.current))) ORDER BY f.number"
    )
    found: dict[str, list[str]] = {}
    for number, former in rows:
        found.setdefault(number, []).extend([former] if former else [])
    return list(found.items())


def add_unknown_persons(number: int) -> None:
    """A person for every staged number that nobody holds."""
    add_persons("SELECT number FROM staged_line", number)


def add_persons(numbers: str, recorded_in: int) -> None:
    """A person for each number, of those that a query gives, which nobody holds. Safe beside others who do the same."""
    add_unheld(
        f"SELECT DISTINCT number FROM ({numbers}) wanted WHERE (SELECT n.id FROM benefits_personnumber n "
        "WHERE n.number = wanted.number AND n.withdrawn_in IS NULL) IS NULL",
        recorded_in,
    )


def add_unheld(numbers: str, recorded_in: int) -> None:
    """A person for each number that a query gives, once each, and nobody held a moment ago. As safe as that."""
    make_temporary_table("unheld", "id bigint, number varchar(12)")
    execute(
        f"INSERT INTO unheld (id, number) SELECT {fresh_id('benefits_person', 'place')}, number FROM ("
        f"SELECT number, row_number() OVER (ORDER BY number) AS place FROM ({numbers}) wanted) placed ORDER BY place"
    )
    execute("INSERT INTO benefits_person (id, first_number) SELECT id, number FROM unheld ORDER BY id")
    execute(
        "INSERT INTO benefits_personnumber (person_id, number, current, recorded_in) SELECT id, number, "
        f"{'true' if on_postgresql() else '1'}, %s FROM unheld WHERE true ORDER BY id ON CONFLICT DO NOTHING",
        [recorded_in],
    )
    drop_temporary_tables(["unheld"])


def find_persons() -> None:
    """Fill staged_person: who holds each staged number."""
    execute(
        "INSERT INTO staged_person (number, person_id) SELECT l.number, n.person_id FROM staged_line l "
        "JOIN benefits_personnumber n ON n.number = l.number AND n.withdrawn_in IS NULL"
    )
    analyze(["staged_person"])


def publish_periods(number: int) -> dict[str, int]:
    """Withdraw the live items that a spoken section no longer holds, record those it newly holds; return the counts.

    Equal content is left alone, so that unchanged content writes nothing.
    """
    spoken = (
        "FROM staged_spoken s JOIN staged_person sp ON sp.number = s.number "
        "JOIN benefits_benefitperiod p ON p.person_id = sp.person_id AND p.section = s.section "
        "AND p.withdrawn_in IS NULL LEFT JOIN staged_item i ON i.number = s.number AND i.section = s.section "
        "AND i.digest = p.digest AND i.ordinal = p.ordinal WHERE i.number IS NULL"
    )
    execute(f"INSERT INTO staged_touched SELECT p.person_id, p.section {spoken}")
    withdrawn = execute(
        f"UPDATE benefits_benefitperiod SET withdrawn_in = %s WHERE id IN (SELECT p.id {spoken})",
        [number],
    )
    fresh = (
        "FROM staged_item i JOIN staged_person sp ON sp.number = i.number LEFT JOIN benefits_benefitperiod p "
        "ON p.person_id = sp.person_id AND p.section = i.section AND p.digest = i.digest "
        "AND p.ordinal = i.ordinal AND p.withdrawn_in IS NULL WHERE p.id IS NULL"
    )
    execute(f"INSERT INTO staged_touched SELECT sp.person_id, i.section {fresh}")
    recorded = execute(
        "INSERT INTO benefits_benefitperiod (person_id, section, digest, ordinal, starts_on, ends_on, extent, "
        "amount, content, recorded_in) SELECT sp.person_id, i.section, i.digest, i.ordinal, i.starts_on, "
        f"i.ends_on, i.extent, i.amount, i.content, %s {fresh}",
        [number],
    )
    return {"withdrawn": withdrawn, "recorded": recorded}


def publish_facts(number: int) -> int:
    """Record the facts that differ from the live ones; return for how many persons."""
    differing = (
        "FROM staged_facts f JOIN staged_person sp ON sp.number = f.number LEFT JOIN benefits_personfacts p "
        "ON p.person_id = sp.person_id AND p.withdrawn_in IS NULL WHERE p.id IS NULL OR p.name <> f.name "
        "OR p.born <> f.born OR p.died_on <> f.died_on OR p.protection <> f.protection"
    )
    make_temporary_table("staged_news", "person_id bigint, number varchar(12)")
    changed = execute(f"INSERT INTO staged_news SELECT sp.person_id, f.number {differing}")
    execute(
        "UPDATE benefits_personfacts SET withdrawn_in = %s WHERE withdrawn_in IS NULL "
        "AND person_id IN (SELECT person_id FROM staged_news)",
        [number],
    )
    execute(
        "INSERT INTO benefits_personfacts (person_id, name, born, died_on, protection, recorded_in) "
        "SELECT n.person_id, f.name, f.born, f.died_on, f.protection, %s "
        "FROM staged_news n JOIN staged_facts f ON f.number = n.number",
        [number],
    )
    execute("INSERT INTO staged_touched SELECT person_id, %s FROM staged_news", [HEADER])
    drop_temporary_tables(["staged_news"])
    return changed


def touch(person_id: int, section: str) -> None:
    execute("INSERT INTO staged_touched VALUES (%s, %s)", [person_id, section])


def publish_touched(number: int) -> int:
    """Write the import's log of touched sections; return how many."""
    return execute(
        "INSERT INTO benefits_touched (number, person_id, section) "
        "SELECT DISTINCT CAST(%s AS integer), person_id, section FROM staged_touched",
        [number],
    )


def _column(query: str) -> list[Any]:
    return [row[0] for row in _rows(query)]


def _rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
