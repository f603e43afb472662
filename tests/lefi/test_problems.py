"""Every refusal of the API has one form, a code that is listed, and no word about anybody."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.utils import translation
from rest_framework.exceptions import APIException, ParseError, ValidationError

from lefi.errors import Refused
from lefi.problems import CODES, PROBLEMS, problem, problem_response
from subscriptions.answers import Answer, sentence
from subscriptions.decision import Refusal
from subscriptions.orders.lines import OrderRefused
from tests.factories import ApiClientFactory, StreamFactory, identity_number
from tests.partners import PROBLEM, partner, problem_of, refusal_of

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs" / "errors.md"
NUMBER = identity_number(1)


def body(response) -> str:
    return response.content.decode()


def codes_raised(*modules: str) -> set[str]:
    """The codes that modules raise refusals with, where the code is written out."""
    found = set()
    for module in modules:
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                code = node.exc.args[0]
                if isinstance(code, ast.Constant):
                    found.add(code.value)
    return found


def documented(part: str) -> dict[str, str]:
    """Code to the rest of its row, in the tables of one part of docs/errors.md."""
    (text,) = [text for text in DOCS.read_text(encoding="utf-8").split("\n## ") if text.startswith(part)]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.+) \|$", text, re.MULTILINE))


def test_every_code_that_the_api_s_services_raise_is_listed():
    raised = codes_raised(
        "deliveries/services.py",
        "subscriptions/authentication.py",
        *(str(path) for path in ROOT.glob("subscriptions/api/*.py")),
        *(str(path) for path in ROOT.glob("subscriptions/orders/*.py") if path.name != "mending.py"),  # the portal's
    )

    assert raised
    assert raised <= set(CODES)


def test_every_problem_is_documented_with_its_status():
    said = {code: text.partition(" ")[0] for code, text in documented("Problems").items()}

    assert said == {code: str(found.status) for code, found in PROBLEMS.items()}


def test_every_answer_to_a_line_is_documented():
    assert documented("Answers").keys() == {*Answer, *Refusal} - {Refusal.PROTECTED}


@pytest.mark.parametrize("code", [*Answer, *Refusal])
def test_every_answer_to_a_line_has_a_sentence(code):
    assert str(sentence(code)) != code


def test_a_code_that_is_not_listed_is_not_told():
    assert '"NOT_ALLOWED"' in body(problem("A_CODE_OF_TOMORROW"))


@pytest.mark.parametrize(("language", "words"), [("en", "Row 17."), ("sv", "Rad 17.")])
def test_where_a_file_cannot_be_read_is_said_in_the_reader_s_words(language, words):
    with translation.override(language):
        assert f'"detail": "{words}"' in body(problem_response(OrderRefused("FORM", 17), {}))
        assert "detail" not in body(problem_response(OrderRefused("FORM"), {}))


def test_what_is_repeated_of_a_request_is_masked():
    answers = [
        problem_response(Refused("FORM", f"Row 3 says {NUMBER}."), {}),
        problem_response(ValidationError({NUMBER: [f"{NUMBER} is not a choice."]}), {}),
    ]

    for answer in answers:
        assert NUMBER not in body(answer)
        assert "[masked]" in body(answer)


def test_what_django_and_rest_framework_say_of_a_fault_is_not_repeated():
    for fault in (PermissionDenied(NUMBER), ParseError(NUMBER)):
        assert NUMBER not in body(problem_response(fault, {}))


def test_faults_within_faults_are_named_by_their_path():
    said = body(problem_response(ValidationError({"lines": [{}, {"day": ["Wrong."]}], "other": ["No."]}), {}))

    assert '"field": "lines.1.day"' in said
    assert '"field": "other"' in said


def test_what_is_not_known_is_left_to_the_logs():
    assert problem_response(ZeroDivisionError(), {}) is None
    assert problem_response(APIException(), {}) is None


def test_the_title_follows_the_reader_s_language(client, db):
    english = client.get("/api/v1/streams/", headers={"Accept-Language": "en"}).json()
    swedish = client.get("/api/v1/streams/", headers={"Accept-Language": "sv"}).json()

    assert english["title"] == "A valid access token is needed."
    assert swedish["title"] != english["title"]
    assert swedish["code"] == english["code"]


@pytest.mark.django_db
def test_an_unforeseen_fault_is_a_problem_without_its_details(monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError(f"Something about {NUMBER}")

    stream = StreamFactory(served=True)
    monkeypatch.setattr("subscriptions.orders.placing.receive", fail)
    rows = [{"typ": "nybestallningBevakning", "personnummer": NUMBER, "formaner": ["sjukpenning"]}]

    answer = partner(ApiClientFactory(customer=stream.agreement.customer)).post(
        f"/api/v1/streams/{stream.pk}/orders/", {"rader": rows}, content_type="application/json"
    )

    assert refusal_of(answer) == (500, "INTERNAL")
    assert b"RuntimeError" not in answer.content
    assert NUMBER not in answer.content.decode()
    assert "request_failed" in caplog.text


def test_an_unknown_address_of_the_api_is_a_problem(client, db):
    assert refusal_of(client.get("/api/v1/nothing/")) == (404, "NOT_FOUND")
    assert client.get("/nothing/")["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_a_suspicious_request_is_a_problem(client, monkeypatch):
    def suspect(*_, **__):
        raise SuspiciousOperation(NUMBER)

    monkeypatch.setattr("subscriptions.authentication.PartnerAuthentication.authenticate", suspect)

    answer = client.get("/api/v1/streams/")

    assert refusal_of(answer) == (400, "MALFORMED")
    assert NUMBER not in answer.content.decode()


def test_faults_of_pages_are_pages(client, db):
    client.raise_request_exception = False

    assert client.get("/nothing/", headers={"Accept": PROBLEM})["Content-Type"].startswith("text/html")
    assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 400


def test_the_type_of_a_problem_leads_to_its_explanation(client, db):
    said = problem_of(client.get("/api/v1/streams/"))
    path, _, code = said["type"].partition("#")

    page = client.get(path).content.decode()

    assert f'id="{code}"' in page
    assert said["title"] in page
