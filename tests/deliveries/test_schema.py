"""The published schemas: made from the catalogue, current in docs/, public, and without a query."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator
from lxml import etree

from benefits.catalogue import DATA, catalogue
from deliveries.jsonform import current_json_schema
from deliveries.schema import VERSION, current

DOCS = Path(__file__).resolve().parents[2] / "docs" / "schema"
XS = "{http://www.w3.org/2001/XMLSchema}"


def test_the_xsd_is_a_schema_and_says_which_catalogue_it_is_of():
    root = etree.fromstring(current().encode())
    etree.XMLSchema(root)
    assert root.get("version") == f"{VERSION}+{catalogue().version}"


def test_every_section_has_its_type_with_every_field_of_the_catalogue():
    root = etree.fromstring(current().encode())
    for name, section in catalogue().sections.items():
        made = root.find(f"{XS}complexType[@name='sektion-{name}']")
        assert [one.get("name") for one in made.iter(f"{XS}element")] == [field.name for field in section.walk()]


def test_a_list_may_repeat_and_nothing_is_required_of_a_content():
    root = etree.fromstring(current().encode())
    for name, section in catalogue().sections.items():
        made = root.find(f"{XS}complexType[@name='sektion-{name}']")
        for element, field in zip(made.iter(f"{XS}element"), section.walk(), strict=True):
            assert element.get("minOccurs") == "0"
            assert element.get("maxOccurs") == ("unbounded" if field.many else None)


def test_the_json_schema_is_a_schema_with_the_same_fields():
    schema = json.loads(current_json_schema())
    Draft202012Validator.check_schema(schema)
    for name, section in catalogue().sections.items():
        assert [*schema["$defs"][f"sektion-{name}"]["properties"]] == [field.name for field in section.fields]


def test_the_files_in_docs_are_current(tmp_path):
    """If not: python manage.py schemas docs/schema."""
    call_command("schemas", tmp_path, stdout=StringIO())
    for made in tmp_path.iterdir():
        assert (DOCS / made.name).read_text(encoding="utf-8") == made.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("address", "kind", "text"),
    [
        ("/schema/leverans-1.0.xsd", "application/xml; charset=utf-8", current()),
        ("/schema/leverans-1.0.json", "application/schema+json", current_json_schema()),
        ("/schema/catalogue.json", "application/json", DATA.read_text(encoding="utf-8")),
    ],
)
def test_schemas_are_public_and_may_be_kept_for_an_hour(client, db, django_assert_num_queries, address, kind, text):
    with django_assert_num_queries(0):
        answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert set(answer["Cache-Control"].split(", ")) == {"public", "max-age=3600"}
    assert answer.content.decode() == text
    assert client.post(address).status_code == 405


def test_the_addresses_carry_the_version_in_force(client):
    assert client.get(f"/schema/leverans-{VERSION}.xsd").status_code == 200
    assert client.get(f"/schema/leverans-{VERSION}.json").status_code == 200
    assert client.get("/schema/leverans-0.9.xsd").status_code == 404
