"""Why somebody reads about a person: said once, kept in the session for half an hour, logged with each read.

An opened person has a random token, so that no address says whom a page is about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.sessions.backends.base import SessionBase

KEY = "opened_persons"
LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Opened:
    person_id: int
    reason: str
    until: float  # seconds since 1970


def open_person(session: SessionBase, *, person_id: int, reason: str, at: datetime) -> UUID:
    """Note why the session's user reads about a person; return the token of the person's page."""
    token = uuid4()
    kept = {key: value for key, value in session.get(KEY, {}).items() if value[2] > at.timestamp()}
    session[KEY] = kept | {str(token): [person_id, reason, (at + LASTS).timestamp()]}
    return token


def opened(session: SessionBase, token: UUID, *, at: datetime) -> Opened | None:
    """What the token stands for in this session, or None if it is of another session or too old."""
    return next((one for key, one in _valid(session, at) if key == str(token)), None)


def reason_for(session: SessionBase, person_id: int, *, at: datetime) -> str:
    """The reason last said in the session for reading about the person; empty if none is in force."""
    reasons = [one.reason for _, one in _valid(session, at) if one.person_id == person_id]
    return reasons[-1] if reasons else ""


def _valid(session: SessionBase, at: datetime) -> Iterator[tuple[str, Opened]]:
    rows: dict[str, list[Any]] = session.get(KEY, {})
    for key, value in rows.items():
        one = Opened(*value)
        if one.until > at.timestamp():
            yield key, one
