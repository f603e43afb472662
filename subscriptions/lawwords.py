"""PURE: what purposes and recipient kinds are called, as the seed of the legal bases names them.

A code that a later version of a basis brought is called by its code.
"""

import json
from functools import cache
from pathlib import Path

SEED = Path(__file__).with_name("legal_bases.json")


def purpose_name(code: str, language: str = "sv") -> str:
    return _name("purposes", code, language)


def recipient_kind_name(code: str, language: str = "sv") -> str:
    return _name("recipient_kinds", code, language)


def _name(part: str, code: str, language: str) -> str:
    return _words()[part].get(code, {}).get(language, code)


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return json.loads(SEED.read_text(encoding="utf-8"))
