"""What staff see of runs, deliveries and disclosures, and the pages about a person."""

from deliveries.admin import persons, runs, told

__all__ = ["persons", "runs", "told"]
