"""What the page of the API says follows from the description, and leaves nothing of it out."""

from pathlib import Path

import pytest
import yaml
from django.conf import settings

from lefi.service import apireference
from lefi.service.apireference import Kind, kind_of

DESCRIPTION = yaml.safe_load(Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, Kind("string")),
        ({"type": "string", "format": "date"}, Kind("date")),
        ({"type": "string", "maxLength": 100}, Kind("string, at most 100 characters")),
        ({"type": "integer", "maximum": 9}, Kind("integer, at most 9")),
        ({"type": "string", "enum": ["xml", "csv"]}, Kind("string: xml, csv")),
        ({"$ref": "#/components/schemas/Order"}, Kind("Order", "Order")),
        ({"allOf": [{"$ref": "#/components/schemas/Order"}], "nullable": True}, Kind("Order or null", "Order")),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Line"}}, Kind("list of Line", "Line")),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, Kind("string or integer")),
        ({}, Kind("any")),
    ],
)
def test_a_value_is_said_in_words(schema, kind):
    assert kind_of(schema) == kind


def test_every_operation_answer_and_shape_of_the_description_is_there():
    reference = apireference.read(DESCRIPTION)

    told = {(one.path, one.method.lower()): one for _, operations in reference.subjects for one in operations}
    assert set(told) == {(path, method) for path, item in DESCRIPTION["paths"].items() for method in item}
    for (path, method), operation in told.items():
        said = DESCRIPTION["paths"][path][method]
        assert [one.status for one in operation.answers] == list(said["responses"])
        assert [one.name for one in operation.parameters] == [one["name"] for one in said.get("parameters", [])]
    assert {one.name for one in reference.shapes} == set(DESCRIPTION["components"]["schemas"])


def test_what_a_value_refers_to_is_on_the_page(client, db):
    page = client.get("/api/v1/docs/").content.decode()

    reference = apireference.read(DESCRIPTION)
    shapes = {value.kind.shape for shape in reference.shapes for value in shape.fields} - {""}
    assert len(shapes) > 10
    assert all(f'id="shape-{shape}"' in page for shape in shapes)
    assert all(f'id="{one.name}"' in page for _, operations in reference.subjects for one in operations)


def test_examples_are_written_as_they_are_sent():
    order = next(
        operation
        for _, operations in apireference.read(DESCRIPTION).subjects
        for operation in operations
        if operation.name == "place_order"
    )

    examples = {body.media_type: body.examples for body in order.bodies if body.examples}
    assert '"typ": "nybestallningBevakning"' in examples["application/json"][0].text
    assert examples["text/csv"][0].text.startswith("typ;personnummer")
    assert order.scopes == ("orders",)
    assert [paragraph.endswith(".") for paragraph in order.text.split("\n\n")] == [True, True]
    assert "\n" not in order.text.replace("\n\n", "")
