"""What the commands that are logged share: one of the staff asks, and says why.

Whoever runs a command says who it is; the rights are that person's own, as on the pages.
"""

from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from lefi.reasons import ReasonRefused, demand_reason


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and why."""

    user: Any
    reason: str


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--by", required=True, help="your username: one of the staff, who is logged as who did it")
    parser.add_argument("--reason", required=True, help="case or errand, in a few words; kept in the log")


def asker(options: dict[str, Any], *rights: str) -> Asker:
    """Who asks, with these rights. Raise CommandError."""
    try:
        reason = demand_reason(options["reason"])
    except ReasonRefused as refused:
        raise CommandError(f"--reason: {refused.sentence}") from None
    user = get_user_model().objects.filter(username=options["by"], is_active=True, is_staff=True).first()
    if user is None or not user.has_perms(rights):
        raise CommandError("--by: nobody of the staff with this username has the right to this.")
    return Asker(user, reason)
