"""The API's doors to consents: what is registered and withdrawn, whose they are; nobody is told who is known."""

import json

import pytest
from django.utils import timezone

from lefi.audit.models import AuditEvent
from subscriptions.models import Consent, Watch
from tests.factories import (
    BENEFIT,
    PURPOSE,
    ApiClientFactory,
    ConsentFactory,
    LegalBasisFactory,
    PersonFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)
from tests.partners import partner, problem_of, refusal_of

CONSENTS = "/api/v1/consents/"
FILE = "/api/v1/consents/file/"
NUMBER = identity_number(1)
HEADER = "personnummer;andamal;formaner;uppgiftsklasser;giltigt fran;lamnat den;underlag\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream():
    basis = LegalBasisFactory(code="TEST-SAMT", consent_needed=True)
    return StreamFactory(agreement=ScopeFactory(basis=basis).agreement)


@pytest.fixture
def api_client(stream):
    return ApiClientFactory(customer=stream.agreement.customer)


@pytest.fixture
def api(api_client):
    return partner(api_client, scope="consents")


def values(**changes) -> dict:
    today = timezone.localdate().isoformat()
    return {
        "identity_number": NUMBER,
        "purpose": PURPOSE,
        "benefits": ["sjukpenning"],
        "classes": ["period"],
        "valid_from": today,
        "given_on": today,
        "evidence": "F 17",
    } | changes


def post(api, **changes):
    return api.post(CONSENTS, values(**changes), content_type="application/json")


def line(number: str = NUMBER, evidence: str = "F 17") -> str:
    today = timezone.localdate().isoformat()
    return f"{number};{PURPOSE};sjukpenning;period extent;{today};{today};{evidence}\n"


def post_file(api, body: str | bytes, content_type: str = "text/csv"):
    return api.post(FILE, body, content_type=content_type)


def theirs(stream, **fields) -> Consent:
    return ConsentFactory(customer=stream.agreement.customer, **fields)


def test_a_token_for_orders_opens_no_consents(api_client):
    assert refusal_of(post(partner(api_client))) == (403, "SCOPE_MISSING")


def test_what_is_wrong_with_a_consent_is_said_by_field_and_code(api):
    problem = problem_of(post(api, identity_number="195001010000"))

    (error,) = problem["errors"]
    assert (problem["status"], problem["code"]) == (400, "INVALID")
    assert (error["field"], error["code"]) == ("identity_number", "NUMBER_INVALID")
    assert "1950" not in json.dumps(problem)


@pytest.mark.parametrize("missing", ["identity_number", "valid_from", "evidence"])
def test_a_consent_that_lacks_a_field_is_refused(api, missing):
    said = {name: value for name, value in values().items() if name != missing}

    problem = problem_of(api.post(CONSENTS, said, content_type="application/json"))

    assert problem["errors"][0]["field"] == missing


def test_a_consent_is_registered_once_and_its_answer_holds_no_number(api, stream, api_client):
    first, again = post(api), post(api)

    assert (first.status_code, again.status_code) == (201, 200)
    said = first.json()
    assert again.json() == said
    assert NUMBER not in first.content.decode()
    assert (said["benefits"], said["state"], said["giver"]) == ([BENEFIT], "IN_FORCE", "self")
    consent = Consent.objects.get()
    assert (consent.customer, consent.channel) == (stream.agreement.customer, "api")
    assert AuditEvent.objects.get().client == api_client.application.client_id
    assert api.get(first["Location"]).json() == said


def test_nobody_can_tell_from_an_answer_whether_a_person_is_known(api):
    known = PersonFactory()

    said = [post(api, identity_number=number).json() for number in (known.first_number, identity_number(999_0))]

    for one in said:
        one.pop("id"), one.pop("registered_at")
    assert said[0] == said[1]


def test_a_minors_consent_waits(api):
    assert post(api, giver="guardian").json()["state"] == "WAITING"


def test_a_withdrawal_ends_what_rested_on_the_consent_and_may_be_repeated(api, stream):
    watch = WatchFactory(stream=stream)
    consent = theirs(stream, person=watch.person)
    url = f"{CONSENTS}{consent.pk}/withdrawal/"

    first, again = api.post(url), api.post(url)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["state"] == "WITHDRAWN"
    assert not Watch.objects.open().exists()


def test_another_customers_consents_do_not_exist_here(api):
    other = ConsentFactory()

    assert refusal_of(api.get(f"{CONSENTS}{other.pk}/")) == (404, "NOT_FOUND")
    assert refusal_of(api.post(f"{CONSENTS}{other.pk}/withdrawal/")) == (404, "NOT_FOUND")
    other.refresh_from_db()
    assert other.withdrawn_at is None


def test_a_client_let_to_some_streams_speaks_of_their_purposes_alone(stream):
    second = StreamFactory(agreement=stream.agreement, purpose="annat")
    client = ApiClientFactory(customer=stream.agreement.customer, all_streams=False)
    client.streams.add(second)
    api = partner(client, scope="consents")
    hers = theirs(stream)

    assert problem_of(post(api))["errors"][0]["code"] == "CONSENT_NOT_ASKED_FOR"
    assert refusal_of(api.get(f"{CONSENTS}{hers.pk}/")) == (404, "NOT_FOUND")
    assert post_file(api, HEADER + line()).json()["answers"] == {"CONSENT_NOT_ASKED_FOR": 1}


@pytest.mark.parametrize(
    ("body", "content_type", "refused"),
    [
        (b"", "text/csv", (400, "FILE_FORM")),
        (HEADER, "text/csv", (400, "FILE_FORM")),
        (b"\xff\xfe", "text/csv", (400, "FILE_FORM")),
        (HEADER + "x\n" * 10_001, "text/csv", (413, "FILE_TOO_LONG")),
        ("{}", "application/json", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(api, body, content_type, refused):
    assert refusal_of(post_file(api, body, content_type)) == refused
    assert not Consent.objects.exists()


def test_a_file_is_answered_line_by_line_without_identity_numbers(api, stream):
    body = HEADER + line() + line(number="195001010000", evidence="F 18") + line()

    answer = post_file(api, body)

    said = answer.json()
    assert answer.status_code == 200
    assert said["answers"] == {"REGISTERED": 1, "NUMBER_INVALID": 1, "ALREADY_REGISTERED": 1}
    pk = Consent.objects.get(channel="file").pk
    assert [(one["line"], one["consent"]) for one in said["lines"]] == [(1, pk), (2, None), (3, pk)]
    assert said["lines"][1]["sentence"] == "The identity number is not valid."
    assert NUMBER not in answer.content.decode()


def test_the_customer_s_consents_are_listed_newest_first_and_without_numbers(api, stream):
    first, second = theirs(stream), theirs(stream)
    ConsentFactory()

    answer = api.get(CONSENTS)

    assert [one["id"] for one in answer.json()["results"]] == [second.pk, first.pk]
    assert answer.json()["results"][1] == api.get(f"{CONSENTS}{first.pk}/").json()
    assert first.person.first_number not in answer.content.decode()


def test_the_list_of_consents_is_narrowed_by_evidence_and_read_page_by_page(api, stream):
    kept = theirs(stream, evidence="F 17")
    theirs(stream, evidence="F 18"), theirs(stream, evidence="F 19")

    first = api.get(CONSENTS, {"limit": 2}).json()

    assert [one["evidence"] for one in first["results"]] == ["F 19", "F 18"]
    assert [one["id"] for one in api.get(first["next"]).json()["results"]] == [kept.pk]
    assert [one["id"] for one in api.get(CONSENTS, {"evidence": "F 17"}).json()["results"]] == [kept.pk]


def test_a_client_let_to_some_streams_lists_the_consents_of_their_purposes_alone(stream):
    client = ApiClientFactory(customer=stream.agreement.customer, all_streams=False)
    theirs(stream)

    assert partner(client, scope="consents").get(CONSENTS).json()["results"] == []


def test_the_list_of_consents_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_num_queries):
    for _ in range(5):
        theirs(stream)

    with django_assert_num_queries(4):
        assert len(api.get(CONSENTS).json()["results"]) == 5
