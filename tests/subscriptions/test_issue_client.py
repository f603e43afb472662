"""Letting a customer's system in from the command line."""

import base64
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from oauth2_provider.models import Application

from lefi.audit.models import Action, AuditEvent
from subscriptions.models import ApiClient, Stream
from tests.factories import CustomerFactory, StreamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return CustomerFactory(organisation_number="5560000001", unit="SKADA")


@pytest.fixture(autouse=True)
def asker(db):
    """One of the staff who lets systems in."""
    user = UserFactory(username="stina.berg", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="add_apiclient"))
    return user


def issue(*args: str, by: str = "stina.berg", reason: str = "Beslut 12") -> dict[str, str]:
    """What is printed, by name."""
    out = StringIO()
    call_command("issue_client", *args, "--by", by, "--reason", reason, stdout=out)
    return dict(line.split() for line in out.getvalue().splitlines()[:2])


def test_the_printed_secret_gets_a_token_and_is_stored_only_as_a_hash(customer):
    printed = issue("556000-0001", "Skadesystemet", "--unit", "SKADA")

    basic = base64.b64encode(f"{printed['client_id']}:{printed['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "orders"}
    answer = Client(headers={"Authorization": f"Basic {basic}"}).post("/oauth/token/", form)

    assert answer.json()["scope"] == "orders"
    assert Application.objects.get().client_secret != printed["client_secret"]
    client = ApiClient.objects.get()
    assert (client.customer, client.all_streams) == (customer, True)


def test_a_client_may_be_let_to_named_streams_alone(customer):
    stream = StreamFactory(agreement__customer=customer)

    issue("5560000001", "Skadesystemet", "--unit", "SKADA", "--stream", str(stream.pk))

    client = ApiClient.objects.get()
    assert (list(client.streams.all()), client.all_streams) == ([stream], False)


def test_who_issued_a_client_and_why_is_logged(customer, asker):
    issue("5560000001", "Skadesystemet", "--unit", "SKADA")

    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.reason) == (Action.CREATE, asker, "Beslut 12")
    assert (event.object_id, event.client) == (str(ApiClient.objects.get().pk), "")


@pytest.mark.parametrize("who", ["nobody", "without the right", "not of the staff", "closed"])
def test_only_staff_with_the_right_to_add_systems_issue_a_client(customer, who):
    user = UserFactory(username="olle.ek", is_staff=who != "not of the staff", is_active=who != "closed")
    if who != "without the right":
        user.user_permissions.add(Permission.objects.get(codename="add_apiclient"))

    with pytest.raises(CommandError, match="--by"):
        issue("5560000001", "Skadesystemet", "--unit", "SKADA", by="ingen" if who == "nobody" else "olle.ek")
    assert not Application.objects.exists()


@pytest.mark.parametrize("reason", [" ", "Gäller 19641230-2384"])
def test_no_client_is_issued_without_a_reason_that_names_nobody(customer, reason):
    with pytest.raises(CommandError, match="--reason"):
        issue("5560000001", "Skadesystemet", "--unit", "SKADA", reason=reason)
    assert not Application.objects.exists()


def test_a_stream_of_another_customer_or_of_the_portal_is_refused(customer):
    foreign = StreamFactory()
    portal = StreamFactory(agreement__customer=customer, channel=Stream.Channel.PORTAL)

    for stream in (foreign, portal):
        with pytest.raises(CommandError):
            issue("5560000001", "Skadesystemet", "--unit", "SKADA", "--stream", str(stream.pk))
    assert not Application.objects.exists()


@pytest.mark.parametrize("number", ["5560000001", "55600000", "5599999990"])
def test_a_customer_that_is_not_known_gets_no_client(customer, number):
    with pytest.raises(CommandError):
        issue(number, "Skadesystemet")
