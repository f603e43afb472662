"""Needs and cases: confirmed in sets, paused and ended by time, ended when the customer says so."""

from datetime import timedelta

import pytest

from lefi.audit.models import Action, AuditEvent
from subscriptions import notices
from subscriptions.models import Notice, Stream, Watch
from subscriptions.references import (
    ListRefused,
    end_case,
    end_cases,
    end_unconfirmed_watches,
    read_references,
    reconfirm,
    set_reconfirmations,
    tell_of_paused_watches,
    to_reconfirm,
    warn_of_reconfirmations,
)
from tests.factories import (
    AT,
    DAY,
    LegalBasisFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db

CASE = "EB 2026/0042"


def days(n: int):
    return DAY + timedelta(days=n)


@pytest.fixture
def stream():
    """A stream whose watches are confirmed once a year."""
    basis = LegalBasisFactory(code="TEST-BEHOV", needs=["need_reference"], reconfirm_days=365)
    return StreamFactory(agreement=ScopeFactory(basis=basis).agreement)


def due(stream, n: int, **fields) -> Watch:
    """A watch to be confirmed in n days."""
    return WatchFactory(stream=stream, reconfirm_by=days(n), **fields)


def codes() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("code", flat=True))


# Confirming


def test_only_what_is_open_and_asked_for_is_confirmed(stream):
    ended = due(stream, -1, ended_at=AT, end_reason="UPPHORD", ended_as_of=0)
    never = WatchFactory(stream=stream)

    assert reconfirm(watches=Watch.objects.all(), at=AT) == 0

    assert Watch.objects.get(pk=ended.pk).reconfirm_by == days(-1)
    assert Watch.objects.get(pk=never.pk).reconfirm_by is None
    assert not AuditEvent.objects.exists()


def test_a_confirmed_watch_is_asked_for_again_when_its_basis_says(stream):
    paused, soon = due(stream, -3), due(stream, 3)
    left = due(stream, 3)
    user = UserFactory()

    assert reconfirm(watches=Watch.objects.exclude(pk=left.pk), by=user, at=AT) == 2

    assert set(Watch.objects.exclude(pk=left.pk).values_list("reconfirm_by", flat=True)) == {days(365)}
    assert Watch.objects.get(pk=left.pk).reconfirm_by == days(3)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == (Action.ACKNOWLEDGE, user)
    assert event.details == {"stream": stream.pk, "watches": [paused.pk, soon.pk]}


def test_a_basis_that_asks_for_it_no_longer_sets_its_watches_free(stream):
    due(stream, -3)
    LegalBasisFactory(code="TEST-BEHOV", version=2)

    assert reconfirm(watches=Watch.objects.all(), at=AT) == 1

    assert Watch.objects.get().reconfirm_by is None


def test_confirming_costs_queries_by_the_stream_and_not_by_the_watch(stream, django_assert_max_num_queries):
    for _ in range(50):
        due(stream, 3)

    with django_assert_max_num_queries(16):
        assert reconfirm(watches=Watch.objects.all(), at=AT) == 50


def test_what_is_to_be_confirmed_is_what_falls_due_in_thirty_days_or_has(stream):
    wanted = [due(stream, -9), due(stream, 0), due(stream, 30)]
    due(stream, 31)

    assert list(to_reconfirm(Watch.objects.all(), DAY)) == wanted


# What time brings


def test_an_agreement_is_warned_thirty_days_ahead_once_a_week(stream):
    due(stream, 30)
    due(stream, 12)
    due(stream, 31)

    told = [warn_of_reconfirmations(day=days(n), at=AT + timedelta(days=n)) for n in (0, 0, 1, 6, 7, 8)]

    assert told == [1, 0, 0, 0, 1, 0]
    first = Notice.objects.earliest("pk")
    assert (first.customer, first.code) == (stream.agreement.customer, "RECONFIRM_SOON")
    assert first.details == {"agreement": stream.agreement.code, "watches": 2, "day": days(12).isoformat()}


def test_nobody_is_warned_of_what_is_far_off_overdue_ended_or_closed(stream):
    due(stream, 31)
    due(stream, -1)
    due(stream, 3, ended_at=AT, end_reason="UPPHORD", ended_as_of=0)
    due(StreamFactory(closed=True), 3)

    assert warn_of_reconfirmations(day=DAY, at=AT) == 0


def test_a_pause_is_told_once_for_each_watch(stream):
    due(stream, 0)
    due(stream, 0)
    due(stream, 1)

    told = [tell_of_paused_watches(day=days(n), at=AT + timedelta(days=n)) for n in (0, 1, 1, 2, 3, 30)]

    assert told == [0, 1, 0, 1, 0, 0]
    assert list(Notice.objects.order_by("pk").values_list("details", flat=True)) == [
        {"agreement": stream.agreement.code, "watches": 2, "day": days(31).isoformat()},
        {"agreement": stream.agreement.code, "watches": 1, "day": days(32).isoformat()},
    ]


def test_a_pause_that_came_while_nothing_ran_is_told_all_the_same(stream):
    due(stream, -20)

    assert tell_of_paused_watches(day=DAY, at=AT) == 1


def test_a_watch_not_confirmed_ends_thirty_days_after_and_the_customer_is_told(stream):
    late, kept = due(stream, -31), due(stream, -30)

    assert end_unconfirmed_watches(day=DAY, at=AT) == 1
    assert end_unconfirmed_watches(day=DAY, at=AT) == 0

    late.refresh_from_db()
    assert (late.end_reason, late.ended_at) == (Watch.EndReason.NO_LONGER, AT)
    assert list(Watch.objects.open()) == [kept]
    assert Notice.objects.get().details == {"agreement": stream.agreement.code, "watches": 1}
    assert AuditEvent.objects.get(action=Action.END).details["watches"] == [late.pk]


def test_a_watch_confirmed_in_time_never_ends_for_want_of_it(stream):
    due(stream, -30)
    reconfirm(watches=Watch.objects.all(), at=AT)

    assert end_unconfirmed_watches(day=days(365), at=AT) == 0
    assert end_unconfirmed_watches(day=days(395), at=AT) == 0
    assert end_unconfirmed_watches(day=days(396), at=AT) == 1


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_notice_names_an_agreement_and_counts_and_never_a_case(stream, language):
    for n in (-31, -1, 3):
        due(stream, n, case_reference=CASE)
    for step in (warn_of_reconfirmations, tell_of_paused_watches, end_unconfirmed_watches):
        step(day=DAY, at=AT)

    assert set(codes()) == {"RECONFIRM_SOON", "RECONFIRM_PAUSED", "RECONFIRM_ENDED"}
    for notice in Notice.objects.all():
        text = notices.subject(notice) + notices.body(notice)
        assert stream.agreement.code in text and "%" not in text and CASE not in text


def test_the_steps_of_time_cost_queries_by_the_agreement(stream, django_assert_max_num_queries):
    for n in (-31, -1, 3):
        for _ in range(20):
            due(stream, n)

    with django_assert_max_num_queries(30):
        for step in (warn_of_reconfirmations, tell_of_paused_watches, end_unconfirmed_watches):
            step(day=DAY, at=AT)


def test_a_basis_that_begins_to_ask_has_its_open_watches_confirmed_like_new_ones():
    stream = StreamFactory(agreement=ScopeFactory(basis=LegalBasisFactory(code="TEST-BEHOV")).agreement)
    watch, own = WatchFactory(stream=stream), due(stream, 5)
    ended = WatchFactory(stream=stream, ended_at=AT, end_reason="UPPHORD", ended_as_of=0)
    elsewhere = WatchFactory(stream__served=True)
    ours = ScopeFactory(basis=LegalBasisFactory(code="TEST-BEHOV")).agreement
    closed = WatchFactory(stream=StreamFactory(agreement=ours, closed=True))
    LegalBasisFactory(code="TEST-BEHOV", version=2, valid_from=days(1), reconfirm_days=90)

    assert set_reconfirmations(day=DAY, at=AT) == 0
    assert [set_reconfirmations(day=days(1), at=AT) for _ in range(2)] == [1, 0]

    asked = {one.pk: one.reconfirm_by for one in Watch.objects.all()}
    assert asked == {watch.pk: days(91), own.pk: days(5), ended.pk: None, elsewhere.pk: None, closed.pk: None}


@pytest.mark.parametrize(
    "change", [{"status": "closed", "valid_to": DAY}, {"status": "draft"}, {"approved_at": None}], ids=str
)
def test_a_version_not_in_force_asks_for_nothing(change):
    stream = StreamFactory(agreement=ScopeFactory(basis=LegalBasisFactory(code="TEST-BEHOV")).agreement)
    WatchFactory(stream=stream)
    LegalBasisFactory(code="TEST-BEHOV", version=2, reconfirm_days=90, **change)

    assert set_reconfirmations(day=DAY, at=AT) == 0


def test_that_none_ended_is_no_news(stream, monkeypatch):
    due(stream, -31)
    monkeypatch.setattr("subscriptions.references.end_watches", lambda *args, **kwargs: 0)  # confirmed meanwhile

    assert end_unconfirmed_watches(day=DAY, at=AT) == 0
    assert codes() == []


# The end of a case


def test_a_case_ends_in_the_streams_given_and_nowhere_else(stream):
    mine = [WatchFactory(stream=stream, case_reference=CASE), WatchFactory(stream=stream, need_reference=CASE)]
    others = [WatchFactory(case_reference=CASE), WatchFactory(stream=stream, case_reference="EB 2026/0043")]
    user = UserFactory()

    assert end_case(streams=[stream], case_reference=CASE, by=user, at=AT) == 2
    assert end_case(streams=[stream], case_reference=CASE, by=user, at=AT) == 0

    assert list(Watch.objects.open().order_by("pk")) == others
    assert set(Watch.objects.exclude(ended_at=None).values_list("end_reason", flat=True)) == {"AVBESTALLD"}
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.details["watches"]) == (Action.END, user, [one.pk for one in mine])
    assert CASE not in str(event.details) + event.reason


def test_no_reference_is_no_case(stream):
    """A watch without a case is no watch of the case without a name."""
    WatchFactory(stream=stream)

    assert end_case(streams=Stream.objects.all(), case_reference="", at=AT) == 0


def test_a_list_of_cases_is_answered_line_by_line(stream):
    for reference in ("A", "A", "B"):
        WatchFactory(stream=stream, case_reference=reference)
    WatchFactory(stream=stream, case_reference="C", need_reference="D")

    answered = end_cases(streams=[stream], references=["A", "X", "C", "A", "D"], client="system", at=AT)

    assert [(one.line, one.answer, one.watches) for one in answered] == [
        (1, "ENDED", 2),
        (2, "NOT_FOUND", 0),
        (3, "ENDED", 1),
        (4, "NOT_FOUND", 0),
        (5, "ENDED", 1),
    ]
    assert Watch.objects.open().get().case_reference == "B"


def test_a_long_list_costs_no_more_queries_than_a_short_one(stream, django_assert_max_num_queries):
    for n in range(60):
        WatchFactory(stream=stream, case_reference=f"A{n}")

    with django_assert_max_num_queries(12):
        end_cases(streams=[stream], references=[f"A{n}" for n in range(500)], at=AT)

    assert not Watch.objects.open().exists()


@pytest.mark.parametrize(
    ("text", "code"), [("", "FILE_FORM"), (" \n\n", "FILE_FORM"), ("A\n" * 10_001, "FILE_TOO_LONG")]
)
def test_a_list_that_is_empty_or_too_long_is_refused_whole(text, code):
    with pytest.raises(ListRefused, match=code):
        read_references(text)


def test_a_list_holds_one_reference_a_line():
    assert read_references(f"\ufeff{CASE}\r\n\r\n  B 1 \n") == [CASE, "B 1"]
