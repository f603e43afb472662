"""Every address of the system, as the resolver knows them: for tests that try them all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

GIVEN: Mapping[str, Any] = {"code": "recipients", "app_label": "deliveries", "content_type_id": 1}


@dataclass(frozen=True, slots=True)
class Door:
    """A pattern: its name with namespaces, its route, and the names of what is filled in."""

    name: str
    route: str
    fields: tuple[str, ...]

    @property
    def in_admin(self) -> bool:
        return self.route.startswith("admin/")

    @property
    def page(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition(":")[2]

    @property
    def model(self) -> str:
        """Whose page it is in the admin: the label of a model; empty for the pages beside the models'."""
        parts = self.route.split("/")
        label = ".".join(parts[1:3])
        return label if self.in_admin and label in _registered() else ""

    def filled(self, row: Any, tokens: Mapping[int, Any]) -> dict[str, Any]:
        """What fills the pattern in: the row's id, the token of a page about it, or what its kind of field is given."""
        return {
            name: tokens[row.pk] if name == "token" else GIVEN.get(name, row.pk if row else 0) for name in self.fields
        }


def _registered() -> set[str]:
    return {model._meta.label_lower for model in admin.site._registry}


def doors() -> list[Door]:
    """All patterns, in the resolver's order; of two with the same route only the first is ever reached."""
    found: dict[str, Door] = {}
    for door in _walk(get_resolver(), "", ""):
        found.setdefault(door.route, door)
    return list(found.values())


def _walk(resolver: URLResolver, route: str, namespace: str) -> Iterator[Door]:
    for one in resolver.url_patterns:
        path = route + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{namespace}{one.namespace}:" if one.namespace else namespace
            yield from _walk(one, path, inner)
        elif isinstance(one, URLPattern):
            names = tuple(one.pattern.regex.groupindex)
            yield Door(f"{namespace}{one.name}" if one.name else "", path, names)
