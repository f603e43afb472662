"""Swedish is complete, and what is compiled is what is written."""

import ast
import gettext
from pathlib import Path

from django.conf import settings

PO = Path(settings.LOCALE_PATHS[0]) / "sv" / "LC_MESSAGES" / "django.po"


def entries() -> dict[tuple[str, int], str]:
    """Every translation in the .po file: (msgid with its context, plural number) to text."""
    found: dict[tuple[str, int], str] = {}
    for block in PO.read_text(encoding="utf-8").split("\n\n"):
        said: dict[str, str] = {}
        keyword = ""
        for raw in block.splitlines():
            line = raw
            if line.startswith("#"):
                continue
            if not line.startswith('"'):
                keyword, _, line = line.partition(" ")
            said[keyword] = said.get(keyword, "") + ast.literal_eval(line)
        context = f"{said['msgctxt']}\x04" if "msgctxt" in said else ""
        for keyword, text in said.items():
            if keyword.startswith("msgstr"):
                plural = int(keyword[7:-1]) if "[" in keyword else 0
                found[context + said["msgid"], plural] = text
    return found


def compiled() -> dict[tuple[str, int], str]:
    with PO.with_suffix(".mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog
    return {key if isinstance(key, tuple) else (key, 0): text for key, text in catalog.items()}


def test_every_message_has_a_swedish_text():
    assert [msgid for (msgid, _), text in entries().items() if not text] == []


def test_no_translation_is_a_guess():
    assert "fuzzy" not in PO.read_text(encoding="utf-8").partition("\n\n")[2]


def test_the_compiled_translations_are_those_written():
    written = {key: text for key, text in entries().items() if key[0]}

    assert {key: text for key, text in compiled().items() if key[0]} == written
