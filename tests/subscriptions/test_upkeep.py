"""What time alone brings about: every step is known, and repeating them is harmless."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.utils import timezone
from oauth2_provider.models import AccessToken
from structlog.testing import capture_logs

from lefi.locks import Lock
from subscriptions.models import Notice, Watch
from subscriptions.upkeep import STEPS, keep_up
from tests.factories import (
    AT,
    DAY,
    PASSWORD,
    ApiClientFactory,
    ConsentFactory,
    LegalBasisFactory,
    NoticeFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)
from tests.partners import token_of

pytestmark = pytest.mark.django_db


def test_a_day_on_which_nothing_is_due_changes_nothing():
    WatchFactory(stream__served=True)

    assert keep_up(day=DAY, at=AT) == dict.fromkeys(["failed", *(step.__name__ for step in STEPS)], 0)


def test_sessions_and_tokens_that_are_over_are_erased_and_no_others(client):
    user = UserFactory()
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    token_of(ApiClientFactory())
    now = timezone.now()

    keep_up(day=timezone.localdate(now), at=now)
    assert (Session.objects.count(), UserSession.objects.count(), AccessToken.objects.count()) == (1, 1, 1)

    keep_up(day=timezone.localdate(now), at=now + timedelta(hours=9))
    assert (Session.objects.count(), UserSession.objects.count(), AccessToken.objects.count()) == (0, 0, 0)


def test_a_step_that_fails_is_undone_and_stops_no_other(monkeypatch):
    def failing(*, day, at):
        NoticeFactory()
        raise OperationalError("deadlock detected")

    def after(*, day, at):
        NoticeFactory(code="AGREEMENT_SIGNED")
        return 1

    monkeypatch.setattr("subscriptions.upkeep.STEPS", (failing, after))

    with capture_logs() as logs:
        assert keep_up(day=DAY, at=AT) == {"failed": 1, "after": 1}
    assert [one.code for one in Notice.objects.all()] == ["AGREEMENT_SIGNED"]
    assert [(one["event"], one.get("code"), one["log_level"]) for one in logs] == [
        ("upkeep_failed", "failing", "error"),
        ("kept_up", None, "info"),
    ]


@pytest.mark.services
def test_no_step_is_taken_by_two_at_once(monkeypatch):
    taken = []

    def step(*, day, at):
        with connection.cursor() as cursor:
            cursor.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            taken.extend(row[0] for row in cursor.fetchall())
        return 0

    monkeypatch.setattr("subscriptions.upkeep.STEPS", (step,))
    keep_up(day=DAY, at=AT)

    assert Lock.UPKEEP in taken


def test_keeping_up_twice_does_no_more_than_once():
    basis = LegalBasisFactory(code="TEST-SAMT", consent_needed=True, reconfirm_days=365)
    stream = StreamFactory(agreement=ScopeFactory(basis=basis).agreement)
    bare = WatchFactory(stream=stream)
    ConsentFactory(customer=stream.agreement.customer, person=bare.person, withdrawn_at=AT)
    for n in (-31, -1, 3):
        WatchFactory(stream=stream, reconfirm_by=DAY + timedelta(days=n))

    first, second = keep_up(day=DAY, at=AT), keep_up(day=DAY, at=AT + timedelta(hours=1))

    assert {name: count for name, count in first.items() if count} == {
        "end_watches_without_consent": 1,
        "end_unconfirmed_watches": 1,
        "tell_of_paused_watches": 1,
        "warn_of_reconfirmations": 1,
    }
    assert not any(second.values())
    assert Watch.objects.open().count() == 2 and Notice.objects.count() == 3
