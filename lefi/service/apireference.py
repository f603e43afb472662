"""The description of the API as a page shows it: operations by subject, and the shapes of what they take and answer."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is, in words, and the shape that it has, "" if it is plain."""

    words: str
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter, or a field of a shape. `place` is where a parameter stands: path, query or header."""

    name: str
    kind: Kind
    required: bool
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """One form of a request, by its media type."""

    media_type: str
    kind: Kind
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    text: str
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """`scopes` are those of which a token needs each."""

    name: str
    method: str
    path: str
    text: str
    scopes: tuple[str, ...]
    parameters: tuple[Value, ...]
    bodies: tuple[Body, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of an object, or the codes of a set."""

    name: str
    text: str
    fields: tuple[Value, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    subjects: tuple[tuple[str, tuple[Operation, ...]], ...]
    shapes: tuple[Shape, ...]


def read(description: Schema) -> Reference:
    """An OpenAPI 3.0 description as a page shows it."""
    operations = sorted(_operations(description), key=lambda one: one[0])
    return Reference(
        subjects=tuple(
            (subject, tuple(operation for _, operation in found))
            for subject, found in groupby(operations, key=lambda one: one[0])
        ),
        shapes=tuple(_shape(name, schema) for name, schema in description["components"]["schemas"].items()),
    )


def _operations(description: Schema) -> Iterator[tuple[str, Operation]]:
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield (item[method].get("tags") or ["-"])[0], _operation(path, method, item[method])


def _operation(path: str, method: str, said: Schema) -> Operation:
    return Operation(
        name=said["operationId"],
        method=method.upper(),
        path=path,
        text=_flowing(said.get("description", "")),
        scopes=tuple(scope for one in said.get("security", ()) for scopes in one.values() for scope in scopes),
        parameters=tuple(
            Value(one["name"], kind_of(one["schema"]), one.get("required", False), _text(one), one["in"])
            for one in said.get("parameters", ())
        ),
        bodies=_bodies(said.get("requestBody", {})),
        answers=tuple(
            Answer(status, one.get("description", ""), _bodies(one)) for status, one in said["responses"].items()
        ),
    )


def _bodies(holder: Schema) -> tuple[Body, ...]:
    return tuple(
        Body(
            media_type,
            kind_of(said.get("schema", {})),
            tuple(Example(one.get("summary", name), _written(one["value"])) for name, one in _examples(said)),
        )
        for media_type, said in holder.get("content", {}).items()
    )


def _examples(said: Schema) -> Iterator[tuple[str, Schema]]:
    yield from said.get("examples", {}).items()


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _shape(name: str, schema: Schema) -> Shape:
    required = schema.get("required", ())
    return Shape(
        name=name,
        text=_flowing(schema.get("description", "")),
        fields=tuple(
            Value(field, kind_of(said), field in required, _text(said))
            for field, said in schema.get("properties", {}).items()
        ),
        codes=tuple(str(code) for code in schema.get("enum", ())),
    )


def _text(said: Schema) -> str:
    """What a description says of a value; a default is part of it."""
    default = said.get("default", said.get("schema", {}).get("default"))
    return " ".join(filter(None, [_flowing(said.get("description", "")), f"Default: {default}." if default else ""]))


def _flowing(text: str) -> str:
    """The text as prose: a paragraph on each line, and the marks of code left out."""
    paragraphs = (" ".join(one.split()) for one in text.replace("`", "").split("\n\n"))
    return "\n\n".join(paragraphs)


def kind_of(schema: Schema) -> Kind:
    """What a schema of a value says in words, such as "list of OrderLine or null"."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Kind(name, name)
    inner = [kind_of(one) for one in (schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf") or ())]
    if schema.get("type") == "array":
        element = kind_of(schema.get("items", {}))
        kind = Kind(f"list of {element.words}", element.shape)
    elif inner:
        kind = Kind(" or ".join(one.words for one in inner), next((one.shape for one in inner if one.shape), ""))
    else:
        kind = Kind(_plain(schema))
    return Kind(f"{kind.words} or null", kind.shape) if schema.get("nullable") else kind


def _plain(schema: Schema) -> str:
    words = schema.get("format") or schema.get("type") or "any"
    if "enum" in schema:
        words += ": " + ", ".join(str(code) for code in schema["enum"])
    if "maxLength" in schema:
        words += f", at most {schema['maxLength']} characters"
    if "maximum" in schema:
        words += f", at most {schema['maximum']}"
    return words
