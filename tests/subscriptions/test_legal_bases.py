import json
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = json.loads((ROOT / "subscriptions" / "legal_bases.json").read_text(encoding="utf-8"))
BASES = {basis["code"]: basis for basis in DATA["bases"]}

CLASSES = """
    identity name application benefit period extent amount payment_date days changed_decision income_base
    address employer contact related reason outcome deduction balance
"""
KEYS = """
    code version citations title recipient_kinds purpose valid_from valid_to status service consent_needed
    needs owners benefits classes classes_by agreement_classes outcomes fee protection protection_days
    reconfirm_days use_instead notes ours
"""
CODES_BY_PART = {
    "insurers, employers, pension bodies": ("INS-SAM INS-SKADE INS-RISK INS-PROG INS-FORM EMP-SAM FOREIGN KPA"),
    "municipalities": "KOM-SOC KOM-SOC-ADR KOM-ASS KOM-RETRO KOM-FUT KOM-15A KOM-REHAB",
    "state agencies": (
        "STAT-2 STAT-3 STAT-3B STAT-4 CSN-1 CSN-2 CSN-3 CSN-4 AF-1 IAF-1 SKV-1 UTM-1 UTM-2 PLIKT KAM EHM "
        "PM-DA STAT-FUT STAT-15A STAT-27"
    ),
    "unemployment insurance funds": "AKASSA",
    "closed": (
        "OLD-114-24 OLD-114-25 OLD-114-26 OLD-114-27 OLD-114-9 OLD-114-22 OLD-2003-766 OLD-SOL-2001 OLD-2017-532"
    ),
}
CLOSED = set(CODES_BY_PART["closed"].split())
WITHOUT_SUCCESSOR = {"OLD-114-27", "OLD-114-9", "OLD-114-22", "OLD-2003-766", "OLD-2017-532"}

every_basis = pytest.mark.parametrize("basis", DATA["bases"], ids=BASES)


def can_be_served(basis: dict) -> bool:
    """What the service may rest on without a person's decision in each case."""
    in_force = basis["status"] == "active" and basis["valid_from"] is not None
    return in_force and basis["service"] in ("standing", "one_off")


def test_the_catalogue_of_bases_is_whole_and_each_stands_once():
    expected = [code for codes in CODES_BY_PART.values() for code in codes.split()]

    assert sorted(basis["code"] for basis in DATA["bases"]) == sorted(expected)
    assert len(expected) == 45


@every_basis
def test_a_basis_has_every_field_and_only_known_values(basis):
    assert list(basis) == KEYS.split()
    assert basis["version"] == 1
    assert basis["status"] in ("active", "draft", "closed")
    assert basis["service"] in ("standing", "one_off", "manual", "never")
    assert basis["classes_by"] in ("basis", "agreement", "consent")
    assert set(basis["needs"]) <= {"case_reference", "need_reference"}
    assert basis["owners"] in (["FK"], ["FK", "PM"])
    assert basis["outcomes"] == ["granted"]
    assert basis["protection"] in ("staff", "delayed")
    assert basis["protection_days"] > 0
    assert basis["reconfirm_days"] is None or basis["reconfirm_days"] > 0
    assert set(basis["recipient_kinds"]) <= set(DATA["recipient_kinds"])
    assert basis["purpose"] is None or basis["purpose"] in DATA["purposes"]
    assert set(basis["ours"]) <= set(KEYS.split())


@every_basis
def test_a_basis_is_cited_and_explained_in_both_languages(basis):
    assert basis["citations"] and all(basis["citations"])
    for text in (basis["title"], basis["notes"]):
        assert set(text) == {"sv", "en"} and all(text.values())


@pytest.mark.parametrize("part", ["purposes", "recipient_kinds"])
def test_purposes_and_recipient_kinds_are_named_in_both_languages_and_all_in_use(part):
    field = "purpose" if part == "purposes" else part
    in_use = {code for basis in BASES.values() for code in _listed(basis[field])}

    assert set(DATA[part]) == in_use
    assert all(set(name) == {"sv", "en"} and all(name.values()) for name in DATA[part].values())


def _listed(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


@every_basis
def test_days_are_days_and_in_order(basis):
    days = [date.fromisoformat(day) for day in (basis["valid_from"], basis["valid_to"]) if day]

    assert days == sorted(days)


@every_basis
def test_field_classes_are_known_and_each_is_given_in_one_way(basis):
    assert set(basis["classes"]) | set(basis["agreement_classes"]) <= set(CLASSES.split())
    assert not set(basis["classes"]) & set(basis["agreement_classes"])


@every_basis
def test_no_basis_gives_outcomes_deductions_or_balances(basis):
    assert not {"outcome", "deduction", "balance"} & {*basis["classes"], *basis["agreement_classes"]}


@every_basis
def test_who_enumerates_agrees_with_what_is_enumerated(basis):
    assert (basis["classes_by"] == "consent") is basis["consent_needed"]
    if basis["classes_by"] != "basis":
        assert not (basis["classes"] if basis["classes_by"] == "agreement" else basis["agreement_classes"])


def test_only_these_can_be_served_and_each_has_a_first_day():
    assert {code for code, basis in BASES.items() if can_be_served(basis)} == {"INS-SAM", "KOM-SOC"}


def test_only_the_start_is_wanting_for_these():
    waiting = {code for code, basis in BASES.items() if can_be_served({**basis, "valid_from": "2026-01-01"})} - {
        "INS-SAM",
        "KOM-SOC",
    }

    assert waiting == {"KOM-SOC-ADR", "STAT-2", "STAT-3", "CSN-1", "AKASSA"}


def test_consent_at_insurers_and_what_no_lawyer_has_seen_are_drafts():
    drafts = {code for code, basis in BASES.items() if basis["status"] == "draft"}

    assert drafts >= {"INS-SKADE", "INS-RISK", "INS-PROG", "INS-FORM", "EMP-SAM", "CSN-2", "KOM-FUT"}
    assert not drafts & CLOSED


@pytest.mark.parametrize("code", sorted(CLOSED))
def test_a_closed_citation_has_a_last_day_and_says_what_to_use_instead(code):
    basis = BASES[code]

    assert (basis["status"], basis["service"], basis["classes"]) == ("closed", "never", [])
    assert basis["valid_to"] in ("2024-02-14", "2025-06-30", "2025-12-31")
    assert (basis["use_instead"] is None) is (code in WITHOUT_SUCCESSOR)


@every_basis
def test_what_is_used_instead_is_a_basis_that_is_not_closed(basis):
    assert basis["use_instead"] is None or BASES[basis["use_instead"]]["status"] != "closed"


def test_what_needs_a_balancing_or_a_judgement_cannot_be_ordered():
    manual = {code: BASES[code]["service"] for code in ("KOM-FUT", "STAT-FUT", "KOM-15A", "STAT-15A", "UTM-2")}

    assert set(manual.values()) == {"manual"}
    assert BASES["STAT-27"]["service"] == "never"


@every_basis
def test_what_is_decided_by_hand_or_never_served_gives_nothing_by_itself(basis):
    if basis["service"] == "never":
        assert basis["classes"] == basis["agreement_classes"] == []


def test_a_social_welfare_board_gets_the_closed_list_without_address():
    basis = BASES["KOM-SOC"]

    given = "identity name application benefit period extent amount payment_date"
    assert basis["classes"] == given.split()
    assert basis["agreement_classes"] == []
    assert (basis["recipient_kinds"], basis["needs"]) == (["socialnamnd"], ["case_reference"])
    assert (basis["valid_from"], basis["owners"]) == ("2025-07-01", ["FK", "PM"])


def test_coordination_gives_compensation_and_nothing_else():
    basis = BASES["INS-SAM"]

    assert basis["classes"] == ["benefit", "period", "extent", "amount"]
    assert not {"address", "employer", "contact", "related", "reason"} & set(basis["agreement_classes"])
    assert (basis["needs"], basis["fee"], basis["consent_needed"]) == (["need_reference"], True, False)


@pytest.mark.parametrize("code", ["INS-SKADE", "INS-RISK", "INS-PROG", "INS-FORM"])
def test_no_consent_gives_address_employer_contacts_or_other_persons(code):
    assert not {"address", "employer", "contact", "related"} & set(BASES[code]["classes"])


@pytest.mark.parametrize("code", ["STAT-3", "KOM-SOC-ADR"])
def test_economic_circumstances_are_amount_and_payment_date_and_that_is_ours(code):
    basis = BASES[code]

    assert set(basis["classes"]) == {"address", "employer", "period", "amount", "payment_date"}
    assert "classes" in basis["ours"]


def test_a_court_gets_only_what_the_agreement_enumerates():
    assert (BASES["STAT-2"]["classes"], BASES["STAT-2"]["classes_by"]) == ([], "agreement")


def test_an_unemployment_insurance_fund_gets_days_and_changed_decisions_but_no_payment_date():
    assert {"days", "changed_decision"} <= set(BASES["AKASSA"]["classes"])
    assert "payment_date" not in BASES["AKASSA"]["classes"] + BASES["AKASSA"]["agreement_classes"]


def test_study_support_lists_its_benefits_and_maintenance_support_is_not_among_them():
    assert BASES["CSN-1"]["benefits"] == ["FK:SJP", "FK:AS", "FK:ET", "FK:RBE", "FK:SA"]
    assert "benefits" in BASES["CSN-1"]["ours"]


def test_every_listed_benefit_is_in_the_catalogue_of_benefits():
    catalogue = json.loads((ROOT / "benefits" / "catalogue.json").read_text(encoding="utf-8"))
    listed = {benefit for basis in BASES.values() for benefit in basis["benefits"] or []}

    assert listed <= set(catalogue["benefits"])


@every_basis
def test_a_risk_assessment_is_one_delivery_and_all_else_a_watch_or_none(basis):
    assert (basis["service"] == "one_off") is (basis["code"] == "INS-RISK")
