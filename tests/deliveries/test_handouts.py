"""A second handout of what may no longer be told: proposed by one, approved by another, used up by one fetch (C6)."""

from datetime import timedelta

import pytest
from django.utils import translation

from benefits.models import PersonFacts, Protection
from deliveries.handouts import HandoutRefused, approve_handout, propose_handout
from deliveries.models import Delivery, HandoutRelease
from deliveries.services import FetchRefused, fetch
from lefi.audit.models import Action, AuditEvent
from lefi.foureyes import NotApproved
from subscriptions.models import Watch
from tests.documents import delivered, said_of
from tests.factories import AT, DAY, BlockFactory, DeliveryFactory, DisclosureFactory, UserFactory, WatchFactory

pytestmark = pytest.mark.django_db
REASON = "Kundens system har förlorat dokumentet."
ADD = "/admin/deliveries/handoutrelease/add/"


@pytest.fixture
def delivery() -> Delivery:
    """Fetched; the person in it is protected since."""
    watch = WatchFactory(stream__served=True)
    delivery = delivered([said_of(watch)], stream=watch.stream)
    DisclosureFactory(delivery=delivery, watch=watch, sections={"sjukpenningarende": "0" * 64})
    fetch(delivery=delivery, at=AT)
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)
    delivery.refresh_from_db()
    return delivery


def refusal(delivery: Delivery, at=AT) -> str:
    try:
        fetch(delivery=delivery, at=at)
    except FetchRefused as refused:
        return refused.code
    return ""


def test_why_a_delivery_is_not_handed_out_again_is_said_in_the_readers_language(delivery):
    with translation.override("sv"), pytest.raises(FetchRefused) as refused:
        fetch(delivery=delivery, at=AT)

    assert refused.value.sentence.startswith("Leveransen innehåller sådant som inte längre får lämnas ut.")


def test_what_one_proposes_the_same_person_never_approves(delivery):
    by = UserFactory(is_superuser=True)
    release = propose_handout(delivery=delivery, reason=REASON, by=by, at=AT)

    with pytest.raises(NotApproved, match="SAME_PERSON"):
        approve_handout(release=release, by=by, at=AT, reason=REASON)
    assert refusal(delivery) == "RELEASE_NEEDED"


def test_a_release_by_two_is_used_up_by_one_fetch(delivery):
    release = propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)
    approve_handout(release=release, by=UserFactory(), at=AT, reason=REASON)

    assert [refusal(delivery) for _ in range(2)] == ["", "RELEASE_NEEDED"]
    release.refresh_from_db()
    assert release.used_at == AT
    events = AuditEvent.objects.filter(object_type="deliveries.handoutrelease")
    assert sorted(events.values_list("action", flat=True)) == [Action.APPROVE, Action.CREATE]


def released(delivery: Delivery) -> HandoutRelease:
    release = propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)
    approve_handout(release=release, by=UserFactory(), at=AT, reason=REASON)
    return release


def test_what_may_be_told_needs_no_release(delivery):
    PersonFacts.objects.update(protection=Protection.NONE)

    with pytest.raises(HandoutRefused, match="NOTHING_REFUSED"):
        propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)


def test_what_is_only_held_back_for_a_while_is_not_released(delivery):
    BlockFactory(customer=delivery.stream.agreement.customer)

    with pytest.raises(HandoutRefused, match="NOTHING_REFUSED"):
        propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)


@pytest.mark.parametrize("later", ["another watch", "another reason"])
def test_a_release_is_for_what_was_refused_when_it_was_given_and_nothing_later(delivery, later):
    released(delivery)
    watch = WatchFactory(stream=delivery.stream)
    DisclosureFactory(delivery=delivery, watch=watch, sections={"sjukpenningarende": "0" * 64})
    if later == "another watch":
        PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)
    else:
        Watch.objects.update(reconfirm_by=DAY - timedelta(days=1))

    assert refusal(delivery) == "RELEASE_NEEDED"
    released(delivery)
    assert refusal(delivery) == "", "one for that as well"


@pytest.mark.parametrize(("days", "expected"), [(30, ""), (31, "RELEASE_NEEDED")])
def test_a_release_is_used_within_thirty_days_of_its_approval(delivery, days, expected):
    released(delivery)

    assert refusal(delivery, at=AT + timedelta(days=days)) == expected


def test_what_nobody_has_fetched_is_recalled_and_never_released(db):
    with pytest.raises(HandoutRefused, match="NOT_FETCHED"):
        propose_handout(delivery=DeliveryFactory(), reason=REASON, by=UserFactory(), at=AT)


def test_there_is_one_unused_release_or_proposal_at_a_time(delivery):
    propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)

    with pytest.raises(HandoutRefused, match="ALREADY_RELEASED"):
        propose_handout(delivery=delivery, reason=REASON, by=UserFactory(), at=AT)


def test_staff_propose_it_from_the_delivery_and_another_approves(client, delivery, staff):
    client.force_login(staff)
    page = client.get(f"/admin/deliveries/delivery/{delivery.pk}/change/").content.decode()
    assert f"{ADD}?delivery={delivery.pk}" in page
    form = client.get(ADD, {"delivery": delivery.pk}).content.decode()
    assert f'<option value="{delivery.pk}" selected>' in form
    client.post(ADD, {"delivery": delivery.pk, "reason": REASON})
    release = HandoutRelease.objects.get()
    approve = f"/admin/deliveries/handoutrelease/{release.pk}/approve/"

    client.post(approve, {"reason": REASON})
    assert refusal(delivery) == "RELEASE_NEEDED", "the same person"

    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert "PROTECTED" in client.get(approve).content.decode(), "the approver sees why it is held"
    client.post(approve, {"reason": REASON})
    assert refusal(delivery) == ""


def test_a_delivery_that_nobody_has_fetched_offers_no_second_handout(client, staff):
    watch = WatchFactory(stream__served=True)
    delivery = delivered([said_of(watch)], stream=watch.stream)
    client.force_login(staff)

    assert ADD not in client.get(f"/admin/deliveries/delivery/{delivery.pk}/change/").content.decode()
    answer = client.post(f"{ADD}?delivery={delivery.pk}", {"delivery": delivery.pk, "reason": REASON}, follow=True)
    assert answer.status_code == 200
    assert not HandoutRelease.objects.exists()
