"""The API is described, the description is true to the code, and it can be read where the API is."""

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.urls import get_resolver
from django.utils import translation

from tests.partners import PROBLEM

COMMITTED = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> list:
    paths = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))["paths"]
    return [
        pytest.param(path, operation, id=operation["operationId"])
        for path, methods in paths.items()
        for name, operation in methods.items()
        if name in METHODS
    ]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_committed_description_is_the_generated_one(tmp_path, language):
    generated = tmp_path / "openapi.yaml"

    with translation.override(language):
        call_command("spectacular", "--file", str(generated), "--validate", "--fail-on-warn")

    assert generated.read_text(encoding="utf-8") == COMMITTED.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "operation"), operations())
def test_every_operation_says_how_it_is_refused(path, operation):
    refused = {code: said for code, said in operation["responses"].items() if code >= "400"}

    assert {"401", "403", "429", "500"} <= refused.keys()
    assert ("404" in refused) == ("{" in path)
    for response in refused.values():
        assert list(response["content"]) == [PROBLEM]
        assert response["description"]


@pytest.mark.parametrize(("path", "operation"), operations())
def test_every_operation_says_what_it_does_and_for_which_scope(path, operation):
    assert operation["description"]
    assert [list(one) for one in operation["security"]] == [["oauth2"]]


def test_every_view_of_the_api_names_its_scopes():
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    views = [one.callback.cls for one in api.url_patterns if one.name not in ("openapi", "docs")]

    assert len(views) >= 8
    assert all(isinstance(view.required_scopes, list) for view in views)


def test_the_description_is_served_to_anybody(client, db):
    answer = client.get("/api/v1/openapi.yaml")

    assert answer.status_code == 200
    assert yaml.safe_load(answer.content)["paths"] == yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))["paths"]


def test_the_documentation_page_has_nothing_inline_and_nothing_from_outside(client, db):
    page = client.get("/api/v1/docs/")
    text = page.content.decode()

    assert page.status_code == 200
    assert "unsafe" not in page["Content-Security-Policy"]
    assert "<style" not in text
    assert "<script" not in text
    assert all(address.startswith(("/", "#")) for address in re.findall(r'(?:src|href)="([^"]+)"', text))
