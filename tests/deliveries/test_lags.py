"""A customer who falls behind is told once, and once more when it has caught up."""

from datetime import timedelta

import pytest

from deliveries.lags import watch_lags
from deliveries.models import Lag
from subscriptions.models import Notice
from tests.factories import AT, DeliveryFactory, StreamFactory

pytestmark = pytest.mark.django_db
LATE = AT - timedelta(days=6)


@pytest.fixture(autouse=True)
def five_days(settings):
    settings.LAG_FETCH_DAYS = settings.LAG_ACKNOWLEDGE_DAYS = 5


def codes():
    return list(Notice.objects.order_by("pk").values_list("code", flat=True))


def test_one_alert_however_many_deliveries_wait_and_however_often_it_is_looked():
    stream = StreamFactory()
    oldest = DeliveryFactory(stream=stream, number=1, released_at=LATE)
    DeliveryFactory(stream=stream, number=2, released_at=LATE + timedelta(hours=1))

    assert watch_lags(AT) == {"alerted": 1, "recovered": 0}
    assert watch_lags(AT + timedelta(days=1)) == {"alerted": 0, "recovered": 0}
    assert codes() == ["BEHIND_NOT_FETCHED"]
    assert (Lag.objects.get().delivery, Lag.objects.get().since) == (oldest, LATE)


def test_one_message_when_all_is_fetched():
    late = DeliveryFactory(released_at=LATE)
    watch_lags(AT)
    type(late).objects.filter(pk=late.pk).update(first_fetched_at=AT, acknowledged_at=AT)

    assert watch_lags(AT) == {"alerted": 0, "recovered": 1}
    assert watch_lags(AT) == {"alerted": 0, "recovered": 0}
    assert codes() == ["BEHIND_NOT_FETCHED", "CAUGHT_UP_NOT_FETCHED"]


def test_a_customer_that_is_stopped_has_not_caught_up():
    late = DeliveryFactory(released_at=LATE)
    watch_lags(AT)
    customer = late.stream.agreement.customer
    type(customer).objects.update(active=False)
    assert watch_lags(AT) == {"alerted": 0, "recovered": 0}

    type(customer).objects.update(active=True)
    assert watch_lags(AT) == {"alerted": 0, "recovered": 0}
    assert codes() == ["BEHIND_NOT_FETCHED"]


def test_who_falls_behind_again_is_told_again():
    late = DeliveryFactory(released_at=LATE)
    watch_lags(AT)
    type(late).objects.filter(pk=late.pk).update(first_fetched_at=AT, acknowledged_at=AT)
    watch_lags(AT)
    DeliveryFactory(stream=late.stream, number=late.number + 1, released_at=AT)

    assert watch_lags(AT + timedelta(days=6))["alerted"] == 1


@pytest.mark.parametrize(
    "said",
    [
        {"released_at": AT - timedelta(days=4)},
        {"released_at": LATE, "recalled_at": AT},
        {"released_at": LATE, "stream__agreement__customer__active": False},
        {"released_at": LATE, "first_fetched_at": AT},
        {"released_at": LATE, "first_fetched_at": LATE, "acknowledged_at": LATE},
        {"released_at": LATE, "first_fetched_at": LATE, "stream__channel": "portal"},
    ],
    ids=[
        "not long enough",
        "recalled",
        "not active",
        "just fetched",
        "fetched and acknowledged",
        "a portal's reader need not acknowledge",
    ],
)
def test_no_false_alarm(said):
    DeliveryFactory(**said)

    assert watch_lags(AT) == {"alerted": 0, "recovered": 0}


def test_a_system_that_fetches_and_never_acknowledges_is_told_so():
    DeliveryFactory(released_at=LATE, first_fetched_at=LATE)
    watch_lags(AT)

    assert codes() == ["BEHIND_NOT_ACKNOWLEDGED"]
