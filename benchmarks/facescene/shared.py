"""What the parts of the scene have in common."""

from benchmarks.facesizes import FaceSizes
from lefi.accounts.roles import ROLES

PATTERNS = 500  # made-up persons whose benefit periods the others get copies of
STAFF = 200  # the first have the roles, in their order, and one more has every right
SUPERUSER = len(ROLES) + 1
FIRST_MEMBER = 1000  # the user of the portal whose id is the lowest
COLLEAGUE = 100_000  # the first of the large customer's many
OF_MANY = 99_999  # who works for many small customers
CLIENTS = 300
BUSY = 500  # watches on person 1, and periods and events of it
SECTION = "sjukpenningarende"
ROOT_TABLES = ("benefits_personnumber", "benefits_personfacts", "benefits_benefitperiod")
_DAY = "(current_date - {nights} + {night} - 1)"
_SHA = "md5({0}::text) || md5('x' || {0}::text)"


def day_of_night(sizes: FaceSizes, night: str) -> str:
    return _DAY.format(nights=sizes.nights, night=f"({night})")


def moment_of_night(sizes: FaceSizes, night: str) -> str:
    return f"({day_of_night(sizes, night)} + time '21:00')::timestamptz"


def ago(step: str, count: int, days: int) -> str:
    """An instant, the rows being spread evenly over the days before now, the last now."""
    return f"now() - (({count} - {step}) * interval '{days} days' / {count})"


def sha_of(number: str) -> str:
    return _SHA.format(f"({number})")
