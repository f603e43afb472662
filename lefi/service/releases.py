"""PURE: what has become new in the service, and what it means for customers, as `releases.json` tells it."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("releases.json")


@dataclass(frozen=True, slots=True)
class Release:
    """A release in one language: its day, None while it is to come, what is new, and what customers have to do."""

    day: date | None
    title: str
    news: tuple[str, ...]
    to_do: str


def releases(language: str) -> list[Release]:
    """All releases, what is to come and then the newest first."""
    return [_release(one, language) for one in _file()]


def _release(one: dict, language: str) -> Release:
    news = tuple(line[language] for line in one["news"])
    day = date.fromisoformat(one["day"]) if one["day"] else None
    return Release(day, one["title"][language], news, one["to_do"][language])


@cache
def _file() -> list[dict]:
    return sorted(json.loads(FILE.read_text(encoding="utf-8")), key=lambda one: one["day"] or "9999", reverse=True)
