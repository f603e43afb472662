"""The agreement as a document: what it says, and that it is kept as it was."""

from datetime import date

import pytest
from django.utils import translation

from subscriptions import agreementtext
from subscriptions.models import Agreement
from tests.factories import (
    AT,
    AgentFactory,
    AgreementFactory,
    ConnectionFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def agreement():
    agreement = AgreementFactory(code="AVTAL-7", customer__organisation_number="5560000001", customer__unit="SKADE")
    ScopeFactory(agreement=agreement, benefits=["FK:SJP", "PM:AP"], classes=["period", "amount"])
    return agreement


def annexes(agreement: Agreement) -> dict[str, agreementtext.Annex]:
    return {annex.title.partition(". ")[2]: annex for annex in agreementtext.document(agreement).annexes}


@pytest.mark.parametrize("text", ["", "{}", "ett avtal", '{"title": "t", "parties": [{}]}'])
def test_a_text_that_is_no_document_is_not_read(text):
    with pytest.raises((ValueError, KeyError, TypeError)):
        agreementtext.read(text)


def test_a_document_that_was_kept_is_read_as_it_was(agreement):
    made = agreementtext.document(agreement)

    assert agreementtext.read(agreementtext.written(made)) == made


def test_the_same_agreement_gives_the_same_text_whatever_language_is_read(agreement):
    texts = set()
    for language in ("sv", "en"):
        with translation.override(language):
            texts.add(agreementtext.written(agreementtext.document(Agreement.objects.get(pk=agreement.pk))))

    assert len({agreementtext.digest(text) for text in texts}) == 1


def test_a_change_of_what_is_covered_changes_the_text(agreement):
    before = agreementtext.written(agreementtext.document(agreement))
    ScopeFactory(agreement=agreement, version=2, look_back_days=1)

    assert agreementtext.written(agreementtext.document(agreement)) != before


def test_the_parties_stand_with_their_numbers(agreement):
    AgentFactory(customer=agreement.customer, name="Ombudet AB", organisation_number="5590000021")

    parties = agreementtext.document(agreement).parties

    assert [(one.role, one.number) for one in parties] == [
        ("Uppgiftslämnare", "202100-5521"),
        ("Kund", "556000-0001, enhet SKADE"),
        ("Kundens ombud", "559000-0021"),
    ]


def test_an_agent_that_has_ended_before_it_begins_is_no_party(agreement):
    AgentFactory(customer=agreement.customer, valid_from=date(2020, 1, 1), valid_to=date(2020, 12, 31))

    assert len(agreementtext.document(agreement).parties) == 2


def test_each_purpose_stands_with_its_basis_and_citations(agreement):
    [row] = annexes(agreement)["Ändamål och rättslig grund"].rows

    assert row == ("Skadereglering", "TEST-SKADE Skadereglering", "Test 1 §", "–")


def test_what_a_basis_asks_of_the_customer_stands_there(agreement):
    ScopeFactory(agreement=agreement, basis=None, purpose="socialtjanst", basis_code="KOM-SOC")

    demands = {row[0]: row[3] for row in annexes(agreement)["Ändamål och rättslig grund"].rows}

    assert demands["Socialtjänst"] == "ärende, bekräftas på nytt inom 365 dagar"


def test_benefits_stand_by_their_owners_with_the_fields_and_the_look_back(agreement):
    rows = annexes(agreement)["Omfattning för ändamålet Skadereglering"].rows

    assert rows == (
        ("Förmåner från Försäkringskassan", "Sjukpenning"),
        ("Förmåner från Pensionsmyndigheten", "Allmän pension, Pensionsmyndigheten"),
        ("Uppgifter om varje förmån", "Period, Belopp"),
        ("Längst bakåt i tiden", "730 dagar"),
    )


def test_an_agreement_in_force_says_nothing_of_a_widening_that_waits(agreement):
    author = UserFactory()
    before = agreementtext.document(agreement)
    ScopeFactory(
        agreement=agreement, version=2, benefits=["FK:US"], approved_at=None, prepared_by=author, prepared_at=AT
    )

    assert agreementtext.document(agreement) == before


def test_one_that_is_not_yet_in_force_says_what_is_proposed():
    author = UserFactory()
    proposal = {"approved_at": None, "prepared_by": author, "prepared_at": AT}
    agreement = AgreementFactory(status=Agreement.Status.EXAMINED, **proposal)
    ScopeFactory(agreement=agreement, **proposal)

    assert "Omfattning för ändamålet Skadereglering" in annexes(agreement)


@pytest.mark.parametrize("channel", ["api", "portal"])
def test_the_channel_is_the_one_applied_for_or_that_of_the_streams(agreement, channel):
    if channel == "api":
        ConnectionFactory(
            status="accepted", agreement=agreement, examined_at=AT, examined_by=UserFactory(), channel=channel
        )
    else:
        StreamFactory(agreement=agreement, channel=channel)

    assert annexes(agreement)["Kanal och servicenivå"].rows[0] == ("Kanal", {"api": "API", "portal": "Portal"}[channel])


def test_the_period_stands_in_the_text(agreement):
    agreement.valid_to = date(2027, 12, 31)

    texts = " ".join(one.text for one in agreementtext.document(agreement).paragraphs)

    assert "från och med 2024-01-01 till och med 2027-12-31" in texts
    assert "{" not in texts
