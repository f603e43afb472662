"""What waits for the staff, counted: to a limit, in one query, the late and the urgent first."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils.translation import override

from lefi import staffwork
from lefi.staffwork import Work, waiting
from subscriptions.models import Connection
from tests.factories import AT, ConnectionFactory, UserFactory

pytestmark = pytest.mark.django_db


class Words:
    """In the manner of ngettext_lazy."""

    def __mod__(self, said):
        return f"{said['count']} {said['what']}"


def work(key="examine", **said):
    rows = said.pop("rows", lambda user, at: Connection.objects.all())
    said = {"since": "submitted_at", **said}
    return Work(key=key, model=Connection, rights=(), title=key, sentence=Words(), rows=rows, **said)


def test_nothing_that_may_be_done_is_nothing_asked(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert waiting([], user=None, at=AT) == []


def test_what_does_not_wait_has_no_line():
    assert waiting([work()], user=None, at=AT) == []


def test_rows_are_counted_with_the_first_of_them(django_assert_num_queries):
    for days in (1, 9, 4):
        ConnectionFactory(submitted_at=AT - timedelta(days=days))

    with django_assert_num_queries(1):
        (found,) = waiting([work()], user=None, at=AT)

    assert (found.count, found.first, found.late) == (3, AT - timedelta(days=9), False)


def test_all_kinds_are_counted_in_one_query(django_assert_num_queries):
    ConnectionFactory()
    UserFactory()
    others = Work(
        key="old",
        model=get_user_model(),
        rights=(),
        title="",
        sentence=Words(),
        rows=lambda user, at: get_user_model().objects.all(),
        since="date_joined",
    )

    with django_assert_num_queries(1):
        found = waiting([work(), work("again"), others], user=None, at=AT)

    assert {one.work.key: one.count for one in found} == {"examine": 1, "again": 1, "old": 1}


def test_more_than_is_counted_is_said_to_be_more(monkeypatch):
    monkeypatch.setattr(staffwork, "MOST", 3)
    ConnectionFactory.create_batch(5)

    (found,) = waiting([work()], user=None, at=AT)

    assert found.count == 4
    with override("sv"):
        assert found.sentence == "fler än 3 anslutningar"


def test_one_is_called_by_its_name_and_many_by_theirs():
    ConnectionFactory()
    with override("sv"):
        assert waiting([work()], user=None, at=AT)[0].sentence == "1 anslutning"


def test_what_is_late_comes_first_then_what_is_urgent_then_the_oldest():
    ConnectionFactory(submitted_at=AT - timedelta(days=1))
    due = {"due": True, "since": F("submitted_at") + timedelta(hours=12)}
    later = {"due": True, "since": F("submitted_at") + timedelta(days=30)}

    found = waiting(
        [work("plain"), work("later", **later), work("urgent", urgent=True), work("late", **due)], user=None, at=AT
    )

    assert [one.work.key for one in found] == ["late", "urgent", "plain", "later"]
    assert [one.late for one in found] == [True, False, False, False]


def test_the_link_of_a_kind_is_its_list_narrowed_to_it_or_its_own_page():
    assert work().url == "/admin/subscriptions/connection/?work=examine"
    assert work(url_name="admin:subscriptions_protected_queue").url.endswith("/protectedrelease/protected/")
