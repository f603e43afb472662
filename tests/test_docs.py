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
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::|\s+)(test_\w+)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def codes_raised(name: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / name).read_text(encoding="utf-8")))


def missing(codes, text: str) -> set[str]:
    return {str(code) for code in codes if f"`{code}`" not in text}


def missing_tests(named: list[tuple[str, str]]) -> list[str]:
    """Those that are not in the files that they are said to be in."""
    return [test for file, test in named if not (ROOT / file).is_file() or f"def {test}(" not in page(file)]


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


def test_every_rule_of_the_law_says_where_it_is_enforced_and_what_shows_it():
    rows = {row[0]: row[1] for row in re.findall(r"^\| (R\d+) \| (.*)$", page("docs/law.md"), re.MULTILINE)}

    assert list(rows) == [f"R{number}" for number in range(1, 27)]
    for rule, row in rows.items():
        tests, modules = TEST.findall(row), set(re.findall(r"`([\w/]+\.(?:py|json))`", row))
        assert tests and modules, rule
        assert not [name for name in modules if not (ROOT / name).is_file()], rule
        assert not missing_tests(tests), rule


def test_all_fourteen_stories_of_the_law_are_told():
    module = page("tests/test_law_acceptance.py")
    elsewhere = module.split('"""')[1]
    numbers = re.findall(r"def test_(\d+)_", module) + re.findall(r"^ ?(\d+)\. ", elsewhere, re.MULTILINE)

    assert {int(number) for number in numbers} == set(range(1, 15))
    assert len(TEST.findall(elsewhere)) >= 3
    assert not missing_tests(TEST.findall(elsewhere))


def test_every_constraint_that_holds_four_eyes_is_named():
    named = set[str]()
    for module in (*ROOT.glob("subscriptions/models/*.py"), ROOT / "deliveries/models.py"):
        named |= set(re.findall(r'four_eyes\("(\w+)"', module.read_text(encoding="utf-8")))

    assert len(named) == 7
    assert not missing(named, page("docs/law.md"))


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
