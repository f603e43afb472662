"""What the docs list, they list whole: a code that can be answered is a code that can be looked up."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest
from lxml import etree

from benefits.catalogue import catalogue
from benefits.importfile import ImportRefused, read_manifest
from deliveries import schema
from lefi.accounts.refusals import REFUSALS
from lefi.brokers import DEFAULTS, NEEDED
from subscriptions.answers import Answer
from subscriptions.decision import Refusal
from subscriptions.models import Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders.jsonfile import read_json, read_jsonl
from subscriptions.orders.lines import Head
from subscriptions.orders.schema import current_order
from subscriptions.orders.tablefile import COLUMNS, read_csv
from subscriptions.orders.xmlfile import read_xml

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
    refused = set[str]()
    for module in ROOT.glob("subscriptions/orders/*.py"):
        refused |= codes_raised(str(module), r'OrderRefused\("([A-Z_]+)"')

    assert {"NOT_XML", "HEADER", "FILE_LOST"} <= refused
    assert not missing([*Answer, *Refusal, *OrderKind, *refused], page("docs/orders.md"))


def test_every_refusal_of_a_login_is_explained():
    assert not missing(REFUSALS, page("docs/login.md"))
    assert not missing([*NEEDED, *DEFAULTS], page("docs/login.md"))


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


@pytest.mark.parametrize(
    ("module", "stories", "told_elsewhere"),
    [("tests/test_law_acceptance.py", 14, 3), ("tests/deliveries/test_night_acceptance.py", 12, 10)],
    ids=["the law", "the night"],
)
def test_every_numbered_story_is_told(module, stories, told_elsewhere):
    text = page(module)
    elsewhere = text.split('"""')[1]
    numbers = re.findall(r"def test_(\d+)_", text) + re.findall(r"^ ?(\d+)\. ", elsewhere, re.MULTILINE)

    assert {int(number) for number in numbers} == set(range(1, stories + 1))
    assert len(TEST.findall(elsewhere)) >= told_elsewhere
    assert not missing_tests(TEST.findall(elsewhere))


def test_every_constraint_that_holds_four_eyes_is_named():
    named = set[str]()
    models = (*ROOT.glob("[a-z]*/models/*.py"), ROOT / "benefits/models.py")
    for module in models:
        named |= set(re.findall(r'four_eyes\("(\w+)"', module.read_text(encoding="utf-8")))

    assert len(named) >= 12
    assert not missing(named, page("docs/law.md"))


def test_every_refusal_of_a_fetch_and_every_status_is_explained():
    text = page("docs/delivery.md")
    fetching = codes_raised("deliveries/services.py", r'(?:return|Refused\() ?"([A-Z_]{5,})"')
    stopping = codes_raised("deliveries/runs.py", r'return (?:"" if law.scope else )?"([A-Z_]{5,})"')

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
    readers = {"xml": read_xml, "json": read_json, "jsonl": read_jsonl, "csv": read_csv}
    examples = re.findall(r"```(\w+)\n(.*?)```", page("docs/orders.md"), re.DOTALL)
    assert [form for form, _ in examples] == list(readers)
    said = [[*readers[form](BytesIO(text.encode()))] for form, text in examples]

    asked = [[one._replace(row=0) for one in items if not isinstance(one, Head)] for items in said]
    assert asked == [asked[0]] * 4 and len(asked[0]) == 3
    assert {items[0] for items in said[:3]} == {Head("2129000010", "SOC")}
    assert etree.XMLSchema(etree.fromstring(current_order().encode())).validate(etree.fromstring(examples[0][1]))


def test_the_columns_and_words_of_tables_are_listed():
    text = page("docs/orders.md").translate(str.maketrans("åäö", "aao")).replace(" ", "")

    assert not missing([name for names in COLUMNS.values() for name in names], text)
    assert not missing(["ny", "nybestallning", "new", "avsluta", "avbestall", "avbestallning", "cancel"], text)
    assert not missing(["heluppdatering", "uppdatera", "refresh", "bestand", "stock", "*"], text)


def test_the_example_of_a_manifest_holds_what_a_manifest_needs(tmp_path):
    example = re.findall(r"```json\n(.*?)```", page("docs/import.md"), re.DOTALL)[0]
    (tmp_path / "manifest.json").write_text(example, encoding="utf-8")

    with pytest.raises(ImportRefused) as refused:
        read_manifest(tmp_path / "manifest.json")
    assert refused.value.code == "DATA_FILE_MISSING"
