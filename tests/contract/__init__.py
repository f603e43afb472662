"""What Försäkringskassan's contract says, as schemas and as generated answers that hold to it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from benefits.catalogue import Section, catalogue

HERE = Path(__file__).parent
CONTRACT = json.loads((HERE / "answer.schema.json").read_text(encoding="utf-8"))
EXAMPLES = json.loads((HERE / "answer_examples.json").read_text(encoding="utf-8"))
SECTIONS = [name for name, one in catalogue().sections.items() if one.benefits]


def schema_of(section: Section) -> dict[str, Any]:
    """The contract's schema of one item of a section, with nothing beside its own properties."""
    answer = CONTRACT["$defs"]["LefiExternFormansinformationSvar"]
    holder = _at(answer, section.place) if section.place else answer
    return _closed(_at(holder, section.name)["items"])


def _at(schema: dict[str, Any], name: str) -> dict[str, Any]:
    return _resolved(schema["properties"][name])


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return CONTRACT["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(_resolved(schema))
    if schema.get("type") == "object":
        schema["properties"] = {name: _closed(one) for name, one in schema.get("properties", {}).items()}
        schema["additionalProperties"] = False
    elif schema.get("type") == "array":
        schema["items"] = _closed(schema["items"])
    return schema


@cache
def items_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Items of a section as the contract allows them, with text that an XML document can hold."""
    return _values(schema_of(catalogue().sections[name]))


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, as far as the contract uses schemas."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _KINDS[schema["type"]](schema)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = set(schema.get("required", ()))
    values = {name: _values(one) for name, one in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: one for name, one in values.items() if name in required},
        optional={name: one for name, one in values.items() if name not in required},
    )


def _arrays(schema: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    least = schema.get("minItems", 0)
    return st.lists(_values(schema["items"]), min_size=least, max_size=min(schema.get("maxItems", 2), least + 2))


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], alphabet=XML_TEXT)
    if "format" in schema:
        days = st.dates() if schema["format"] == "date" else st.datetimes()
        return days.map(lambda day: day.isoformat())
    return st.text(XML_TEXT, min_size=schema.get("minLength", 0), max_size=20)


def _integers(schema: dict[str, Any]) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


XML_TEXT = st.characters(
    exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
)
_KINDS = {
    "object": _objects,
    "array": _arrays,
    "string": _strings,
    "integer": _integers,
    "number": lambda schema: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    "boolean": lambda schema: st.booleans(),
}
