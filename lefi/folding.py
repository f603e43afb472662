"""Text as a search compares it: without case, and without the marks of letters, so that "angel" finds Ängelholm.

Python and both databases fold alike: by one table of letters, whatever the database's locale knows of å, ä and ö.
SQLite's own LIKE and lower() know a to z alone.
"""

import string
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.db.models import CharField, TextField, Transform

FUNCTION = "lefi_fold"  # in both databases; on PostgreSQL a migration makes it, so that it can stand in an index
_MARKED = range(0xC0, 0x180)  # the Latin letters of Europe beyond a to z
_STROKES = {"Ø": "o", "ø": "o", "Ł": "l", "ł": "l", "Đ": "d", "đ": "d"}


def _pairs() -> Iterator[tuple[str, str]]:
    yield from zip(string.ascii_uppercase, string.ascii_lowercase, strict=True)
    for letter in map(chr, _MARKED):
        plain = _STROKES.get(letter) or unicodedata.normalize("NFKD", letter)[0].lower()
        if plain in string.ascii_lowercase:
            yield letter, plain


LETTERS, PLAIN = (("".join(letters)) for letters in zip(*_pairs(), strict=True))
_TABLE = str.maketrans(LETTERS, PLAIN)


def fold(text: str) -> str:
    return text.translate(_TABLE)


@CharField.register_lookup
@TextField.register_lookup
class Folded(Transform):
    """`name__folded__contains=fold(text)`."""

    lookup_name = "folded"
    function = FUNCTION
    output_field = TextField()


def teach(connection: Any, **_: Any) -> None:
    """Give a new connection to SQLite the function. A receiver of `connection_created`."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(FUNCTION, 1, _fold_or_none, deterministic=True)


def _fold_or_none(text: str | None) -> str | None:
    return None if text is None else fold(text)
