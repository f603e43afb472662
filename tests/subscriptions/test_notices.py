"""What customers and applicants are told: in words, by mail to the right contacts, once, and never about a person."""

import smtplib
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage
from django.utils import translation

from subscriptions.models import Notice
from subscriptions.notices import WORDS, body, mail_unsent, notify, notify_applicant, subject
from tests.factories import AT, ConnectionFactory, ContactFactory, CustomerFactory

pytestmark = pytest.mark.django_db
DETAILS = {
    "agreement": "AVTAL-1",
    "reason": "Uppgifter saknas.",
    "day": "2026-12-01",
    "basis": "INS-SAM",
    "use_instead": "",
    "watches": 3,
    "kid": "2026-12-01-1f2e3d4c",
    "number": 17,
    "version": "1.0+9.1.0-1",
}


def test_an_unknown_code_is_never_noted():
    with pytest.raises(KeyError):
        notify(CustomerFactory(), "HELLO", at=AT)
    with pytest.raises(KeyError):
        notify_applicant(ConnectionFactory(), "HELLO", at=AT)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("code", WORDS)
def test_every_notice_is_made_of_figures_codes_and_days_alone(code):
    notice = Notice(code=code, details=DETAILS)

    with translation.override("en"):
        assert subject(notice)
        assert "%(" not in body(notice)


def test_each_contact_of_the_customer_is_written_to_once(mailoutbox):
    customer = CustomerFactory()
    ContactFactory(customer=customer, email="bo.ask@example.org")
    ContactFactory(customer=customer, email="bo.ask@example.org", role="technical")
    ContactFactory(customer=customer, email="ada.ek@example.org")
    ContactFactory(email="sven.ek@example.org")
    notify(customer, "AGREEMENT_SENT", at=AT, agreement="AVTAL-1")

    assert (mail_unsent(AT), mail_unsent(AT)) == (1, 0)

    assert [mail.to for mail in mailoutbox] == [["ada.ek@example.org", "bo.ask@example.org"]]
    assert "AVTAL-1" in mailoutbox[0].subject


def test_an_applicant_is_told_by_its_own_contact_alone(mailoutbox):
    connection = ConnectionFactory(contact_email="bo.ask@example.org")
    customer = CustomerFactory(organisation_number=connection.organisation_number, unit=connection.unit)
    ContactFactory(customer=customer, email="ada.ek@example.org")
    notify_applicant(connection, "CONNECTION_RECEIVED", at=AT)

    mail_unsent(AT)

    assert [mail.to for mail in mailoutbox] == [["bo.ask@example.org"]]


def test_one_that_cannot_be_sent_waits_and_stops_no_other(mailoutbox):
    for email in ("ada.ek@example.org", "bo.ask@example.org"):
        customer = CustomerFactory()
        ContactFactory(customer=customer, email=email)
        notify(customer, "AGREEMENT_SENT", at=AT, agreement="AVTAL-1")
    send = EmailMessage.send

    def refused_for_ada(mail, *args):
        if mail.to == ["ada.ek@example.org"]:
            raise smtplib.SMTPServerDisconnected
        return send(mail, *args)

    with patch.object(EmailMessage, "send", refused_for_ada):
        assert mail_unsent(AT) == 1
    assert mail_unsent(AT + timedelta(minutes=59)) == 0
    assert mail_unsent(AT + timedelta(hours=1)) == 1
    assert [mail.to[0] for mail in mailoutbox] == ["bo.ask@example.org", "ada.ek@example.org"]


def test_however_many_cannot_be_sent_the_others_are(mailoutbox, monkeypatch):
    monkeypatch.setattr("subscriptions.notices.BATCH", 3)
    for email in ("", "", "", "ada.ek@example.org"):  # Django refuses to send to an address with a line break
        customer = ContactFactory(email=email or "bo.ask@example.org\n").customer
        notify(customer, "AGREEMENT_SENT", at=AT, agreement="AVTAL-1")
    later = AT + timedelta(hours=1)

    assert [mail_unsent(at) for at in (AT, AT, AT, later)] == [0, 1, 0, 0]
    assert [mail.to for mail in mailoutbox] == [["ada.ek@example.org"]]
    notify(CustomerFactory(), "AGREEMENT_SENT", at=later, agreement="AVTAL-2")
    assert mail_unsent(later + timedelta(hours=1)) == 1, "the untried first"


def test_a_customer_without_contacts_is_told_in_the_portal_only(mailoutbox):
    notify(CustomerFactory(), "AGREEMENT_SENT", at=AT, agreement="AVTAL-1")

    assert mail_unsent(AT) == 1
    assert mailoutbox == []
