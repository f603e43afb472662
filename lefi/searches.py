"""What somebody has searched for: kept in the session, so that addresses hold random tokens alone."""

from typing import Any
from uuid import uuid4

from django.contrib.sessions.backends.base import SessionBase

# In the session: token of a search → the watches it found, or the reference it sought.
FOUND = "found_watches"
SOUGHT = "sought_references"
KEPT = 20


def keep(session: SessionBase, name: str, value: list[int] | str) -> str:
    """Keep a value in the session, among the latest of its name; return its token."""
    token = str(uuid4())
    kept = list(session.get(name, {}).items())[1 - KEPT :]
    session[name] = dict([*kept, (token, value)])
    return token


def kept(session: SessionBase, name: str, token: str) -> Any:
    """What a token stands for; None for one that has been forgotten."""
    return session.get(name, {}).get(token)
