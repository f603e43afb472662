"""What the log writes by codes is read in words."""

import pytest
from django.urls import reverse
from django.utils.translation import override

from lefi.accounts.models import User
from lefi.audit.models import Action, AuditEvent
from lefi.audit.words import details_of, reason_of
from tests.factories import UserFactory


@override("sv")
def test_a_reason_that_the_system_writes_is_read_in_words():
    assert reason_of(AuditEvent(reason="no consent")) == "inget samtycke täcker det längre"
    assert reason_of(AuditEvent(reason="Ärende 2026-7")) == "Ärende 2026-7"


@override("sv")
def test_details_are_named_and_a_yes_is_a_word():
    event = AuditEvent(details={"found": False, "watches": [3, 4], "odd": 1, "fields": ["name"]})

    assert list(details_of(event)) == [
        ("träff", "nej"),
        ("bevakningar", "3, 4"),
        ("odd", "1"),
        ("fält", "name"),
    ]


def test_a_user_is_called_by_name_and_by_the_user_name_only_without_one():
    assert str(User(username="anna.lind", first_name="Anna", last_name="Lind")) == "Anna Lind"
    assert str(User(username="anna.lind")) == "anna.lind"


@pytest.mark.django_db
def test_the_log_names_who_did_it_and_why(client, staff):
    who = UserFactory(first_name="Anna", last_name="Lind")
    event = AuditEvent.objects.create(
        at="2026-11-23T10:00Z", actor=who, action=Action.END, object_type="subscriptions.watch", reason="no consent"
    )
    client.force_login(staff)

    page = client.get(reverse("admin:audit_auditevent_change", args=[event.pk])).content.decode()

    assert "Anna Lind" in page
    assert "inget samtycke täcker det längre" in page
