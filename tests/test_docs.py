"""What the docs list, they list whole: a code that can be answered is a code that can be looked up."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest

from benefits.catalogue import catalogue
from benefits.importfile import ImportRefused, read_manifest
from deliveries import schema
from subscriptions.answers import Answer
from subscriptions.decision import Refusal
from subscriptions.models import Watch
from subscriptions.models.watches import OrderKind
from subscriptions.orderfile import read_json, read_xml

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#:]+)\)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def codes_raised(name: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / name).read_text(encoding="utf-8")))


def missing(codes, text: str) -> set[str]:
    return {str(code) for code in codes if f"`{code}`" not in text}


@pytest.mark.parametrize("module", ["benefits/importfile.py", "benefits/services.py"])
def test_every_refusal_of_an_import_is_explained(module):
    codes = codes_raised(module, r'(?:ImportRefused\(|places_of_\w+\(\), )"([A-Z_0-9]+)"')

    assert len(codes) > 5
    assert not missing(codes, page("docs/import.md"))


def test_every_quarantine_code_is_explained():
    codes = set[str]()
    for module in ("benefits/content.py", "benefits/importfile.py"):
        codes |= codes_raised(module, r'(?:Fault|Quarantine)\([^"]*"(?:", ")?([A-Z_]{5,})"')

    assert {"REQUIRED", "TOO_MANY"} <= codes
    assert not missing(codes, page("docs/import.md"))


def test_every_answer_to_an_order_is_explained():
    refused = codes_raised("subscriptions/orderfile.py", r'OrderRefused\("([A-Z_]+)"')

    assert not missing([*Answer, *Refusal, *OrderKind, *refused], page("docs/orders.md"))


def test_every_benefit_that_can_be_ordered_is_listed():
    assert not missing(catalogue().benefits, page("docs/orders.md"))
    assert not missing([one.order_name for one in catalogue().benefits.values()], page("docs/orders.md"))


def test_every_gate_class_and_basis_is_listed():
    bases = json.loads(page("subscriptions/legal_bases.json"))["bases"]

    assert not missing([*Refusal, *catalogue().classes, *(one["code"] for one in bases)], page("docs/law.md"))


def test_every_refusal_of_a_fetch_and_every_status_is_explained():
    text = page("docs/delivery.md")
    fetching = codes_raised("deliveries/services.py", r'(?:return|Refused\() ?"([A-Z_]{5,})"')
    stopping = codes_raised("deliveries/runs.py", r'(?:return|else) "([A-Z_]{5,})"')

    assert {"RECALLED", "WRONG_HASH"} <= fetching
    assert "NO_SCOPE" in stopping
    assert not missing(fetching | stopping, text)
    assert not missing([schema.ACTIVE, schema.NOT_AUTHORISED, schema.ENDED, *Watch.EndReason], text)
    assert schema.NAMESPACE in text


def test_every_variable_of_the_environment_is_in_the_readme():
    names = codes_raised("lefi/settings.py", r'env(?:\.\w+)?\(\s*"([A-Z_]+)"')

    assert len(names) > 15
    assert not missing(names, page("README.md"))


def test_every_dependency_has_its_reason_in_the_readme():
    names = re.findall(r"^([a-z0-9-]+)", page("requirements.in"), re.MULTILINE)
    own_names = {"djangorestframework": "django rest framework"}
    text = page("README.md").lower()

    assert [name for name in names if f"**{own_names.get(name, name)}**" not in text] == []


def test_links_in_the_docs_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in LINK.findall(path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_examples_of_orders_are_orders_and_say_the_same():
    xml, said = re.findall(r"```(?:xml|json)\n(.*?)```", page("docs/orders.md"), re.DOTALL)

    assert read_xml(BytesIO(xml.encode())) == read_json(json.loads(said))


def test_the_example_of_a_manifest_holds_what_a_manifest_needs(tmp_path):
    example = re.findall(r"```json\n(.*?)```", page("docs/import.md"), re.DOTALL)[0]
    (tmp_path / "manifest.json").write_text(example, encoding="utf-8")

    with pytest.raises(ImportRefused) as refused:
        read_manifest(tmp_path / "manifest.json")
    assert refused.value.code == "DATA_FILE_MISSING"
