"""Which way imports run: deliveries → subscriptions → benefits → the ground floor, and inside an app
edges → services → models → pure modules.

A module that this file does not name is one of the "others": it stands with the services, above the models.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("benefits", "subscriptions", "deliveries")  # each may import those before it
COMPOSITION = ("lefi.settings", "lefi.urls", "lefi.celery", "lefi.wsgi")
EDGES = ("admin", "api", "authentication", "forms", "management", "tasks", "templatetags", "urls", "views")
FOR_EDGES = ("forms", "authentication", "tasks")  # parts of an edge, that the others may use
PURE = (
    "benefits.catalogue",
    "benefits.content",
    "benefits.differences",
    "benefits.fields",
    "benefits.identity",
    "benefits.importfile",
    "benefits.presentation",
    "benefits.reference",
    "benefits.sentences",
    "benefits.synthetic",
    "benefits.timeline",
    "deliveries.changes",
    "deliveries.claims",
    "deliveries.document",
    "deliveries.fragments",
    "deliveries.jsonform",
    "deliveries.jws",
    "deliveries.reading",
    "deliveries.schema",
    "deliveries.schemadiff",
    "deliveries.tableform",
    "lefi.charts",
    "lefi.errors",
    "lefi.masking",
    "lefi.sheets",
    "subscriptions.consentfile",
    "subscriptions.decision",
    "subscriptions.disclosable",
    "subscriptions.lawwords",
    "subscriptions.orders.jsonfile",
    "subscriptions.orders.lines",
    "subscriptions.orders.schema",
    "subscriptions.orders.tablefile",
    "subscriptions.orders.workbook",
    "subscriptions.orders.xmlfile",
)
FRAMEWORKS = ("celery", "django", "rest_framework", "oauth2_provider", "allauth")
NO_ROOMS = ("signals.py", "utils.py", "helpers.py")
# Celery asks for the logging of the settings, which may be read only once it is asked for.
LATE_IMPORTS = {"lefi.celery"}


@dataclass(frozen=True)
class Import:
    """That one module imports another, on a line; `level` counts the dots of a relative import."""

    source: str
    target: str
    level: int
    within_function: bool

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def app_of(module: str) -> str:
    return module.partition(".")[0]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def files() -> dict[str, Path]:
    """Every module of the product by name; migrations stand as they are written."""
    found = {}
    for app in (*APPS, "lefi"):
        for path in (ROOT / app).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    return tuple(one for module, path in files().items() for one in imports_of(module, path))


def imports_of(module: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    late = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, 0, id(node) in late)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module if path.name == "__init__.py" else module.rpartition(".")[0]
                base = ".".join(filter(None, [package, base]))
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield Import(module, name if name in files() else base, node.level, id(node) in late)


def broken(rule) -> list[str]:
    return sorted({str(one) for one in imports() if rule(one)})


def test_a_row_is_locked_without_its_key():
    """Else a check of a foreign key waits for the lock, with the lock of the law held that the holder waits for."""
    plain = []
    for module, path in files().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "select_for_update":
                plain += [module] if "no_key" not in {one.arg for one in node.keywords} else []

    assert plain == []


def test_the_modules_are_found():
    assert {"benefits.models", "subscriptions.models", "deliveries.models", "lefi.settings"} <= files().keys()
    assert len(imports()) > 200


def test_apps_import_downwards_only():
    def upwards(one: Import) -> bool:
        source, target = app_of(one.source), app_of(one.target)
        return source in APPS and target in APPS and APPS.index(target) > APPS.index(source)

    assert not broken(upwards)


def test_apps_never_import_the_composition_root():
    assert not broken(lambda one: app_of(one.source) in APPS and is_in(one.target, COMPOSITION))


def test_the_ground_floor_imports_neither_apps_nor_the_composition_root():
    def floats(one: Import) -> bool:
        if app_of(one.source) != "lefi" or one.source == "lefi" or is_in(one.source, COMPOSITION):
            return False
        return app_of(one.target) in APPS or is_in(one.target, COMPOSITION)

    assert not broken(floats)


def test_pure_modules_import_pure_modules_only():
    def impure(one: Import) -> bool:
        ours = app_of(one.target) in (*APPS, "lefi")
        framework = is_in(one.target, FRAMEWORKS)
        return is_in(one.source, PURE) and (framework or (ours and not is_in(one.target, PURE)))

    assert not broken(impure)


@pytest.mark.parametrize("module", PURE)
def test_every_pure_module_named_here_exists(module):
    assert module in files()


def test_models_import_models_and_pure_modules_only():
    def too_much(one: Import) -> bool:
        allowed = room_of(one.target) == "models" or is_in(one.target, PURE)
        return room_of(one.source) == "models" and app_of(one.target) in APPS and not allowed

    assert not broken(too_much)


def test_only_edges_import_edges():
    def climbs(one: Import) -> bool:
        return (
            app_of(one.source) in APPS
            and room_of(one.source) not in EDGES
            and app_of(one.target) in APPS
            and room_of(one.target) in EDGES
        )

    assert not broken(climbs)


def test_edges_never_import_one_another():
    """Only their own kind, here or in a lower app, and the forms and authentication they are made with."""

    def crosses(one: Import) -> bool:
        source, target = room_of(one.source), room_of(one.target)
        both = app_of(one.source) in APPS and app_of(one.target) in APPS and {source, target} <= set(EDGES)
        return both and source != target and target not in FOR_EDGES

    assert not broken(crosses)


def test_nothing_is_imported_inside_functions():
    assert not broken(lambda one: one.within_function and one.source not in LATE_IMPORTS)


def test_no_relative_import_goes_up():
    assert not broken(lambda one: one.level > 1)


def test_there_are_no_rooms_for_odds_and_ends():
    assert not [path for path in files().values() if path.name in NO_ROOMS]
