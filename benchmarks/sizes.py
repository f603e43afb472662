"""PURE: how large each case is. At scale 1: a million persons, orders of up to 500 000 lines, two million watches."""

from dataclasses import dataclass

STREAMS = 20
FULL_PERSONS = 1_000_000
FULL_IMPORTS = (15_625, 46_875, 187_500, 750_000)
FULL_ORDERS = (12_500, 37_500, 75_000, 500_000)
FULL_STOCKS = (125_000, 625_000, 1_250_000, 2_000_000)  # the first two are wholly ordered and delivered
CHANGED = 0.01  # of all persons, each night


@dataclass(frozen=True, slots=True)
class Sizes:
    """Persons of each import, lines of each order, and watches standing on each night."""

    imports: tuple[int, ...]
    orders: tuple[int, ...]
    stocks: tuple[int, ...]

    @property
    def persons(self) -> int:
        return sum(self.imports)

    @property
    def changed(self) -> int:
        return int(self.persons * CHANGED)

    @property
    def step(self) -> int:
        """Every so-many-th of the first persons changes, so that all who change are watched from the first night."""
        return self.stocks[0] // self.changed


def sizes(scale: float) -> Sizes:
    """The sizes at a scale: 1 is full. Raise ValueError outside 0.001 to 1."""
    if not 0.001 <= scale <= 1:
        raise ValueError("BENCH_SCALE is from 0.001 to 1.")
    imports, orders = _times(scale, FULL_IMPORTS), _times(scale, FULL_ORDERS)
    ordered = sum(orders[:3]), sum(orders)
    return Sizes(imports, orders, ordered + _times(scale, FULL_STOCKS[2:]))


def _times(scale: float, full: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(1, int(one * scale)) for one in full)
