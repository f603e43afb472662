"""A catalogue file that contradicts itself is refused, whatever the contradiction."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benefits.catalogue import DATA, CatalogueError, load

Edit = Callable[[dict[str, Any]], Any]


def _decision(raw: dict[str, Any]) -> list[dict[str, Any]]:
    return raw["structures"]["sjukpenningBeslut"]


CONTRADICTIONS: dict[str, tuple[Edit, str]] = {
    "a leaf without a class": (lambda raw: _decision(raw)[0].pop("class"), "is a leaf without a class"),
    "an unknown class": (lambda raw: _decision(raw)[0].update({"class": "klass"}), "unknown class klass"),
    "an unknown structure": (
        lambda raw: _decision(raw)[3].update(type="nope"),
        "unknown structure nope",
    ),
    "a structure within itself": (
        lambda raw: raw["structures"]["franTill"].append({"name": "x", "type": "franTill", "sv": "x", "en": "x"}),
        "contains itself",
    ),
    "a section of an unknown structure": (
        lambda raw: raw["sections"]["ansprak"].update(structure="nope"),
        "unknown structure nope",
    ),
    "an unknown key": (lambda raw: _decision(raw)[0].update(clas="period"), "says clas, which means nothing"),
    "a field named twice": (
        lambda raw: _decision(raw).append(_decision(raw)[0]),
        "field stands twice: fattades",
    ),
    "a missing label": (lambda raw: _decision(raw)[0].update(sv=""), "lacks a Swedish or English label"),
    "no label at all": (lambda raw: _decision(raw)[0].pop("en"), "lacks 'en'"),
    "an unknown subject": (lambda raw: _decision(raw)[0].update(subject="barnet"), "unknown subject"),
    "an unknown code set": (
        lambda raw: _decision(raw)[7].update(codes="nope"),
        "unknown code set nope",
    ),
    "codes on what holds none": (
        lambda raw: _decision(raw)[3].update(codes={"1": {"sv": "x", "en": "x"}}),
        "has codes but no leaf that holds one",
    ),
    "a dating path that does not exist": (
        lambda raw: raw["sections"]["sjukpenningarende"].update(dated_by=["beslut.nope"]),
        "dated by beslut.nope, which does not exist",
    ),
    "a dating path without a date": (
        lambda raw: raw["sections"]["sjukpenningarende"].update(dated_by=["beslut.karens"]),
        "which holds no date",
    ),
    "a dated field that is no list": (
        lambda raw: _decision(raw)[3].update(dated_by=["fran"]),
        "is dated or ordered, but no list",
    ),
    "a pattern that cannot be read": (
        lambda raw: _decision(raw)[0].update(pattern="("),
        "pattern that cannot be read",
    ),
    "an unknown owner of a section": (
        lambda raw: raw["sections"]["ansprak"].update(owner="AF"),
        "unknown owner AF",
    ),
    "an unknown owner of a benefit": (
        lambda raw: raw["benefits"]["FK:SJP"].update(owner="AF"),
        "unknown owner AF",
    ),
    "an unknown kind of benefit": (lambda raw: raw["benefits"]["FK:SJP"].update(kind="x"), "unknown kind x"),
    "a benefit of an unknown section": (
        lambda raw: raw["benefits"]["FK:SJP"]["sections"].append("nope"),
        "unknown section nope",
    ),
    "a section that answers nothing": (
        lambda raw: raw["benefits"]["FK:SJP"].update(sections=[]),
        "sjukpenningarende answers no benefit",
    ),
    "a shared section that tells nothing apart": (
        lambda raw: raw["benefits"]["FK:FP"]["sections"].append("sjukpenningarende"),
        "nothing tells its items apart",
    ),
    "two benefits of one order name": (
        lambda raw: raw["benefits"]["FK:FP"].update(order_name="sjukpenning"),
        "order_name stands twice: sjukpenning",
    ),
    "a key that is no leaf": (
        lambda raw: raw["sections"]["beslut"].update(key="nope"),
        "has no leaf nope",
    ),
    "a payment code of an unknown benefit": (
        lambda raw: raw["payments"]["codes"]["FP"].update(benefit="FK:XX"),
        "unknown benefit FK:XX",
    ),
    "payments cut in an unknown section": (
        lambda raw: raw["payments"]["sections"].update(x={}),
        "unknown section x",
    ),
    "payments without their rows": (
        lambda raw: raw["payments"]["sections"]["utbetalningar"].update(rows="nope"),
        "no list of rows nope",
    ),
    "payment rows without their code": (
        lambda raw: raw["payments"]["sections"]["utbetalningar"].update(row_code="nope"),
        "row of utbetalningar has no field nope",
    ),
    "payments without their totals": (
        lambda raw: raw["payments"]["sections"]["utbetalningar"]["totals"].append("nope"),
        "payment of utbetalningar has no field nope",
    ),
}


@pytest.mark.parametrize("fault", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_refused_with_a_sentence(tmp_path: Path, fault):
    edit, sentence = CONTRADICTIONS[fault]
    raw = json.loads(DATA.read_text(encoding="utf-8"))
    edit(raw)
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(CatalogueError, match=sentence):
        load(path)
