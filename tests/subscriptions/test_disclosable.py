"""What of an item may be told: by class, by subject, by outcome, by payment row and by time (C7)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benefits.catalogue import catalogue
from subscriptions.disclosable import THIRD_PERSON, Allowance, disclosable, unmapped_rows

CATALOGUE = catalogue()
EVERYTHING = frozenset(CATALOGUE.classes)
FROM = date(2026, 1, 1)
LATER = {"fran": "2026-03-01", "till": "2026-03-31"}
EARLIER = {"fran": "2025-03-01", "till": "2025-03-31"}


def told(section, item, *, benefit="FK:SJP", classes=EVERYTHING, outcomes=("granted",), since=FROM):
    allowance = Allowance(benefit, frozenset(classes), frozenset(outcomes), since)
    return disclosable(CATALOGUE, CATALOGUE.sections[section], item, allowance)


def row(code, *, kind="GRP", amount=100, **fields):
    found = {"beloppstyp": {"id": kind}, "bruttobelopp": {"summa": Decimal(amount), "valuta": "SEK"}}
    return found | ({"forman": {"id": code}} if code else {}) | fields


def payment(*rows, family=None):
    """A payment of Försäkringskassan's with totals."""
    found = {"datum": "2026-03-25", "bruttobelopp": {"summa": Decimal(300)}, "skattebelopp": {"summa": Decimal(90)}}
    found |= {"nettobelopp": {"summa": Decimal(210)}} | ({"utbetalningsdetalj": list(rows)} if rows else {})
    return found | ({"formansfamilj": {"id": family}} if family else {})


def codes(found):
    return [one.get("forman", {}).get("id") for one in found["utbetalningsdetalj"]]


TOTALS = {"bruttobelopp", "skattebelopp", "nettobelopp"}


def test_a_payment_of_one_benefit_is_told_whole_with_its_totals():
    item = payment(row("SJP"), row("SJP"))

    assert told("utbetalningsuppgift", item) == item


@pytest.mark.parametrize(("benefit", "rows"), [("FK:SJP", ["SJP", "SJP"]), ("FK:FP", ["FP"])])
def test_a_payment_of_several_benefits_gives_each_its_rows_and_nobody_the_totals(benefit, rows):
    found = told("utbetalningsuppgift", payment(row("SJP"), row("FP"), row("SJP"), family="DAG"), benefit=benefit)

    assert codes(found) == rows
    assert not TOTALS & set(found)


def test_a_row_that_no_benefit_answers_for_is_told_to_nobody_and_counted():
    item = payment(row("SJP"), row("OKÄND"), row(None), family="DAG")
    rule = CATALOGUE.sections["utbetalningsuppgift"].payment

    assert codes(told("utbetalningsuppgift", item)) == ["SJP"]
    assert all(
        told("utbetalningsuppgift", payment(row("OKÄND")), benefit=benefit) is None for benefit in CATALOGUE.benefits
    )
    assert unmapped_rows(CATALOGUE, rule, item) == 2
    assert unmapped_rows(CATALOGUE, rule, payment(row("SJP"))) == 0


def test_a_payment_without_rows_is_its_familys():
    rule = CATALOGUE.sections["utbetalningsuppgift"].payment

    assert told("utbetalningsuppgift", payment(family="SJP")) == payment(family="SJP")
    assert told("utbetalningsuppgift", payment(family="FP")) is None
    assert told("utbetalningsuppgift", payment(family="DAG")) is None
    assert unmapped_rows(CATALOGUE, rule, payment(family="DAG")) == 1


def test_a_row_without_a_code_is_its_familys_and_one_with_a_strange_code_is_not():
    found = told("utbetalningsuppgift", payment(row(None), row("OKÄND"), family="SJP"))
    rule = CATALOGUE.sections["utbetalningsuppgift"].payment

    assert codes(found) == [None]
    assert unmapped_rows(CATALOGUE, rule, payment(row(None), row("OKÄND"), family="SJP")) == 1


def test_a_payment_whose_rows_are_all_its_familys_is_told_whole_with_its_totals():
    item = payment(row(None), row(None), family="SJP")

    assert told("utbetalningsuppgift", item) == item


def test_another_benefits_payment_is_not_told_of():
    assert told("utbetalningsuppgift", payment(row("FP"))) is None


def test_deductions_leave_only_where_every_row_of_the_payment_does():
    deduction = row("SJP", kind="SKV")

    assert len(told("utbetalningsuppgift", payment(row("SJP"), deduction))["utbetalningsdetalj"]) == 2
    mixed = told("utbetalningsuppgift", payment(row("SJP"), deduction, row("FP")))
    assert [one["beloppstyp"]["id"] for one in mixed["utbetalningsdetalj"]] == ["GRP"]
    assert told("utbetalningsuppgift", payment(deduction, row("FP"))) is None


def test_totals_do_not_tell_of_rows_that_ended_before_the_from_date():
    item = payment(row("SJP", period=EARLIER), row("SJP", period=LATER))
    found = told("utbetalningsuppgift", item)

    assert [one["period"] for one in found["utbetalningsdetalj"]] == [LATER]
    assert not TOTALS & set(found)


def test_the_pensions_agencys_payments_are_cut_by_their_rows():
    rows = [{"formansgrupp": {"kod": code, "beskrivning": code}, "belopp": 1} for code in ("PM:AP", "PM:BTI")]
    item = {"utbetalningsdatum": "2026-03-25", "bruttobelopp": 2, "utbetalningsrader": rows}

    found = told("utbetalningar", item, benefit="PM:BTI")

    assert found == {"utbetalningsdatum": "2026-03-25", "utbetalningsrader": rows[1:]}


def test_an_item_that_names_its_benefit_is_told_to_that_benefits_watches_alone():
    claim = {"ansprakid": "1", "formansgrupp": {"kod": "PM:AP", "beskrivning": "Ålderspension"}}

    assert told("ansprak", claim, benefit="PM:AP") == claim
    assert told("ansprak", claim, benefit="PM:EF") is None
    assert told("ansprak", {"ansprakid": "1"}, benefit="PM:AP") is None


GRANT = {"beslutsutfall": "BEVILJAN", "dagar": 1, "period": LATER}
REFUSAL = {"beslutsutfall": "AVSLAG", "dagar": 2, "period": LATER}
OUTCOMES = {
    "a refused case": ("bostadsbidragsarende", {"avslaget": True, "aktivt": True}, None),
    "a case not refused": ("bostadsbidragsarende", {"avslaget": False}, {"avslaget": False}),
    "only refused decisions": ("sjukpenningarende", {"aktivt": True, "beslut": [REFUSAL]}, None),
    "one refused of two": (
        "sjukpenningarende",
        {"aktivt": True, "beslut": [REFUSAL, GRANT]},
        {"aktivt": True, "beslut": [GRANT]},
    ),
    "no decision yet": ("sjukpenningarende", {"aktivt": True, "beslut": []}, {"aktivt": True}),
    "one refused decision that is no list": (
        "merkostnadsersattningsarende",
        {"aktivt": True, "beslut": {"beslutsutfall": {"id": 5}}},
        None,
    ),
    "one granted decision that is no list": (
        "merkostnadsersattningsarende",
        {"beslut": {"beslutsutfall": {"id": 1}}},
        {"beslut": {"beslutsutfall": {"id": 1}}},
    ),
    "a decision without an outcome": (
        "merkostnadsersattningsarende",
        {"beslut": {"fattades": "2026-03-01"}},
        {"beslut": {"fattades": "2026-03-01"}},
    ),
    "an outcome of no code": (
        "merkostnadsersattningsarende",
        {"beslut": {"beslutsutfall": {"beskrivning": "?"}}},
        {"beslut": {"beslutsutfall": {"beskrivning": "?"}}},
    ),
}


@pytest.mark.parametrize(("section", "item", "expected"), OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("outcomes", [("granted",), ()], ids=["granted", "nothing said"])
def test_a_refusal_is_left_out_whole(section, item, expected, outcomes):
    assert told(section, item, outcomes=outcomes) == expected


def test_refusals_are_told_only_where_the_basis_says_so():
    item = {"aktivt": True, "beslut": [REFUSAL, GRANT]}

    assert told("sjukpenningarende", item, outcomes=("granted", "refused")) == item


def test_a_refusal_leaves_no_trace_where_the_granted_decision_ended_before_the_from_date():
    item = {"aktivt": True, "beslut": [REFUSAL, GRANT | {"period": EARLIER}]}

    assert told("sjukpenningarende", item) is None


def test_only_leaves_of_allowed_classes_are_left():
    item = {"startades": "2026-02-01", "aktivt": True, "beslut": [GRANT]}

    assert told("sjukpenningarende", item, classes={"days"}) == {"beslut": [{"dagar": 1}]}
    assert told("sjukpenningarende", item, classes={"application"}) == {"startades": "2026-02-01"}
    assert told("sjukpenningarende", item, classes={"address"}) is None


def test_a_third_persons_data_leave_only_where_related_persons_may_be_told():
    person = {"namn": "Karin", "barn": [{"namn": "Olle"}], "samhorig": [{"namn": "Eva"}]}
    without = EVERYTHING - {THIRD_PERSON}

    assert told("generellPersoninformation", person, benefit="FK:GEPI", classes=without) == {"namn": "Karin"}
    assert told("generellPersoninformation", person, benefit="FK:GEPI") == person


def test_another_persons_contact_needs_both_its_class_and_related():
    person = {"arbetsstallen": [{"namn": "AB", "telefon": "08", "kontakt": {"namn": "Eva", "epost": "e@x"}}]}

    found = told("generellPersoninformation", person, classes={"employer", "contact"})

    assert found == {"arbetsstallen": [{"namn": "AB", "telefon": "08"}]}


def test_an_object_where_a_text_is_written_is_never_told():
    item = {"beslut": [{"period": LATER, "ersattning": {"id": 101, "beskrivning": "Sjukpenning"}}]}

    assert told("sjukpenningarende", item) == {"beslut": [{"period": LATER}]}


@pytest.mark.parametrize("empty", [None, []])
def test_nothing_is_left_of_an_item_that_says_nothing_in_the_allowed_classes(empty):
    assert told("generellPersoninformation", {"avled": empty, "adress": empty, "namn": None}) is None


TIMES = {
    "ended before": ([EARLIER], None),
    "across": ([{"fran": "2025-12-01", "till": "2026-01-01"}], 1),
    "ongoing": ([{"fran": "2020-01-01"}], 1),
    "to come": ([{"fran": "2030-01-01", "till": "2030-02-01"}], 1),
    "one before and one after": ([EARLIER, LATER], 1),
    "no dates": ([{}], 1),
}


@pytest.mark.parametrize(("periods", "left"), TIMES.values(), ids=TIMES)
def test_what_ended_before_the_from_date_is_cut(periods, left):
    item = {"aktivt": True, "beslut": [{"dagar": 1, "period": period} for period in periods]}
    found = told("sjukpenningarende", item)

    assert (found and len(found["beslut"])) == left


def test_the_header_has_no_time():
    header = {"personnummer": "195001012385", "avled": "2020-01-01"}

    assert told("person", header, since=date(2030, 1, 1)) == header


def values(field):
    """A value for a field, as rich as the field is."""
    if field.kind == "boolean":
        one = st.booleans()
    elif field.kind in ("integer", "decimal"):
        one = st.integers(0, 9)
    elif field.is_leaf:
        named = sorted(CATALOGUE.payment_codes) if field.name in ("id", "kod") else ["2025-06-01", "2026-06-01"]
        one = st.sampled_from([*named, "x"])
    else:
        one = objects(field.children)
    return st.lists(one | st.none(), max_size=2) if field.many else one | st.none()


def objects(fields):
    return st.fixed_dictionaries({}, optional={field.name: values(field) for field in fields})


RICH = [
    "sjukpenningarende",
    "utbetalningsuppgift",
    "utbetalningar",
    "generellPersoninformation",
    "bostadsbidragsarende",
    "beslut",
    "merkostnadsersattningsarende",
    "foraldrapenningarende",
    "ovrigInformation",
    "person",
]
sections = st.sampled_from(RICH).map(CATALOGUE.sections.get)
contents = sections.flatmap(lambda section: st.tuples(st.just(section), objects(section.fields)))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(contents, st.frozensets(st.sampled_from(sorted(EVERYTHING))), st.sampled_from(["FK:SJP", "PM:AP", "PM:PU"]))
def test_no_leaf_is_ever_told_but_those_of_allowed_classes(content, classes, benefit):
    section, item = content

    found = told(section.name, item, classes=classes, benefit=benefit)

    assert found is None or found
    if found is not None:
        demand_allowed(section.fields, found, item, classes)


def demand_allowed(fields, found, item, classes):
    """Every leaf is of an allowed class and stood in the item."""
    by_name = {field.name: field for field in fields}
    for name, value in found.items():
        field = by_name[name]
        assert value not in (None, [], {})
        if field.is_leaf:
            assert field.cls in classes
            assert field.subject != "other" or THIRD_PERSON in classes
            assert value == item[name]
            continue
        parts = value if field.many else [value]
        whole = item[name] if field.many else [item[name]]
        for part in parts:
            assert any(contains(one, part) for one in whole)
            demand_allowed(field.children, part, part, classes)


def contains(whole, part):
    """Whether a part was cut out of the whole, and nothing added."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and contains(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(contains(one, each) for one in whole) for each in part)
    return whole == part


def test_that_there_was_a_deduction_and_of_what_kind_is_told_only_with_its_class():
    item = payment(row("SJP"), row("SJP", kind="INF"))

    found = told("utbetalningsuppgift", item, classes=set(EVERYTHING) - {"deduction"})

    assert [one["beloppstyp"]["id"] for one in found["utbetalningsdetalj"]] == ["GRP"]
    assert found["bruttobelopp"] == item["bruttobelopp"]
    assert not {"skattebelopp", "nettobelopp"} & set(found)
