"""The pages where an organisation applies: what is refused and shown where, what is offered, and how it is followed."""

from uuid import uuid4

import pytest
from django.test import Client

from lefi.audit.models import AuditEvent
from subscriptions.models import Agreement, Connection, LegalBasis
from tests.factories import AT, AgreementFactory, ConnectionFactory, LegalBasisFactory, UserFactory, identity_number

URL = "/connect/"
KIND = "socialnamnd"
ANSWERS = {
    "kind": KIND,
    "organisation_number": "212000-0142",
    "unit": "SOC",
    "name": "Socialnämnden i Lillköping",
    "signatory_name": "Eva Al",
    "signatory_email": "eva.al@example.org",
    "contact_name": "Bo Ask",
    "contact_email": "bo.ask@example.org",
    "contact_phone": "070-123 45 67",
    "technical_name": "",
    "technical_email": "",
    "agent_name": "",
    "agent_organisation_number": "",
    "parts": ["KOM-SOC|FK:SJP", "KOM-SOC|FK:FP"],
    "channel": "portal",
    "look_back_days": "365",
    "persons": "120",
    "message": "",
}
pytestmark = pytest.mark.django_db


def faults(answer) -> dict[str, list[str]]:
    return dict(answer.context["form"].errors)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("organisation_number", ""),
        ("organisation_number", "212000-0141"),
        ("organisation_number", identity_number(1)),
        ("unit", ""),
        ("name", ""),
        ("name", f"Nämnden {identity_number(1)}"),
        ("signatory_name", f"Eva {identity_number(1)[2:]}"),
        ("signatory_email", "ingen adress"),
        ("contact_email", ""),
        ("contact_phone", identity_number(1)),
        ("agent_organisation_number", "1"),
        ("parts", []),
        ("parts", ["KOM-SOC|FK:NAGOT"]),
        ("parts", ["INS-SAM|FK:SJP"]),
        ("parts", ["OLD-SOL-2001|FK:SJP"]),
        ("look_back_days", "1000"),
        ("look_back_days", "-1"),
        ("persons", "många"),
        ("message", f"Det gäller {identity_number(1)}."),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_typed_is_lost(client, field, written):
    answer = client.post(URL, ANSWERS | {field: written})

    assert answer.status_code == 200
    assert set(faults(answer)) == {field}
    page = answer.content.decode()
    assert 'value="Socialnämnden i Lillköping"' in page or field == "name"
    assert page.count("checked") == (0 if field == "parts" else 2)
    assert not Connection.objects.exists()


def test_an_agent_without_a_number_is_refused_at_the_number(client):
    assert set(faults(client.post(URL, ANSWERS | {"agent_name": "Ombudet AB"}))) == {"agent_organisation_number"}


def test_a_second_application_of_the_same_unit_is_refused_while_one_waits(client):
    client.post(URL, ANSWERS)

    assert set(faults(client.post(URL, ANSWERS))) == {"organisation_number"}
    assert Connection.objects.count() == 1


def test_the_eleventh_application_within_an_hour_from_an_address_is_stopped(client):
    for place in range(10):
        client.post(URL, ANSWERS | {"unit": f"SOC-{place}"})

    answer = client.post(URL, ANSWERS | {"unit": "SOC-10"})

    assert answer.status_code == 429
    assert "TOO_MANY_REQUESTS" in answer.content.decode()
    assert Connection.objects.count() == 10
    assert client.post(URL, ANSWERS, REMOTE_ADDR="192.0.2.9").status_code == 302


def test_an_application_needs_the_forms_token():
    assert Client(enforce_csrf_checks=True).post(URL, ANSWERS).status_code == 403


@pytest.mark.parametrize("kind", ["", "nagot"])
def test_without_a_kind_of_organisation_the_kind_is_asked_for(client, kind):
    page = client.get(URL, {"kind": kind})

    assert set(page.context["form"].fields) == {"kind"}


@pytest.mark.parametrize("kind", ["arbetsgivare", "utbetalningsmyndigheten", "kommun"])
def test_a_kind_that_no_basis_serves_is_told_so(client, kind):
    page = client.get(URL, {"kind": kind})

    assert page.templates[0].name == "connect/nothing.html"


def test_only_bases_that_serve_the_kind_today_are_offered(client):
    LegalBasisFactory(code="KOMMER", recipient_kinds=[KIND], purpose="kommer", valid_from="2099-01-01")
    LegalBasisFactory(code="UTKAST", recipient_kinds=[KIND], status=LegalBasis.Status.DRAFT)
    LegalBasisFactory(code="FORSLAG", recipient_kinds=[KIND], approved_at=None, prepared_by=UserFactory())
    LegalBasisFactory(code="EN-GANG", recipient_kinds=[KIND], service=LegalBasis.Service.ONE_OFF)
    LegalBasisFactory(code="ANDRA", recipient_kinds=["forsakringsbolag"])

    form = client.get(URL, {"kind": KIND}).context["form"]

    assert [offer.basis.code for offer in form.offered] == ["KOM-SOC"]


def test_benefits_are_grouped_by_the_owner_of_the_information(client):
    form = client.get(URL, {"kind": KIND}).context["form"]

    assert [group.owner for group in form.offered_parts()[0].groups] == ["Försäkringskassan", "Pensionsmyndigheten"]


def test_each_citation_leads_to_the_official_text(client):
    page = client.get(URL, {"kind": KIND}).content.decode()

    assert 'href="https://rkrattsbaser.gov.se/sfst?bet=2025:400"' in page
    assert "SoL (2025:400) 15 kap. 10 §" in page


def test_a_complete_application_is_taken_and_followed_by_a_random_token(client):
    answer = client.post(URL, ANSWERS)

    connection = Connection.objects.get()
    assert answer.url == f"/connect/{connection.token}/"
    assert connection.parts == [{"basis": "KOM-SOC", "benefits": ["FK:SJP", "FK:FP"]}]
    assert (connection.organisation_number, connection.submitted_by) == ("2120000142", None)


def test_who_is_logged_in_stands_as_the_applicant(client, member):
    client.force_login(member.user)

    client.post(URL, ANSWERS)

    assert Connection.objects.get().submitted_by == member.user


def test_the_status_page_names_no_people(client):
    page = client.get(client.post(URL, ANSWERS).url).content.decode()

    assert ANSWERS["name"] in page
    for name in ("signatory_name", "contact_name", "contact_email", "contact_phone"):
        assert ANSWERS[name] not in page


def test_an_unknown_token_leads_nowhere(client):
    assert client.get(f"/connect/{uuid4()}/").status_code == 404


def test_a_refusal_is_shown_with_its_reason(client, staff):
    connection = ConnectionFactory(
        status="refused", refusal="Uppdraget framgår inte.", examined_at=AT, examined_by=staff
    )

    assert "Uppdraget framgår inte." in client.get(f"/connect/{connection.token}/").content.decode()


def test_an_application_is_withdrawn_while_it_waits(client):
    url = client.post(URL, ANSWERS).url

    client.post(f"{url}withdraw/")

    assert Connection.objects.get().status == Connection.Status.WITHDRAWN
    assert "withdraw" not in client.get(url).content.decode()


def test_one_that_has_been_examined_is_not_withdrawn_any_more(client, staff):
    agreement = AgreementFactory(status=Agreement.Status.SENT)
    connection = ConnectionFactory(status="accepted", agreement=agreement, examined_at=AT, examined_by=staff)

    page = client.post(f"/connect/{connection.token}/withdraw/", follow=True).content.decode()

    connection.refresh_from_db()
    assert connection.status == Connection.Status.ACCEPTED
    assert "message-box--error" in page


def test_nothing_that_was_typed_is_logged_in_words(client):
    client.post(URL, ANSWERS)

    said = str(list(AuditEvent.objects.values()))
    assert "Eva" not in said and "Bo Ask" not in said and "example.org" not in said


@pytest.mark.parametrize("url", [URL, f"{URL}?kind={KIND}", f"{URL}?kind=arbetsgivare"])
def test_the_pages_ask_as_few_questions_of_the_database_whatever_is_offered(client, url, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        client.get(url)
