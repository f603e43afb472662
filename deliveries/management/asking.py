"""What the commands that read about a person share: the number that is asked for, and that the read is logged.

The identity number is read from standard input or a prompt, never from the arguments, which other processes can see.
"""

import sys
from dataclasses import dataclass
from getpass import getpass
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from benefits.identity import IdentityError, parse
from benefits.models import Person
from benefits.services import person_of
from lefi.asking import Asker, asker
from lefi.audit.models import Action, record
from subscriptions.profiles import protected_among

CLIENT = "command line"
RIGHT = "benefits.view_person"
PROTECTED_RIGHT = "benefits.view_protected"


@dataclass(frozen=True, slots=True)
class Reader(Asker):
    """Who reads, and why."""

    def person(self) -> Person:
        """The person whose number is written; the search is logged. Raise CommandError if there is none."""
        text = getpass("Identity number: ") if sys.stdin.isatty() else sys.stdin.readline()
        try:
            number = parse(text.strip(), on=timezone.localdate()).number
        except IdentityError:
            raise CommandError("This is not an identity number.") from None
        person = person_of(number)
        self._record(Action.SEARCH, person, found=person is not None)
        if person is None:
            raise CommandError("Nobody here holds this identity number.")
        return person

    def log_read(self, person: Person, **details: Any) -> None:
        """Log the read. Raise CommandError, logged too, for a protected person whom the reader may not open."""
        withheld = bool(protected_among([person.pk])) and not self.user.has_perm(PROTECTED_RIGHT)
        self._record(Action.READ, person, withheld=withheld, **details)
        if withheld:
            raise CommandError("This person has protected identity, and you do not have the right to it.")

    def _record(self, action: str, person: Person | None, **details: Any) -> None:
        record(
            action=action,
            object_type="benefits.person",
            object_id=person.pk if person else "",
            actor=self.user,
            client=CLIENT,
            person_id=person.pk if person else None,
            reason=self.reason,
            **details,
        )


def reader(options: dict[str, Any], *rights: str) -> Reader:
    """Who asks, with the right to read about persons and these. Raise CommandError."""
    asking = asker(options, RIGHT, *rights)
    return Reader(asking.user, asking.reason)
