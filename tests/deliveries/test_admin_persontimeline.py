"""The picture on a person's page: what is known, and below it what each customer was told when."""

import re
from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone

from benefits.timeline import Timeline
from deliveries.admin.persontimeline import Seen, timeline
from lefi.audit.reasons import open_person
from tests.factories import (
    BenefitPeriodFactory,
    DeliveryFactory,
    DisclosureFactory,
    PersonFactory,
    SpontaneousDisclosureFactory,
    StoredDecisionFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 29)


def at(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, 22))


def picture(*, span="year", periods=(), watches=(), disclosures=(), unasked=()) -> Timeline:
    return timeline(Seen(periods, watches, disclosures, unasked), on=TODAY, span=span)[1]


def disclosed(ago=3, *, customer="Norra kommunen", **said):
    watch = WatchFactory(stream__agreement__customer__name=customer)
    delivery = DeliveryFactory(
        stream=watch.stream, released_at=at(TODAY - timedelta(days=ago)), recalled_at=said.pop("recalled_at", None)
    )
    return DisclosureFactory(
        watch=watch, delivery=delivery, customer=watch.stream.agreement.customer, person=watch.person, **said
    )


def test_each_customer_has_a_lane_with_a_mark_that_leads_to_the_delivery():
    told = disclosed()

    drawn = picture(disclosures=[told, disclosed(customer="Södra kommunen")])

    assert [lane.text for lane in drawn.lanes] == ["Norra kommunen", "Södra kommunen"]
    first = drawn.dots[0]
    assert first.url == f"/admin/deliveries/delivery/{told.delivery_id}/change/"
    assert first.told
    assert first.text == "2026-11-26 Sjukpenning, utlämnat"


def test_what_was_withheld_says_why_and_stands_apart_from_what_was_told():
    withheld = disclosed(outcome="withheld", reason="PROTECTED")

    (dot,) = picture(disclosures=[withheld]).dots

    assert not dot.told
    assert dot.text.startswith("2026-11-26 Sjukpenning, ")
    assert withheld.get_outcome_display() in dot.text


def test_a_delivery_that_was_recalled_told_nothing():
    assert timeline(Seen((), (), [disclosed(recalled_at=at(TODAY))], ()), on=TODAY, span="year")[1] is None


def test_what_was_told_unasked_is_told_as_well():
    message = SpontaneousDisclosureFactory(
        approved_at=at(TODAY),
        approved_by=UserFactory(),
        decision=StoredDecisionFactory(),
        customer__name="Norra kommunen",
        sha256="1" * 64,
    )

    (dot,) = picture(unasked=[message]).dots

    assert dot.url == f"/admin/deliveries/spontaneousdisclosure/{message.pk}/change/"
    assert dot.text.endswith("på eget initiativ")


def test_a_watch_is_a_bar_from_when_it_was_opened_to_when_it_ended_or_today():
    opened = at(TODAY - timedelta(days=100))
    ended = WatchFactory(
        opened_at=opened, ended_at=at(TODAY - timedelta(days=50)), end_reason="AVBESTALLD", ended_as_of=1
    )

    drawn = picture(watches=[WatchFactory(opened_at=opened), ended])
    still, over = drawn.watched

    assert (still.live, over.live) == (True, False)
    assert still.x == over.x
    assert still.x + still.width == pytest.approx(drawn.today, abs=0.2)
    assert over.width == pytest.approx(still.width / 2, abs=0.3)


def test_where_a_span_of_time_has_nothing_all_the_time_is_shown():
    old = BenefitPeriodFactory(starts_on=date(2001, 1, 1), ends_on=date(2001, 6, 1))
    seen = Seen([old], (), (), ())

    assert timeline(seen, on=TODAY, span="months")[0] == "whole"
    assert timeline(seen, on=TODAY, span="annat")[0] == "whole"
    assert timeline(Seen([old], (), [disclosed()], ()), on=TODAY, span="annat")[0] == "year"


def test_a_person_of_whom_nothing_is_known_has_no_picture():
    assert timeline(Seen((), (), (), ()), on=TODAY, span="year") == ("whole", None)


def test_the_page_shows_the_picture_with_its_links_and_the_table_beside(client, staff):
    person = PersonFactory()
    other = WatchFactory(person=person)
    delivery = DeliveryFactory(stream=other.stream, released_at=timezone.now())
    DisclosureFactory(watch=other, delivery=delivery, customer=other.stream.agreement.customer, person=person)
    client.force_login(staff)
    session = client.session
    token = open_person(session, person_id=person.pk, reason="Ärende 2026-17", at=timezone.now())
    session.save()

    page = client.get(f"/admin/benefits/person/{token}/?span=months").content.decode()
    drawn = page.partition('<svg class="timeline"')[2].partition("</svg>")[0]

    assert 'aria-label="Förmånsperioder, och vem som fått veta, över tid; tabellerna nedan visar samma sak"' in drawn
    assert "Lämnat till" in drawn
    assert f'href="/admin/deliveries/delivery/{delivery.pk}/change/"' in drawn
    assert person.first_number not in page
    assert re.search(r'<a href="\?span=months"\s+aria-current="true">', page)
    assert page.count(f"/admin/deliveries/delivery/{delivery.pk}/change/") == 2
