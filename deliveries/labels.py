"""What of a delivery's codes is told in words, in the reader's language."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.models import SourceState
from deliveries.schema import SILENT


def source_words(state: str) -> Promise | str:
    """Whether a source answers."""
    return _("Silent") if state == SILENT else dict(SourceState.choices).get(state, state)
