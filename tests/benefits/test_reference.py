"""The reference pages: the whole catalogue, in two languages, for everybody, and without a query."""

import re

import pytest
from django.utils.html import escape

from benefits.catalogue import catalogue
from benefits.reference import MOST_HITS, search
from tests.factories import identity_number
from tests.lefi.test_pages import fault_free

SECTIONS = list(catalogue().sections)
LARGEST = 150_000


def get(client, address: str, language: str) -> str:
    return fault_free(client.get(address, headers={"accept-language": language}))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_index_lists_every_section_benefit_and_class(client, db, django_assert_num_queries, language):
    with django_assert_num_queries(0):
        page = get(client, "/reference/", language)
    assert f'lang="{language}"' in page
    for name, section in catalogue().sections.items():
        assert f'href="/reference/{name}/"' in page
        assert escape(section.label_en if language == "en" else section.label_sv) in page
    for code in catalogue().benefits:
        assert f'id="{code}"' in page
    for name in catalogue().classes:
        assert f'id="class-{name}"' in page
    assert len(page.encode()) < LARGEST


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_sections_page_has_an_anchor_for_every_field_and_is_light(
    client, db, django_assert_num_queries, language, name
):
    with django_assert_num_queries(0):
        page = get(client, f"/reference/{name}/", language)
    assert [field.path for field in catalogue().sections[name].walk() if f'id="{field.path}"' not in page] == []
    assert len(page.encode()) < LARGEST


def test_codes_stand_with_their_labels_in_the_readers_language(client, db):
    section = catalogue().sections["generellPersoninformation"]
    labels = section.field("civilstand.id").codes
    swedish, english = (get(client, f"/reference/{section.name}/", language) for language in ("sv", "en"))
    assert labels
    assert all(escape(label.sv) in swedish and escape(label.en) in english for label in labels.values())


def test_a_section_that_is_not_there_is_not_found(client, db):
    assert client.get("/reference/okand/").status_code == 404


def test_the_pages_are_read_only(client, db):
    assert client.post("/reference/").status_code == 405
    assert client.post("/reference/person/").status_code == 405


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sjukpenning", "FK:SJP"),
        ("SJUKPENNING", "FK:SJP"),
        ("foraldrapenning", "FK:FP"),
        ("sickness benefit", "FK:SJP"),
        ("FK:BOB", "FK:BOB"),
        ("bostadsbidragsarende", "bostadsbidragsarende"),
        ("bruttobelopp", "utbetalningsdetalj.bruttobelopp"),
        ("etableringsersättning", "EE"),
    ],
)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_search_finds_benefits_sections_fields_and_codes_in_either_language(text, found, language):
    assert found in [hit.name for hit in search(catalogue(), text, language)]


@pytest.mark.parametrize("text", ["", "   ", "finns inte i katalogen"])
def test_a_search_for_nothing_finds_nothing(text):
    assert search(catalogue(), text, "sv") == []


def test_a_search_for_what_is_everywhere_ends():
    assert len(search(catalogue(), "e", "sv")) == MOST_HITS


def test_every_hit_leads_to_a_place_that_is_there(client, db):
    page = get(client, "/reference/?q=belopp", "sv")
    links = re.findall(r'<li>\s*<a class="anchor"\s+href="(/reference/\w+/)#([^"]+)"', page)
    assert links
    for address, anchor in links[:10]:
        assert f'id="{anchor}"' in get(client, address, "sv")


def test_an_identity_number_is_not_searched_for_and_leaves_the_address(client, db):
    answer = client.get("/reference/", {"q": identity_number(1)})
    assert (answer.status_code, answer.url) == (302, "/reference/")


def test_what_was_searched_for_is_shown_as_text(client, db):
    assert "<script>" not in get(client, "/reference/?q=<script>x", "sv").partition("<main")[2]
