"""The registers: made from what holds on the day, with every organisation and no person, in both languages."""

import json
from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.utils import translation

from subscriptions.models import Agreement, LegalBasis
from subscriptions.registers import REGISTERS, as_data, as_markdown, make
from tests.factories import (
    BASIS,
    DAY,
    AgentFactory,
    AgreementFactory,
    ContactFactory,
    CustomerFactory,
    LegalBasisFactory,
    MemberFactory,
    OwnerApprovalFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
FLOWS = ("public-documents", "data-flows")


@pytest.fixture
def served():
    """A stream whose customer is told about sickness benefit."""
    return StreamFactory(served=True, agreement__customer__name="Trygga AB")


def text_of(code, day=DAY):
    return as_markdown(make(code, day=day))


@pytest.mark.parametrize("code", FLOWS)
def test_without_an_agreement_nothing_is_given_to_anybody(code):
    assert "Trygga" not in text_of(code)


@pytest.mark.parametrize("code", FLOWS)
@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("agreement", {"status": Agreement.Status.SENT}),
        ("agreement", {"status": Agreement.Status.ENDED}),
        ("agreement", {"valid_from": date(2027, 1, 1)}),
        ("agreement", {"valid_to": date(2026, 11, 22)}),
        ("customer", {"active": False}),
        ("customer", {"kind": "csn"}),
    ],
)
def test_what_may_not_be_told_on_the_day_is_not_said_to_be_given(served, code, model, values):
    row = served.agreement if model == "agreement" else served.agreement.customer
    type(row).objects.filter(pk=row.pk).update(**values)

    assert "Trygga" not in text_of(code)


@pytest.mark.parametrize("code", FLOWS)
@pytest.mark.parametrize(
    "values",
    [
        {"status": LegalBasis.Status.CLOSED, "valid_to": date(2026, 11, 1)},
        {"status": LegalBasis.Status.DRAFT},
        {"service": LegalBasis.Service.MANUAL},
        {"valid_from": date(2027, 1, 1)},
        {"classes": []},
        {"purpose": "annat"},
    ],
)
def test_a_basis_that_cannot_serve_gives_nothing(code, values):
    basis = LegalBasisFactory(code="TEST-INTE", **values)
    ScopeFactory(agreement__customer__name="Trygga AB", basis=basis, purpose="skadereglering")

    assert "Trygga" not in text_of(code)


def test_a_proposed_scope_gives_nothing():
    ScopeFactory(agreement__customer__name="Trygga AB", approved_at=None)

    assert "Trygga" not in text_of("public-documents")


def test_the_description_says_to_whom_what_on_which_ground_how_and_when(served, settings):
    row = as_data(make("public-documents", day=DAY))["rows"][0]

    assert row["other"].startswith("Trygga AB (556000-0001")
    assert "Test 1 §" in row["ground"]
    assert any("Sjukpenning" in one for one in row["what"])
    assert f"{settings.NIGHT_STARTS:%H:%M}" in row["when"]
    assert row["how"]


def test_the_description_says_what_is_fetched_from_others_too(served):
    rows = as_data(make("public-documents", day=DAY))["rows"]

    assert len([one for one in rows if one["direction"] == rows[-1]["direction"]]) == 2


def test_the_pensions_agencys_data_flow_only_where_it_has_said_yes():
    basis = LegalBasisFactory(owners=["FK", "PM"])
    ScopeFactory(basis=basis, benefits=["FK:SJP", "PM:AP"])
    before = len(as_data(make("data-flows", day=DAY))["rows"])

    OwnerApprovalFactory(basis_code=BASIS, benefit="PM:AP")

    assert (before, len(as_data(make("data-flows", day=DAY))["rows"])) == (1, 2)


def test_a_data_flow_goes_from_source_by_decision_and_document_to_the_recipient(served):
    (row,) = as_data(make("data-flows", day=DAY))["rows"]

    assert row["decision"][0].startswith(f"{BASIS} v1")
    assert row["recipient"].startswith("Trygga AB")
    assert set(row) == {
        *("purpose", "source", "data", "classes", "decision", "conditions", "document", "recipient"),
    }


def test_only_the_field_classes_that_basis_and_agreement_give_together_are_named(served):
    scope = served.agreement.scopes.get()
    ScopeFactory(agreement=served.agreement, version=scope.version + 1, classes=["period", "address"])

    (row,) = as_data(make("data-flows", day=DAY))["rows"]

    assert row["classes"] == ("Period",)


def test_the_register_of_recipients_keeps_those_whose_agreement_has_ended_and_names_agents(served):
    Agreement.objects.filter(pk=served.agreement_id).update(status=Agreement.Status.ENDED)
    AgentFactory(customer=served.agreement.customer, name="Ombudet AB")
    AgentFactory(customer=served.agreement.customer, name="Forna ombudet AB", valid_to=date(2025, 1, 1))
    AgreementFactory(customer__name="Sökande AB", status=Agreement.Status.SENT, approved_at=None)

    (row,) = as_data(make("recipients", day=DAY))["rows"]

    assert row["recipient"].startswith("Trygga AB")
    assert row["agents"] == ("Ombudet AB (5590000021)",)


def test_the_record_of_processing_has_what_article_30_asks_for(served, settings):
    settings.RECORD_OF_PROCESSING = {
        "controller": "Myndigheten",
        "officer": "dso@example.org",
        "time_limits": {"documents": "13 månader"},
    }
    register = as_data(make("processing", day=DAY))

    assert any("Myndigheten" in one for one in register["intro"])
    assert any("dso@example.org" in one for one in register["intro"])
    assert {*register["rows"][0]} == {
        *("purpose", "subjects", "data", "ground", "recipients", "third_countries", "time_limits", "security"),
    }
    assert any("13 månader" in one for one in register["rows"][0]["time_limits"])


def test_a_time_limit_that_nobody_has_decided_is_said_to_be_undecided(served):
    limits = as_data(make("processing", day=DAY))["rows"][0]["time_limits"]

    assert all("SFB 114:15" in one for one in limits)


@pytest.mark.parametrize("code", REGISTERS)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_no_register_names_a_person(code, language, served):
    watch = WatchFactory(stream=served, case_reference="ÄRENDE-4711")
    contact = ContactFactory(customer=served.agreement.customer)
    member = MemberFactory(customer=served.agreement.customer)
    Agreement.objects.update(customer_signatory="Eva Al", fk_signatory="Stina Berg")

    with translation.override(language):
        register = make(code, day=DAY)
        said = as_markdown(register) + json.dumps(as_data(register), ensure_ascii=False)

    known = [watch.ordered_number, "ÄRENDE-4711", contact.name, contact.email, member.user.last_name, "Karin", "Eva Al"]
    assert not [one for one in known if one in said]
    assert "Stina Berg" not in said


@pytest.mark.parametrize("code", REGISTERS)
def test_the_cost_does_not_grow_with_the_agreements(code, django_assert_max_num_queries):
    for _ in range(8):
        StreamFactory(served=True, agreement__customer=CustomerFactory())

    with django_assert_max_num_queries(5):
        make(code, day=DAY)


def test_a_bar_in_a_name_breaks_no_table():
    StreamFactory(served=True, agreement__customer__name="Liv | Sak AB")

    assert "Liv \\| Sak AB" in text_of("recipients")


# Files and pages


def test_the_command_writes_each_register_in_both_languages_and_forms(served, tmp_path):
    call_command("registers", str(tmp_path / "register"), "--day", DAY.isoformat())

    names = {one.name for one in (tmp_path / "register").iterdir()}
    assert names == {
        f"{code}.{language}.{kind}" for code in REGISTERS for language in ["sv", "en"] for kind in ("md", "json")
    }
    assert json.loads((tmp_path / "register" / "recipients.sv.json").read_text())["rows"]


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def test_the_menu_leads_to_the_registers_and_they_to_their_pages_and_files(office, served):
    assert '"/admin/registers/"' in office.get("/admin/").content.decode()
    index = office.get("/admin/registers/").content.decode()
    for code in REGISTERS:
        assert f'"/admin/registers/{code}/"' in index
        page = office.get(f"/admin/registers/{code}/")
        assert (page.status_code, "556000-0001" in page.content.decode()) == (200, code != "processing")
        assert office.get(f"/admin/registers/{code}/file/").json()["code"] == code
        assert office.get(f"/admin/registers/{code}/file/?as=md").content.startswith(b"# ")


def test_an_unknown_register_is_not_found(office):
    assert office.get("/admin/registers/personer/").status_code == 404


@pytest.mark.parametrize("address", ["/admin/registers/", "/admin/registers/recipients/"])
def test_the_registers_need_the_right_to_see_agreements(client, address):
    user = UserFactory(is_staff=True)
    client.force_login(user)

    before = client.get(address).status_code
    user.user_permissions.set(Permission.objects.filter(codename="view_agreement"))

    assert (before, client.get(address).status_code) == (403, 200)
