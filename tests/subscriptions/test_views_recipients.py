"""Who can connect, told to everybody: the open bases of the day and no others, as the data say."""

import pytest

from subscriptions.models import LegalBasis
from tests.factories import LegalBasisFactory, UserFactory

pytestmark = pytest.mark.django_db
URL = "/service/recipients/"


def shown(client) -> dict[str, list[str]]:
    """The kinds that each basis is said to be open to."""
    return {offer.basis.code: kinds for offer, kinds in client.get(URL).context["offers"]}


def test_the_bases_that_serve_somebody_today_are_shown_and_no_others(client):
    before = shown(client)
    LegalBasisFactory(code="OPPEN", recipient_kinds=["kommun", "region"])
    LegalBasisFactory(code="KOMMER", valid_from="2099-01-01")
    LegalBasisFactory(code="UTKAST", status=LegalBasis.Status.DRAFT)
    LegalBasisFactory(code="FORSLAG", approved_at=None, prepared_by=UserFactory())
    LegalBasisFactory(code="EN-GANG", service=LegalBasis.Service.ONE_OFF)

    assert set(before) == {"INS-SAM", "KOM-SOC"}
    assert shown(client) == before | {"OPPEN": ["kommun", "region"]}


def test_a_basis_says_its_law_what_is_told_and_what_it_asks_for(client):
    LegalBasisFactory(
        code="OPPEN",
        recipient_kinds=["kommun"],
        citations=["SoL (2025:400) 15 kap. 10 §"],
        consent_needed=True,
        fee=True,
        classes=["period"],
        agreement_classes=["amount"],
    )

    page = client.get(URL).content.decode()

    for said in ("Samtycke från varje person", "En avgift kan tas ut", "Period, Belopp"):
        assert said in page
    assert 'href="https://rkrattsbaser.gov.se/sfst?bet=2025:400"' in page
    assert 'href="/connect/?kind=kommun"' in page


def test_kinds_are_in_the_order_of_their_names(client):
    LegalBasisFactory(code="OPPEN", recipient_kinds=["skatteverket", "csn", "polisen"])

    kinds = [kind for kind, _bases in client.get(URL).context["kinds"]]

    assert kinds.index("csn") < kinds.index("polisen") < kinds.index("skatteverket")


def test_the_page_asks_one_question_however_many_bases_there_are(client, django_assert_max_num_queries):
    for place in range(20):
        LegalBasisFactory(code=f"OPPEN-{place}", recipient_kinds=["kommun"])

    with django_assert_max_num_queries(2):
        client.get(URL)
