"""Which of the two languages the reader reads; data (labels, titles) comes in both."""

from django.utils.translation import get_language


def language() -> str:
    """English for readers of English, else Swedish."""
    return "en" if (get_language() or "").startswith("en") else "sv"
