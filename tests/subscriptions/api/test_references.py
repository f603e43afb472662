"""The API's doors to needs and cases: confirming them, and ending them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from subscriptions.models import Watch
from tests.factories import ApiClientFactory, LegalBasisFactory, ScopeFactory, StreamFactory, WatchFactory
from tests.partners import partner, refusal_of, url_of

pytestmark = pytest.mark.django_db

CASE = "EB 2026/0042"


@pytest.fixture
def stream():
    basis = LegalBasisFactory(code="TEST-BEHOV", reconfirm_days=365)
    return StreamFactory(agreement=ScopeFactory(basis=basis).agreement)


@pytest.fixture
def api(stream):
    return partner(ApiClientFactory(customer=stream.agreement.customer))


def confirm(api, stream, **said):
    return api.post(url_of(stream, "reconfirmations"), said, content_type="application/json")


def end(api, stream, body, content_type="application/json"):
    return api.post(url_of(stream, "case-ends"), body, content_type=content_type)


def due(stream, **fields) -> Watch:
    return WatchFactory(stream=stream, reconfirm_by=timezone.localdate(), **fields)


@pytest.mark.parametrize("door", [confirm, lambda api, stream: end(api, stream, [CASE])])
def test_another_customers_stream_does_not_exist_here(api, door):
    watch = due(StreamFactory(), case_reference=CASE)

    assert refusal_of(door(api, watch.stream)) == (404, "NOT_FOUND")
    assert Watch.objects.open().filter(reconfirm_by=watch.reconfirm_by).exists()


def test_needs_are_confirmed_by_watch_and_by_reference_within_the_stream(api, stream):
    by_id, by_case, by_need = due(stream), due(stream, case_reference=CASE), due(stream, need_reference="B-1")
    left, other = due(stream), due(StreamFactory(), case_reference=CASE)

    answer = confirm(api, stream, watches=[by_id.pk, other.pk, 10**12], references=[CASE, "B-1", "X"])

    assert answer.json() == {"confirmed": 3}
    next_time = timezone.localdate() + timedelta(days=365)
    confirmed = Watch.objects.filter(reconfirm_by=next_time)
    assert set(confirmed) == {by_id, by_case, by_need}
    assert set(Watch.objects.exclude(reconfirm_by=next_time)) == {left, other}


def test_to_confirm_nothing_confirms_nothing(api, stream):
    due(stream)

    assert confirm(api, stream).json() == {"confirmed": 0}


@pytest.mark.parametrize("said", [{"watches": ["x"]}, {"watches": [0]}, {"references": [["x"]]}])
def test_what_is_not_asked_in_the_right_form_is_refused(api, stream, said):
    assert refusal_of(confirm(api, stream, **said)) == (400, "INVALID")


@pytest.mark.parametrize(
    ("body", "content_type", "refused"),
    [
        ({"referenser": [CASE]}, "application/json", (400, "FILE_FORM")),
        ([CASE, 7], "application/json", (400, "FILE_FORM")),
        ([], "application/json", (400, "FILE_FORM")),
        ("", "text/plain", (400, "FILE_FORM")),
        (b"\xe5", "text/plain", (400, "FILE_FORM")),
        ("x\n" * 10_001, "text/plain", (413, "FILE_TOO_LONG")),
        ("<x/>", "application/xml", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ],
)
def test_a_list_of_cases_that_cannot_be_read_is_refused_whole(api, stream, body, content_type, refused):
    WatchFactory(stream=stream, case_reference=CASE)

    assert refusal_of(end(api, stream, body, content_type)) == refused
    assert Watch.objects.open().exists()


@pytest.mark.parametrize(
    ("body", "content_type"), [([CASE, "X"], "application/json"), (f"{CASE}\nX\n", "text/plain; charset=utf-8")]
)
def test_cases_end_by_a_list_and_each_line_is_answered_without_its_reference(api, stream, body, content_type):
    WatchFactory.create_batch(2, stream=stream, case_reference=CASE)

    answer = end(api, stream, body, content_type)

    assert answer.json() == {
        "answers": {"ENDED": 1, "NOT_FOUND": 1},
        "lines": [
            {
                "line": 1,
                "answer": "ENDED",
                "sentence": "The watches have ended; the next delivery says so.",
                "watches": 2,
            },
            {
                "line": 2,
                "answer": "NOT_FOUND",
                "sentence": "There is no open watch with this reference.",
                "watches": 0,
            },
        ],
    }
    assert not Watch.objects.open().exists()
