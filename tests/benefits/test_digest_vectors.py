"""The digest as published: vectors, a reference of the standard library alone, and ours say the same."""

import json
import runpy
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benefits import content
from benefits.catalogue import catalogue
from benefits.synthetic import Register, full_line, start

ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "docs" / "digest_vectors.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "digest.md").read_text(encoding="utf-8")
reference = runpy.run_path(str(ROOT / "docs" / "digest_reference.py"))
raw = json.loads((ROOT / "benefits" / "catalogue.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS["items"], ids=lambda vector: vector["name"])
def test_an_items_vector_holds_in_ours_and_in_the_reference(vector):
    item = json.loads(vector["item"], parse_float=Decimal)
    fields = catalogue().sections[vector["section"]].fields

    assert content.lines(fields, item) == vector["lines"]
    assert content.digest(fields, item) == vector["digest"]
    assert reference["item_digest"](raw, vector["section"], item) == vector["digest"]
    assert vector["digest"] in PAGE


@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda vector: vector["name"])
def test_a_blocks_vector_holds_in_ours_and_in_the_reference(vector):
    assert content.block_digest(vector["section"], vector["digests"]) == vector["digest"]
    assert reference["block_digest"](vector["section"], vector["digests"]) == vector["digest"]
    assert vector["digest"] in PAGE


@pytest.mark.parametrize("vector", VECTORS["states"], ids=lambda vector: vector["name"])
def test_a_states_vector_holds_in_the_reference(vector):
    assert reference["state_hash"](vector["sections"]) == vector["state"]
    assert vector["state"] in PAGE


texts = st.text(st.sampled_from("aAX \t\n\\.="), max_size=3)
decisions = st.fixed_dictionaries({}, optional={"fattades": texts, "beslutstyp": texts, "dagar": st.integers(0, 11)})


@given(st.lists(decisions, max_size=4))
@example([{"fattades": "a", "dagar": 1}, {"fattades": "a\t"}])
def test_the_reference_agrees_on_the_order_of_lists_whatever_signs_their_texts_hold(found):
    """A tab comes before a line feed, and a line feed before every other sign."""
    fields = catalogue().sections["sjukpenningarende"].fields

    assert content.digest(fields, {"beslut": found}) == reference["item_digest"](
        raw, "sjukpenningarende", {"beslut": found}
    )


def test_the_reference_agrees_on_made_up_registers():
    register, compared = Register(40, seed=7), set()
    for index in range(register.persons):
        for source in ("FK", "PM"):
            answer = json.loads(json.dumps(full_line(start(register, index), source)["svar"]), parse_float=Decimal)
            sections = answer.get("formansinformation", answer)
            for name, said in sections.items():
                for item in said if isinstance(said, list) else [said]:
                    fields = catalogue().sections[name].fields
                    assert reference["item_digest"](raw, name, item) == content.digest(fields, item)
                    compared.add(name)

    assert len(compared) > 20
