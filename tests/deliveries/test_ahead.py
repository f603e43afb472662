"""What the gate will be asked is asked ahead, of what somebody is likely to open, and is as exact as if it were not."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from benefits.models import Protection
from deliveries import ahead, rights, tasks
from deliveries.ahead import examine_ahead
from deliveries.models import Delivery, GateAnswer
from deliveries.services import FetchRefused, fetch
from subscriptions.models import Stream, Watch
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    BlockFactory,
    DeliveryFactory,
    DisclosureFactory,
    ImportFactory,
    PurgedFactory,
    StreamFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch() -> Watch:
    return WatchFactory(stream__served=True)


@pytest.fixture
def delivery(watch) -> Delivery:
    made = delivered([said_of(watch)], stream=watch.stream, released_at=AT - timedelta(hours=8))
    DisclosureFactory(delivery=made, watch=watch, sections={"sjukpenningarende": "0" * 64})
    return made


def test_a_delivery_that_was_asked_of_ahead_is_opened_without_asking_of_any_watch(delivery, monkeypatch):
    assert examine_ahead(AT) == 1
    monkeypatch.setattr(rights, "_refused_of", None)

    assert fetch(delivery=delivery, at=AT)


def test_what_changes_between_is_met_when_it_is_opened(delivery, watch):
    fetch(delivery=delivery, at=AT)
    examine_ahead(AT)

    watch.person.facts.update(protection=Protection.MARKED)

    with pytest.raises(FetchRefused, match="RELEASE_NEEDED"):
        fetch(delivery=delivery, at=AT)


def test_what_is_refused_is_kept_ahead_too(delivery, watch):
    watch.person.facts.update(protection=Protection.MARKED)
    examine_ahead(AT)

    assert GateAnswer.objects.get().refused == {"PROTECTED": [watch.pk]}


def test_nothing_is_asked_twice_ahead_until_the_day_the_imports_or_the_law_of_the_stream_change(delivery, watch):
    assert (examine_ahead(AT), examine_ahead(AT)) == (1, 0)
    BlockFactory(customer=StreamFactory().agreement.customer)  # another's
    assert examine_ahead(AT) == 0

    BlockFactory(customer=watch.stream.agreement.customer)
    assert (examine_ahead(AT), examine_ahead(AT)) == (1, 0)
    ImportFactory()
    assert (examine_ahead(AT), examine_ahead(AT)) == (1, 0)
    tomorrow = AT + timedelta(days=1)
    assert (examine_ahead(tomorrow), examine_ahead(tomorrow)) == (1, 0)


@pytest.mark.parametrize(
    ("days", "fields", "asked"),
    [
        (1, {"recalled_at": AT}, 0),
        (6, {"first_fetched_at": AT, "acknowledged_at": AT}, 1),
        (8, {"first_fetched_at": AT, "acknowledged_at": AT}, 0),
        (8, {"first_fetched_at": AT}, 1),
        (61, {}, 0),
    ],
)
def test_what_stands_and_is_new_or_awaits_its_acknowledgement_is_asked_of(days, fields, asked):
    DeliveryFactory(released_at=AT - timedelta(days=days), **fields)

    assert examine_ahead(AT) == asked


def test_what_was_erased_is_not_asked_of():
    PurgedFactory(delivery=DeliveryFactory(released_at=AT))

    assert examine_ahead(AT) == 0


def test_the_newest_come_first_and_no_more_than_there_is_time_for(monkeypatch):
    old, new = (DeliveryFactory(released_at=AT - timedelta(days=days)) for days in (2, 1))
    monkeypatch.setattr(ahead, "SECONDS", -1)

    assert examine_ahead(AT) == 1
    assert list(GateAnswer.objects.values_list("delivery", flat=True)) == [new.pk]
    assert examine_ahead(AT) == 1
    assert GateAnswer.objects.filter(delivery=old).exists()


def test_one_asks_ahead_at_a_time(delivery):
    cache.add(ahead._KEY, True)
    assert examine_ahead(AT) == 0

    cache.delete(ahead._KEY)
    assert examine_ahead(AT) == 1


def test_it_is_done_in_the_background():
    DeliveryFactory(stream=Stream.objects.first() or StreamFactory(), released_at=timezone.now())

    assert tasks.examine_ahead() == 1
