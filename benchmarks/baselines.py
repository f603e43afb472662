"""What each case is compared to: a bare COPY, to a client that throws it away, of the rows that the work reads.

Each statement reads, in the order of the work, what no way of doing it can leave unread, and nothing else. The first
run warms the cache and is not counted.
"""

import time
from dataclasses import dataclass, field

import psycopg

from benchmarks.measure import processor_seconds

RUNS = 3

# What an import left in the register: every item of every person, as the file brought them.
IMPORT = """
SELECT n.number, f.name, f.born, f.died_on, f.protection, p.section, p.digest, p.ordinal, p.starts_on, p.ends_on,
  p.extent, p.amount, p.content
FROM benefits_benefitperiod p JOIN benefits_personnumber n ON n.person_id = p.person_id AND n.current
JOIN benefits_personfacts f ON f.person_id = p.person_id
WHERE p.recorded_in = ANY(%(imports)s::int[]) ORDER BY p.person_id, p.id
"""

# The persons that an order names.
ORDER = """
SELECT n.number, n.person_id FROM subscriptions_orderline l JOIN benefits_personnumber n ON n.number = l.number
AND n.withdrawn_in IS NULL WHERE l.order_id = %(order)s ORDER BY l.line
"""

# A stream's watches with all that they may see, in order of person.
FIRST = """
SELECT w.id, w.person_id, w.ordered_number, w.benefit, w.from_date, n.number, f.name, f.born, f.died_on, p.section,
  p.recorded_in, p.withdrawn_in, p.content
FROM subscriptions_watch w JOIN benefits_personnumber n ON n.person_id = w.person_id AND n.current
JOIN benefits_personfacts f ON f.person_id = w.person_id AND f.withdrawn_in IS NULL
LEFT JOIN benefits_benefitperiod p ON p.person_id = w.person_id AND p.withdrawn_in IS NULL
AND p.section = ANY(%(sections)s)
WHERE w.stream_id = %(stream)s ORDER BY w.person_id, w.id, p.id
"""

# The watches that an import touched, with all that they may see and were told, in order of stream and person.
NIGHT = """
SELECT w.stream_id, w.id, w.person_id, w.ordered_number, w.benefit, w.from_date, n.number, f.name, f.born, f.died_on,
  p.section, p.recorded_in, p.withdrawn_in, p.content, t.told
FROM benefits_touched c JOIN subscriptions_watch w ON w.person_id = c.person_id AND w.ended_at IS NULL
JOIN benefits_personnumber n ON n.person_id = w.person_id AND n.current AND n.withdrawn_in IS NULL
JOIN benefits_personfacts f ON f.person_id = w.person_id AND f.withdrawn_in IS NULL
JOIN LATERAL (SELECT string_agg(section || digest || items, '' ORDER BY section) AS told FROM deliveries_told t
  WHERE t.watch_id = w.id AND t.replaced_by_id IS NULL) t ON true
LEFT JOIN benefits_benefitperiod p ON p.person_id = w.person_id AND p.withdrawn_in IS NULL
AND p.section = ANY(%(sections)s)
WHERE c.number = %(import)s AND c.section = %(touched)s ORDER BY w.stream_id, w.person_id, w.id, p.id
"""


@dataclass(slots=True)
class Baseline:
    """The seconds of each run, by the clock and of processors, and how many bytes one reads."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    size: int = 0


def measure(conninfo: str, query: str, parameters: dict) -> Baseline:
    baseline = Baseline()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for _ in range(RUNS + 1):
            used = processor_seconds(connection.info.backend_pid)
            started = time.perf_counter()
            with connection.cursor().copy(f"COPY ({query}) TO STDOUT", parameters) as copy:
                baseline.size = sum(len(data) for data in copy)
            baseline.seconds.append(time.perf_counter() - started)
            baseline.processor.append(processor_seconds(connection.info.backend_pid) - used)
    del baseline.seconds[0], baseline.processor[0]
    return baseline
