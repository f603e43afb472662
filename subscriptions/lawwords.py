"""PURE: what purposes and recipient kinds are called, as the seed of the legal bases names them, and where a citation
can be read.

A code that a later version of a basis brought is called by its code.
"""

import json
import re
from functools import cache
from pathlib import Path

SEED = Path(__file__).with_name("legal_bases.json")
STATUTES = "https://rkrattsbaser.gov.se/sfst?bet="  # the Government Offices' database of statutes as amended
_NUMBER = re.compile(r"\((\d{4}:\d{1,4})\)")


def purpose_name(code: str, language: str = "sv") -> str:
    return _name("purposes", code, language)


def recipient_kind_name(code: str, language: str = "sv") -> str:
    return _name("recipient_kinds", code, language)


def citation_url(citation: str) -> str | None:
    """The address of the official text that a citation's SFS number names, as in "OSL (2009:400) 28 kap. 6 §"."""
    number = _NUMBER.search(citation)
    return f"{STATUTES}{number[1]}" if number else None


def _name(part: str, code: str, language: str) -> str:
    return _words()[part].get(code, {}).get(language, code)


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return json.loads(SEED.read_text(encoding="utf-8"))
