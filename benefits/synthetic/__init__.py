"""Made-up registers of any size, for the demo, the tests and the benchmarks: a population, then nights.

Everything is computed from (seed, number of persons, day of the register): no file is read, and the state of
a person after k nights is the beginning folded with the changes of those nights that met the person. The same
command writes the same bytes.
"""

from .files import Written, full_line, night_lines, write_night, write_payday, write_population
from .nights import advance, state_after
from .plan import KINDS, Register, changed_on, pension_agency_answers
from .state import State, start

__all__ = [
    "KINDS", "Register", "State", "Written", "advance", "changed_on", "full_line", "night_lines",
    "pension_agency_answers", "start", "state_after", "write_night", "write_payday", "write_population",
]  # fmt: skip
