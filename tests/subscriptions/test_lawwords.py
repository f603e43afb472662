"""What codes are called, and where citations are read."""

import pytest

from subscriptions.lawwords import citation_url, purpose_name, recipient_kind_name
from tests.subscriptions.test_legal_bases import DATA


@pytest.mark.parametrize(
    ("citation", "number"),
    [
        ("SFB (2010:110) 110 kap. 39 § 1", "2010:110"),
        ("SFB (2010:110) 114 kap. 24 § (före 2024-02-15)", "2010:110"),
        ("Förordning (1980:995) 3 § andra stycket", "1980:995"),
        ("Skatteförfarandeförordning (2011:1261) 19 kap. 4 §", "2011:1261"),
    ],
)
def test_a_citation_leads_to_the_official_text(citation, number):
    assert citation_url(citation) == f"https://rkrattsbaser.gov.se/sfst?bet={number}"


@pytest.mark.parametrize("citation", ["", "Test 1 §", "Dataskyddsförordningen artikel 19", "(2024-02-15)", "2010:110"])
def test_what_has_no_number_of_a_statute_leads_nowhere(citation):
    assert citation_url(citation) is None


def test_every_citation_of_every_basis_leads_to_the_official_text():
    assert not [one for basis in DATA["bases"] for one in basis["citations"] if not citation_url(one)]


def test_an_unknown_code_is_called_by_its_code():
    assert (purpose_name("nytt"), recipient_kind_name("ny")) == ("nytt", "ny")
