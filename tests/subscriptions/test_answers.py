"""Every code that a line can be answered with has a sentence in both languages."""

import pytest
from django.utils import translation

from subscriptions.answers import CARRIED_OUT, Answer, sentence
from subscriptions.decision import Refusal

CODES = [*Answer, *Refusal]


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_sentence_in_english_and_swedish(code):
    texts = {}
    for language in ("en", "sv"):
        with translation.override(language):
            texts[language] = str(sentence(code))

    assert all(text != code and text.endswith(".") for text in texts.values())
    assert texts["en"] != texts["sv"]


def test_answers_and_refusals_share_no_code():
    assert len(set(CODES)) == len(CODES)


def test_a_code_of_another_time_is_shown_as_it_is():
    assert sentence("OPENED_LONG_AGO") == "OPENED_LONG_AGO"


def test_no_sentence_tells_that_a_watch_which_was_ended_or_refreshed_had_been_refused():
    assert set(CARRIED_OUT) == {Answer.ACCEPTED, Answer.NUMBER_REPLACED, Answer.CANCELLED, Answer.REFRESH_ORDERED}
