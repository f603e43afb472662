"""Where a portal user left off."""

from datetime import timedelta

from subscriptions import desks, notices
from tests.factories import AT, NoticeFactory, UserFactory

HOUR = timedelta(hours=1)


def test_what_is_new_is_new_since_the_visit_before_however_often_the_page_is_opened(db):
    user = UserFactory()

    assert desks.arrive(user=user, at=AT) is None
    assert desks.arrive(user=user, at=AT + timedelta(minutes=20)) is None
    assert desks.arrive(user=user, at=AT + timedelta(minutes=40)) is None
    assert desks.arrive(user=user, at=AT + 2 * HOUR) == AT + timedelta(minutes=40)
    assert desks.arrive(user=user, at=AT + 2 * HOUR + timedelta(minutes=5)) == AT + timedelta(minutes=40)


def test_each_user_has_a_desk_of_its_own(db):
    one, other = UserFactory.create_batch(2)
    desks.arrive(user=one, at=AT)
    desks.keep_usual_watches(user=one, selection="mine=on")

    assert desks.arrive(user=other, at=AT + HOUR) is None
    assert desks.usual_watches(other) is None
    assert desks.usual_watches(one) == "mine=on"


def test_a_selection_of_everything_is_another_thing_than_none(member):
    desks.keep_usual_watches(user=member.user, selection="")

    assert desks.usual_watches(member.user) == ""


def test_notices_are_unread_until_the_user_has_read_them(member):
    NoticeFactory(customer=member.customer, at=AT)
    desks.read_notices(user=member.user, at=AT + HOUR)
    NoticeFactory(customer=member.customer, at=AT + 2 * HOUR)

    assert [said.unread for said in notices.newest_for(member.user)] == [True, False]
    assert notices.unread_by(member.user) == 1
