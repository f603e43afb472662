"""What staff see of runs, deliveries and disclosures, and the pages about a person."""

from deliveries.admin import handouts, persons, protected, runs, spontaneous, told

__all__ = ["handouts", "persons", "protected", "runs", "spontaneous", "told"]
