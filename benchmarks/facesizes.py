"""PURE: how much stands behind the pages that are measured. At scale 1: a million persons, five million watches."""

from dataclasses import dataclass

STREAMS = 500  # of as many customers: a large one, a hundred small ones, and the rest alike
SMALL = range(2, 102)
SMALL_WATCHES = 100
LARGE_SHARE = 0.1  # of all watches, in one stream
FULL_PERSONS = 1_000_000
FULL_WATCHES = 5_000_000
FULL_NIGHTS = 365
LEAST_NIGHTS = 30
SMALLEST = 0.005  # scale, at which there are watches enough for all streams
PORTAL_USERS = 10  # of each customer
COLLEAGUES = 300  # of the large one, beside those


@dataclass(frozen=True, slots=True)
class FaceSizes:
    persons: int
    large: int  # watches of the large customer
    middling: int  # watches of each that is neither large nor small
    nights: int
    scale: float

    @property
    def watches(self) -> int:
        return self.large + SMALL_WATCHES * len(SMALL) + self.middling * (STREAMS - 1 - len(SMALL))

    @property
    def disclosures(self) -> int:
        return 2 * self.watches

    def times(self, full: int) -> int:
        """A number of rows that goes with the scale, but for a few that there always are."""
        return max(50, int(full * self.scale))


def face_sizes(scale: float) -> FaceSizes:
    """The sizes at a scale: 1 is full. Raise ValueError outside 0.005 to 1."""
    if not SMALLEST <= scale <= 1:
        raise ValueError("BENCH_SCALE is from 0.005 to 1 for pages.")
    watches = int(FULL_WATCHES * scale)
    large = int(watches * LARGE_SHARE)
    middling = (watches - large - SMALL_WATCHES * len(SMALL)) // (STREAMS - 1 - len(SMALL))
    return FaceSizes(
        persons=int(FULL_PERSONS * scale),
        large=large,
        middling=middling,
        nights=max(LEAST_NIGHTS, int(FULL_NIGHTS * scale)),
        scale=scale,
    )
