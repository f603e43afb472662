"""The pages where an organisation applies: step by step, left and come back to, and then followed by its token."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from lefi.audit.models import AuditEvent
from subscriptions.connections import answer_applicant, begin_draft, find_draft
from subscriptions.forms.connections import PAGES
from subscriptions.models import Agreement, Connection, ConnectionDraft, ConnectionMessage, LegalBasis
from tests.factories import (
    AT,
    AgreementFactory,
    ConnectionFactory,
    CustomerFactory,
    LegalBasisFactory,
    UserFactory,
    identity_number,
)

URL = "/connect/"
KIND = "socialnamnd"
PEOPLE = {
    "signatory_name": "Eva Al",
    "signatory_email": "eva.al@example.org",
    "contact_name": "Bo Ask",
    "contact_email": "bo.ask@example.org",
    "contact_phone": "070-123 45 67",
    "technical_name": "",
    "technical_email": "",
    "agent_name": "",
    "agent_organisation_number": "",
}
ANSWERS = {
    "organisation": {"organisation_number": "212000-0142", "unit": "SOC", "name": "Socialnämnden i Lillköping"},
    "information": {"parts": ["KOM-SOC|FK:SJP", "KOM-SOC|FK:FP"]},
    "people": PEOPLE,
    "deliveries": {"channel": "portal", "look_back_days": "365", "persons": "120", "message": ""},
    "annexes": {"annex_authority": "Dnr KS 2026/17"},
}
SLUGS = [page.slug for page in PAGES]
pytestmark = pytest.mark.django_db


def begun(client, kind: str = KIND) -> str:
    """Begin an application, and return the address that everything of it is below."""
    return client.post(URL, {"kind": kind}).url.removesuffix(f"{SLUGS[0]}/")


def fill_in(client, draft: str, *slugs: str, **changed) -> None:
    for slug in slugs or SLUGS:
        client.post(f"{draft}{slug}/", ANSWERS[slug] | changed)


def sent(client, **changed) -> str:
    """Apply, and return the address that the application is followed at."""
    draft = begun(client)
    fill_in(client, draft)
    for slug, answers in changed.items():
        client.post(f"{draft}{slug}/", ANSWERS[slug] | answers)
    return client.post(f"{draft}summary/").url


def faults(answer) -> dict[str, list[str]]:
    return dict(answer.context["form"].errors)


@pytest.mark.parametrize(
    ("slug", "field", "written"),
    [
        ("organisation", "organisation_number", ""),
        ("organisation", "organisation_number", "212000-0141"),
        ("organisation", "organisation_number", identity_number(1)),
        ("organisation", "unit", ""),
        ("organisation", "name", ""),
        ("organisation", "name", f"Nämnden {identity_number(1)}"),
        ("people", "signatory_name", f"Eva {identity_number(1)[2:]}"),
        ("people", "signatory_email", "ingen adress"),
        ("people", "contact_email", ""),
        ("people", "contact_phone", identity_number(1)),
        ("people", "agent_organisation_number", "1"),
        ("information", "parts", []),
        ("information", "parts", ["KOM-SOC|FK:NAGOT"]),
        ("information", "parts", ["INS-SAM|FK:SJP"]),
        ("information", "parts", ["OLD-SOL-2001|FK:SJP"]),
        ("deliveries", "look_back_days", "1000"),
        ("deliveries", "look_back_days", "-1"),
        ("deliveries", "persons", "många"),
        ("deliveries", "message", f"Det gäller {identity_number(1)}."),
        ("annexes", "annex_authority", f"Fullmakt {identity_number(1)}"),
    ],
)
def test_a_fault_is_shown_at_its_field_as_soon_as_its_step_is_saved(client, slug, field, written):
    draft = begun(client)

    answer = client.post(f"{draft}{slug}/", ANSWERS[slug] | {field: written})

    assert answer.status_code == 200
    assert set(faults(answer)) == {field}
    kept = ConnectionDraft.objects.get().values
    right = {name for name in ANSWERS[slug] if name != field}
    assert right <= kept.keys() | {"annex_authority"}
    assert identity_number(1) not in str(kept) and identity_number(1)[2:] not in str(kept)


def test_an_agent_without_a_number_is_refused_at_the_number(client):
    draft = begun(client)

    answer = client.post(f"{draft}people/", PEOPLE | {"agent_name": "Ombudet AB"})

    assert set(faults(answer)) == {"agent_organisation_number"}


def test_steps_come_in_order_and_end_in_the_summary(client):
    draft = begun(client)

    led = [client.post(f"{draft}{slug}/", ANSWERS[slug]).url for slug in SLUGS]

    assert led == [f"{draft}{slug}/" for slug in [*SLUGS[1:], "summary"]]


def test_what_has_been_filled_in_is_there_when_one_comes_back(client):
    draft = begun(client)
    fill_in(client, draft)

    pages = {slug: client.get(f"{draft}{slug}/").content.decode() for slug in SLUGS}

    assert 'value="Socialnämnden i Lillköping"' in pages["organisation"]
    assert pages["information"].count("checked") == 2
    assert 'value="bo.ask@example.org"' in pages["people"]
    assert 'value="Dnr KS 2026/17"' in pages["annexes"]


def test_a_draft_can_be_left_and_is_gone_on_with_where_something_is_left_to_do(client):
    draft = begun(client)
    fill_in(client, draft, "organisation")

    left = client.post(f"{draft}information/", {"parts": [], "later": "yes"})

    assert left.url == f"{draft}later/"
    page = client.get(left.url).content.decode()
    assert f"http://testserver{draft}" in page
    assert f"{timezone.localdate() + timedelta(days=30):%Y-%m-%d}" in page
    assert Client().get(draft).url == f"{draft}information/"


def test_who_has_no_address_of_a_draft_finds_none(client):
    begun(client)

    for rest in ("", "organisation/", "summary/", "later/"):
        answer = client.get(f"/connect/draft/{uuid4()}/{rest}")
        assert answer.status_code == 404
        assert "Ansökan finns inte här" in answer.content.decode()


def test_only_the_digest_of_a_drafts_address_is_kept(client):
    token = begun(client).split("/")[3]

    assert token not in str(ConnectionDraft.objects.values().get())
    assert len(ConnectionDraft.objects.get().token_sha256) == 64


def test_a_draft_that_was_not_saved_for_its_days_is_gone():
    token = begin_draft(kind=KIND, at=AT)

    assert find_draft(token, AT + timedelta(days=29)) is not None
    assert find_draft(token, AT + timedelta(days=30)) is None


def test_a_draft_is_thrown_away_by_its_applicant(client):
    draft = begun(client)

    client.post(f"{draft}throw-away/")

    assert not ConnectionDraft.objects.exists()
    assert client.get(draft).status_code == 404


def test_the_address_of_a_draft_is_mailed_to_whom_the_applicant_says(client):
    draft = begun(client)

    client.post(f"{draft}later/", {"email": "bo.ask@example.org"})

    assert [message.to for message in mail.outbox] == [["bo.ask@example.org"]]
    assert f"http://testserver{draft}" in mail.outbox[0].body
    assert "bo.ask" not in str(ConnectionDraft.objects.values().get())


def test_nobody_is_mailed_to_often(client):
    drafts = [begun(client) for _ in range(5)]

    answers = [client.post(f"{draft}later/", {"email": "bo.ask@example.org"}).status_code for draft in drafts]

    assert answers == [302, 302, 302, 429, 429]
    assert len(mail.outbox) == 3


def test_a_mail_that_cannot_be_sent_is_said(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    draft = begun(client)

    page = client.post(f"{draft}later/", {"email": "bo.ask@example.org"}, follow=True).content.decode()

    assert "Brevet kunde inte skickas" in page


def test_the_summary_says_what_is_missing_and_does_not_send_it(client):
    draft = begun(client)
    fill_in(client, draft, "organisation", "people")

    page = client.get(f"{draft}summary/").content.decode()
    answer = client.post(f"{draft}summary/")

    assert "Ansökan är inte fullständig än" in page and "Skicka ansökan" not in page
    assert answer.status_code == 200
    assert not Connection.objects.exists()
    assert ConnectionDraft.objects.exists()


def test_the_summary_shows_all_and_what_will_be_asked_about(client):
    draft = begun(client)
    fill_in(client, draft)
    agent = {"agent_name": "Ombudet AB", "agent_organisation_number": "559000-0021"}
    client.post(f"{draft}people/", PEOPLE | agent)
    client.post(f"{draft}deliveries/", ANSWERS["deliveries"] | {"persons": "5000"})

    page = client.get(f"{draft}summary/").content.decode()

    for said in ("2120000142", "Sjukpenning, Föräldrapenning", "Bo Ask", "Ombudet AB", "Dnr KS 2026/17"):
        assert said in page
    assert "Ska skickas in: Personuppgiftsbiträdesavtal med ombudet" in page
    assert "5000 personer är många att följa i portalen" in page
    assert "Skicka ansökan" in page


def test_nothing_is_told_of_whether_the_organisation_is_a_customer(client):
    known = CustomerFactory(organisation_number="2120000142", unit="SOC", kind=KIND)
    AgreementFactory(customer=known, code="HEMLIG")
    draft = begun(client)
    fill_in(client, draft)

    assert "HEMLIG" not in client.get(f"{draft}summary/").content.decode()


def test_a_draft_that_has_been_sent_is_erased(client):
    sent(client)

    assert not ConnectionDraft.objects.exists()


def test_law_that_has_closed_meanwhile_is_said_in_the_summary(client):
    basis = LegalBasisFactory(code="OPPEN", recipient_kinds=["region"], purpose="oppen")
    draft = begun(client, "region")
    client.post(f"{draft}information/", {"parts": ["OPPEN|FK:SJP"]})
    LegalBasisFactory(code="OPPEN", version=basis.version + 1, recipient_kinds=["kommun"], purpose="oppen")

    page = client.get(f"{draft}summary/").content.decode()

    assert "errorlist" in page.partition("part-information")[2].partition("part-people")[0]


def test_a_second_application_of_the_same_unit_is_refused_at_its_first_step_while_one_waits(client):
    sent(client)

    answer = client.post(f"{begun(client)}organisation/", ANSWERS["organisation"])

    assert set(faults(answer)) == {"organisation_number"}


def test_a_customer_of_another_kind_is_said_above_the_first_step(client):
    LegalBasisFactory(code="OPPEN", recipient_kinds=["region"], purpose="oppen")
    AgreementFactory(customer__organisation_number="2120000142", customer__unit="SOC", customer__kind=KIND)

    answer = client.post(f"{begun(client, 'region')}organisation/", ANSWERS["organisation"])

    assert set(faults(answer)) == {"__all__"}
    assert "av ett annat slag" in answer.content.decode()


def test_the_eleventh_application_within_an_hour_from_an_address_is_stopped(client):
    for place in range(10):
        sent(client, organisation={"unit": f"SOC-{place}"})
    draft = begun(client)
    fill_in(client, draft)

    answer = client.post(f"{draft}summary/")

    assert answer.status_code == 429
    assert "TOO_MANY_REQUESTS" in answer.content.decode()
    assert Connection.objects.count() == 10
    assert client.post(f"{draft}summary/", REMOTE_ADDR="192.0.2.9").status_code == 302


def test_no_more_drafts_are_begun_within_an_hour_from_an_address_than_people_need(client):
    answers = [client.post(URL, {"kind": KIND}).status_code for _ in range(31)]

    assert answers == [302] * 30 + [429]


def test_a_draft_needs_the_forms_token(client):
    draft = begun(client)
    careful = Client(enforce_csrf_checks=True)

    assert careful.post(URL, {"kind": KIND}).status_code == 403
    assert careful.post(f"{draft}organisation/", ANSWERS["organisation"]).status_code == 403


def test_a_step_that_there_is_not_is_not_found(client):
    assert client.get(f"{begun(client)}nagot/").status_code == 404


@pytest.mark.parametrize("kind", ["", "nagot"])
def test_without_a_kind_of_organisation_the_kind_is_asked_for(client, kind):
    page = client.get(URL, {"kind": kind})

    assert set(page.context["form"].fields) == {"kind"}


@pytest.mark.parametrize("kind", ["arbetsgivare", "utbetalningsmyndigheten", "kommun"])
def test_a_kind_that_no_basis_serves_is_told_so_and_begins_nothing(client, kind):
    for page in (client.get(URL, {"kind": kind}), client.post(URL, {"kind": kind})):
        assert page.templates[0].name == "connect/nothing.html"
        assert "/service/recipients/" in page.content.decode()
    assert not ConnectionDraft.objects.exists()


def test_only_bases_that_serve_the_kind_today_are_offered(client):
    LegalBasisFactory(code="KOMMER", recipient_kinds=[KIND], purpose="kommer", valid_from="2099-01-01")
    LegalBasisFactory(code="UTKAST", recipient_kinds=[KIND], status=LegalBasis.Status.DRAFT)
    LegalBasisFactory(code="FORSLAG", recipient_kinds=[KIND], approved_at=None, prepared_by=UserFactory())
    LegalBasisFactory(code="EN-GANG", recipient_kinds=[KIND], service=LegalBasis.Service.ONE_OFF)
    LegalBasisFactory(code="ANDRA", recipient_kinds=["forsakringsbolag"])

    form = client.get(f"{begun(client)}information/").context["form"]
    told = client.get(URL, {"kind": KIND}).context["offers"]

    assert [offer.basis.code for offer in form.offered] == ["KOM-SOC"]
    assert [offer.basis.code for offer in told] == ["KOM-SOC"]


def test_benefits_are_grouped_by_the_owner_of_the_information(client):
    form = client.get(f"{begun(client)}information/").context["form"]

    assert [group.owner for group in form.offered_parts()[0].groups] == ["Försäkringskassan", "Pensionsmyndigheten"]


@pytest.mark.parametrize("rest", ["?kind=socialnamnd", "information/"])
def test_each_citation_leads_to_the_official_text(client, rest):
    page = client.get(f"{URL}{rest}" if "?" in rest else f"{begun(client)}{rest}").content.decode()

    assert 'href="https://rkrattsbaser.gov.se/sfst?bet=2025:400"' in page
    assert "SoL (2025:400) 15 kap. 10 §" in page


def test_a_complete_application_is_taken_and_followed_by_a_random_token(client):
    url = sent(client)

    connection = Connection.objects.get()
    assert url == f"/connect/{connection.token}/"
    assert connection.parts == [{"basis": "KOM-SOC", "benefits": ["FK:SJP", "FK:FP"]}]
    assert connection.annexes == {"authority": "Dnr KS 2026/17"}
    assert (connection.organisation_number, connection.submitted_by) == ("2120000142", None)


def test_who_is_logged_in_stands_as_the_applicant_and_finds_the_application_again(client, member):
    client.force_login(member.user)
    url = sent(client)

    assert Connection.objects.get().submitted_by == member.user
    assert f'href="{url}"' in client.get(URL).content.decode()
    assert f'href="{url}"' not in Client().get(URL).content.decode()


def test_the_status_page_names_no_people(client):
    page = client.get(sent(client)).content.decode()

    assert ANSWERS["organisation"]["name"] in page
    for name in ("signatory_name", "contact_name", "contact_email", "contact_phone"):
        assert PEOPLE[name] not in page


def test_an_unknown_token_leads_nowhere(client):
    assert client.get(f"/connect/{uuid4()}/").status_code == 404
    assert client.post(f"/connect/{uuid4()}/message/", {"text": "Hej"}).status_code == 404


def test_a_refusal_is_shown_with_its_reason_and_what_can_be_done(client, staff):
    connection = ConnectionFactory(
        status="refused", refusal="Uppdraget framgår inte.", examined_at=AT, examined_by=staff
    )

    page = client.get(f"/connect/{connection.token}/").content.decode()

    assert "Uppdraget framgår inte." in page and "Ni kan ansöka på nytt" in page
    assert 'name="text"' not in page


def test_an_application_is_withdrawn_while_it_waits(client):
    url = sent(client)

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


def test_the_applicant_and_the_officer_write_to_one_another(client, staff):
    url = sent(client)

    client.post(f"{url}message/", {"text": "När kan vi börja?\r\nVi har bråttom."})
    answer_applicant(connection=Connection.objects.get(), text="I januari.", by=staff, at=timezone.now())

    page = re.sub(r"\s+", " ", client.get(url).content.decode())
    assert page.index("När kan vi börja?<br>Vi har bråttom.") < page.index("I januari.")
    assert staff.username not in page and staff.last_name not in page


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001, f"Det gäller {identity_number(1)}."])
def test_a_message_that_cannot_be_sent_stays_in_the_form(client, text):
    url = sent(client)

    answer = client.post(f"{url}message/", {"text": text})

    assert set(faults(answer)) == {"text"}
    assert not ConnectionMessage.objects.exists()


def test_so_many_messages_an_hour_are_taken_about_an_application(client):
    url = sent(client)

    answers = [client.post(f"{url}message/", {"text": f"Fråga {n}"}).status_code for n in range(21)]

    assert answers == [302] * 20 + [429]


def test_what_an_applicant_writes_is_shown_as_text(client):
    url = sent(client)

    client.post(f"{url}message/", {"text": "<script>alert(1)</script>"})

    assert "<script>alert" not in client.get(url).content.decode()


def test_nothing_that_was_typed_is_logged_in_words(client):
    url = sent(client)
    client.post(f"{url}message/", {"text": "Eva undrar"})

    said = str(list(AuditEvent.objects.values()))
    assert "Eva" not in said and "Bo Ask" not in said and "example.org" not in said


@pytest.mark.parametrize("url", [URL, f"{URL}?kind={KIND}", f"{URL}?kind=arbetsgivare"])
def test_the_pages_ask_as_few_questions_of_the_database_whatever_is_offered(client, url, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        client.get(url)


@pytest.mark.parametrize("slug", [*SLUGS, "summary"])
def test_a_step_asks_few_questions_of_the_database(client, slug, django_assert_max_num_queries):
    draft = begun(client)
    fill_in(client, draft)

    with django_assert_max_num_queries(12):
        client.get(f"{draft}{slug}/")
