"""How an item differs from what it replaces, and which item that may be."""

from copy import deepcopy

from benefits.catalogue import catalogue
from benefits.differences import Difference, differences, in_place_of
from tests.catalogue_content import item_of, with_another_end

SICK = catalogue().sections["sjukpenningarende"]
CASE = {
    "startades": "2026-09-28",
    "aktivt": True,
    "beslut": [
        {"period": {"fran": "2026-10-01", "till": "2026-10-31"}, "omfattning": {"taljare": 1, "namnare": 2}},
        {"period": {"fran": "2026-11-01", "till": "2026-11-30"}, "omfattning": {"taljare": 1, "namnare": 4}},
    ],
}


def of(before: dict, now: dict, language: str = "sv") -> list[tuple[str, str, str]]:
    found = differences(SICK.fields, before, now, language)
    return [(one.label, one.before.replace("\xa0", " "), one.now.replace("\xa0", " ")) for one in found]


def changed(**values) -> dict:
    return {**deepcopy(CASE), **values}


def test_what_is_the_same_is_no_difference():
    assert of(CASE, deepcopy(CASE)) == []


def test_a_value_is_shown_as_it_was_and_as_it_is():
    assert of(CASE, changed(aktivt=False)) == [("Pågår", "Ja", "Nej")]
    assert of(CASE, changed(aktivt=None), "en") == [("Active", "Yes", "")]


def test_a_decision_is_compared_with_the_one_in_its_place_and_the_same_ones_are_left_out():
    later = deepcopy(CASE)
    later["beslut"][1]["period"]["till"] = "2026-12-15"
    later["beslut"].reverse()

    assert of(CASE, later) == [("Beslut › Period", "2026-11-01 – 2026-11-30", "2026-11-01 – 2026-12-15")]


def test_a_decision_more_or_less_is_told_whole():
    fewer = changed(beslut=CASE["beslut"][:1])

    assert of(CASE, fewer) == [("Beslut", "Period: 2026-11-01 – 2026-11-30, Omfattning: 25 %", "")]
    assert of(fewer, CASE) == [("Beslut", "", "Period: 2026-11-01 – 2026-11-30, Omfattning: 25 %")]


def test_a_value_that_only_looks_otherwise_is_no_difference():
    assert list(differences(SICK.fields, {"aktivt": True}, {"aktivt": "true"})) == []


def test_every_section_tells_where_a_date_has_moved():
    for section in catalogue().sections.values():
        for path in section.dated_by:
            item = item_of(section, next(iter(section.benefits), "FK:SJP"))
            found = list(differences(section.fields, item, with_another_end(item, path)))

            assert all(isinstance(one, Difference) for one in found) and found, (section.name, path)


def test_a_new_item_stands_in_the_place_of_the_gone_one_most_like_it():
    longer = changed(beslut=[CASE["beslut"][0], {"period": {"fran": "2026-11-01", "till": "2026-12-31"}}])
    other = {"startades": "2020-01-01", "aktivt": False}

    assert in_place_of(SICK.fields, {"a": CASE, "b": other}, {"x": longer}) == {"x": "a"}
    assert in_place_of(SICK.fields, {"b": other}, {"x": longer}) == {}
    assert in_place_of(SICK.fields, {"a": CASE}, {"x": deepcopy(CASE), "y": longer}) == {"x": "a"}
    assert in_place_of(SICK.fields, {}, {"x": CASE}) == {}
