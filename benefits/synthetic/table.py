"""Which sections a register has, how common each is at which ages, and what builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import cases, facts, payments, sickness
from .draw import Item
from .scene import Scene

Builder = Callable[[Scene], list[Item]]


@dataclass(frozen=True, slots=True)
class Section:
    """A section of FK's: the share of persons between the two ages that have it."""

    name: str
    share: float
    youngest: int
    oldest: int
    build: Builder

    def fits(self, age: int) -> bool:
        return self.youngest <= age <= self.oldest


def _long(code: str, text: str, low: int, high: int, **how: Any) -> Builder:
    return partial(cases.long_case, benefit=(code, text), amounts=(low, high), **how)


def _short(code: str, text: str, rewards: tuple[str, ...] = (), **extra: Any) -> Builder:
    return partial(sickness.short_case, benefit=(code, text), rewards=rewards, **extra)


def _disability(code: str, text: str, refusal: int) -> Builder:
    return partial(cases.child_disability, benefit=(code, text), refusal=refusal)


_ANNUITY = {"basis": cases.annuity_basis, "details": cases.annuity_details, "refusals": 0.1}
_OLD_ANNUITY = {"basis": cases.old_basis, "details": cases.tax_free}
_SUPPORT = {"basics": cases.the_child, "details": cases.maintenance}
_SA = ("SA", "Sjukersättning och aktivitetsersättning", 8000, 21_000)

FK_SECTIONS = (
    Section("generellPersoninformation", 1.0, 0, 200, facts.own_details),
    Section("aktivitetsstodsarende", 0.015, 20, 64,
            _long("AS", "Aktivitetsstöd", 5000, 21_000, basics=cases.measure, details=cases.activity_days)),
    Section("allmanpensionsarende", 0.03, 63, 200,
            _long("AP", "Allmän pension", 4000, 19_000, head=False, sub=("IP", "Inkomstpension"),
                  details=cases.coordinated)),
    Section("arbetsskadeefterlevandearende", 0.002, 25, 90,
            _long("ARB", "Arbetsskadelivränta", 2000, 12_000, basics=cases.fatal_injury, **_ANNUITY)),
    Section("arbetsskadeegenlivrantearende", 0.006, 30, 80,
            _long("ARB", "Arbetsskadelivränta", 2000, 18_000, basics=cases.injury, **_ANNUITY)),
    Section("barnbidragsarende", 0.10, 20, 52,
            _long("ABB", "Barnbidrag", 1250, 5000, head=False, basics=cases.the_child,
                  basis=cases.schooling)),
    Section("bostadsbidragsarende", 0.03, 18, 60,
            _long("BOB", "Bostadsbidrag", 400, 5200, sub=("BOB1", "Barnfamiljer"), basis=cases.housing_costs,
                  companions=0.4, refusals=0.1)),
    Section("bostadstillaggsarende", 0.02, 25, 90,
            _long("BTI", "Bostadstillägg", 900, 6500, basis=cases.supplement_costs,
                  companions=0.3, refusals=0.1)),
    Section("efterlevandepensionsarende", 0.005, 18, 90,
            _long("EP", "Efterlevandepension", 2500, 9000, head=False, basics=cases.the_deceased,
                  details=cases.coordinated_survivor)),
    Section("mottagareavbarnbidrag", 0.01, 15, 20,
            _long("MABB", "Mottagare av barnbidrag", 1250, 1250, head=False, basics=cases.own_child_basics,
                  basis=cases.own_child_allowance)),
    Section("foraldrapenningarende", 0.08, 20, 52, sickness.parental),
    Section("forebyggandeSjukpenningsarende", 0.005, 20, 66,
            partial(sickness.sickness, "forebyggandeSjukpenningsarende")),
    Section("handikappersattningsarende", 0.005, 20, 90,
            _long("HE", "Handikappersättning", 1700, 3400, details=cases.extent_only)),
    Section("graviditetspenningsarende", 0.006, 20, 45,
            _short("GP", "Graviditetspenning",
                   ("Fysiskt ansträngande arbetsuppgifter", "Risker i arbetsmiljön"))),
    Section("intjanandebehallning", 0.01, 25, 70, facts.earnings_balance),
    Section("intjanandeuppgift", 0.01, 25, 70, facts.earnings),
    Section("levnadsintygsuppgift", 0.02, 63, 200, facts.life_certificate),
    Section("merkostnadsersattningsarende", 0.006, 25, 60, _disability("MEK", "Merkostnadsersättning", 5)),
    Section("narstaendepenningarende", 0.004, 25, 66,
            _short("NP", "Närståendepenning", ("Närståendepenning", "Närståendevård"), karens=False)),
    Section("omvardnadsbidragsarende", 0.015, 22, 60, _disability("OMV", "Omvårdnadsbidrag", 4)),
    Section("preliminarautbetalningar", 0.12, 16, 200, payments.preliminary),
    Section("programanvisning", 0.015, 18, 64, facts.programme_referral),
    Section("programersattningsarende", 0.015, 18, 64, cases.programme_case),
    Section("programjobdagar", 0.01, 18, 64, facts.programme_days),
    Section("rehabersattningsarende", 0.008, 20, 66, partial(sickness.sickness, "rehabersattningsarende")),
    Section("sjukOchAktivitetsersattningsarende", 0.04, 19, 65,
            _long(*_SA, basics=cases.insured_time, details=cases.coordinated, refusals=0.15)),
    Section("sjukOchAktivitetsersattningSteglosAvrakningHistorik", 0.003, 30, 66, facts.settlement),
    Section("sjukOchAktivitetsersattningSteglosAvrakningNulage", 0.003, 30, 66, facts.settlement),
    Section("sjukpenningarende", 0.10, 18, 68, partial(sickness.sickness, "sjukpenningarende")),
    Section("sjukpenninggrundandeInkomstuppgift", 0.30, 18, 68, facts.qualifying_income),
    Section("skatteuppgift", 0.01, 18, 200, facts.tax_number),
    Section("smittbararersattningsarende", 0.002, 18, 66, _short("SBP", "Smittbärarersättning")),
    Section("studiemedelsavisering", 0.03, 18, 56, facts.student_notice),
    Section("tillfalligForaldrapenningarende", 0.08, 22, 55, sickness.temporary_parental),
    Section("totalforsvarspliktsarende", 0.005, 18, 47,
            _short("DPE", "Dagpenning till totalförsvarspliktiga")),
    Section("underhallsskuld", 0.01, 22, 65, facts.maintenance_debt),
    Section("underhallsstodskrav", 0.02, 22, 60, _long("US", "Underhållsstöd", 1673, 2223, **_SUPPORT)),
    Section("underhallsstodsmottag", 0.03, 20, 56, _long("US", "Underhållsstöd", 1673, 2223, **_SUPPORT)),
    Section("utbetalningsuppgift", 0.22, 16, 200, payments.effectuated),
    Section("vardbidragsarende", 0.004, 30, 66,
            _long("VB", "Vårdbidrag", 2300, 10_500, details=cases.old_care, basis=cases.old_care_basis)),
    Section("yrkesskadeefterlevandearende", 0.002, 65, 200,
            _long("YL", "Yrkesskadelivränta", 900, 7000, basics=cases.old_fatal_injury, **_OLD_ANNUITY)),
    Section("yrkesskadeegenlivrantearende", 0.002, 65, 200,
            _long("YL", "Yrkesskadelivränta", 900, 9000, basics=cases.old_injury, **_OLD_ANNUITY)),
)  # fmt: skip
PM_SECTIONS = ("ansprak", "beslut", "utbetalningar", "preliminaraUtbetalningar", "ovrigInformation")
