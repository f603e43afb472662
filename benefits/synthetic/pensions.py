"""The Pensions Agency's five sections: claims, decisions, payments, preliminary payments, other information.

Amounts are whole SEK and periods say `from`/`tom`, unlike FK's.
"""

from random import Random

from .draw import Item, between, iso, pick, pm_code, pm_span
from .facts import LIFE_STATUS
from .people import child, deceased
from .scene import Scene

OLD_AGE, HOUSING, SURVIVOR = (
    ("PM:AP", "Allmän pension"),
    ("PM:BTI", "Bostads- och inkomststöd"),
    ("PM:EF", "Efterlevandeförmåner"),
)
KINDS = {
    OLD_AGE: (("PM:IP", "Inkomstpension"), ("PM:TP", "Tilläggspension"), ("PM:GARP", "Garantipension")),
    HOUSING: (("PM:BT", "Bostadstillägg"), ("PM:AFS", "Äldreförsörjningsstöd")),
    SURVIVOR: (("PM:OP", "Omställningspension"), ("PM:BP", "Barnpension"), ("PM:ANKEP", "Änkepension")),
}
PAID_AS = {
    OLD_AGE: ("PM:AP38", "Ålderspension, född 1938 eller senare"),
    HOUSING: ("PM:BTP", "Bostadstillägg"),
    SURVIVOR: ("PM:EP", "Efterlevandepension"),
}
AMOUNT_TYPES = {"PM:BT": ("PM:BTP", "Bostadstillägg")}
INFO = {"PM:LINT": "Levnadsintyg", "PM:PBH": "Pensionsbehållning", "PM:PU": "Pensionsunderlag"}
Group = tuple[str, str]


def groups_of(scene: Scene) -> list[Group]:
    """What the person has from the agency: old-age pension, perhaps housing supplement or survivor's."""
    rng, groups = scene.rng, []
    if scene.age >= 64:
        groups.append(OLD_AGE)
    if scene.age >= 66 and rng.random() < 0.15:
        groups.append(HOUSING)
    if (scene.age >= 40 or scene.age < 21) and rng.random() < 0.02:
        groups.append(SURVIVOR)
    return groups


def claim(rng: Random, group: Group, start: int) -> Item:
    return {
        "ansprakid": f"A{between(rng, 10**8, 10**9 - 1)}",
        "ankomstdatum": iso(start - between(rng, 20, 120)),
        "formansgrupp": pm_code(*group),
        "yrkadPeriod": pm_span(iso(start)),
    }


def _basis(rng: Random, kind: str) -> Item:
    if kind == "PM:GARP":
        return {
            "garp": {
                "antal40delar": between(rng, 20, 40),
                "inkomstpensionForGarantipension": between(rng, 2000, 9000),
            }
        }
    if kind == "PM:TP":
        return {"tp": {"medelpoang": between(rng, 100, 500) / 100, "arMedPensionspoang": between(rng, 5, 40)}}
    if kind in ("PM:OP", "PM:BP"):
        return {kind[3:].lower(): {"efterlevandepensionsunderlag": between(rng, 90_000, 400_000), "procent": 55}}
    return {"ip": {"ylAvdrag": 0}} if kind == "PM:IP" else {}


def _extra(scene: Scene, group: Group) -> Item:
    rng = scene.rng
    if group == OLD_AGE:
        civil = pick(rng, (("OGIFT", "Ogift"), ("GIFT", "Gift")))
        extra: Item = {
            "samordningMedPensionFranAnnatLand": rng.random() < 0.05,
            "anvantCivilstand": pm_code(*civil),
        }
        return {"allmanpension": extra}
    if group == HOUSING:
        cost = between(rng, 60_000, 110_000)
        basis: Item = {"bostadskostnadBrutto": cost, "bostadskostnadNettoBt": int(cost * 0.93)}
        if rng.random() < 0.3:
            basis |= {"medsokande": child(rng, scene.today, 65, 85)["personnummer"]}
        return {"bostadsInkomststod": {"berakningsunderlag": basis}}
    dead = deceased(rng, scene.today)
    row = {"person": dead["personnummer"], "dodsfallsdatum": dead["avled"][0], "fodelsedatum": dead["foddes"]}
    other = [{"person": child(rng, scene.today)["personnummer"]}] if rng.random() < 0.5 else []
    return {"efterlevandeformaner": {"avlidna": [row], "ovrigaBerattigadeEfterlevande": other}}


def decision(scene: Scene, group: Group, start: int, *, refused: bool = False) -> Item:
    """One decision; a refusal carries no compensation."""
    rng = scene.rng
    outcome = pm_code("AVSLAG", "Avslag") if refused else pm_code("BIFALL", "Bifall")
    status = pm_code("PRELIMINART", "Preliminärt") if rng.random() < 0.05 else pm_code("SLUTLIGT", "Slutligt")
    made: Item = {
        "beslutsid": f"B{between(rng, 10**8, 10**9 - 1)}",
        "beslutsdatum": iso(start - between(rng, 1, 20)),
        "formansgrupp": pm_code(*group),
        "beslutsstatus": status,
        "beslutsutfall": outcome,
    }
    if refused:
        return made
    kinds = KINDS[group][: between(rng, 1, 3)]
    made |= {"beslutadErsattning": [_compensation(rng, kind, start) for kind in kinds]}
    return made | {"tillagg": _extra(scene, group)}


def _compensation(rng: Random, kind: Group, start: int) -> Item:
    amount = {"belopp": between(rng, 900, 19_000), "beloppsfrekvens": pm_code("MANAD", "Månad")}
    part: Item = {"beslutatBelopp": amount, "period": pm_span(iso(start)), "ersattningstyp": pm_code(*kind)}
    basis = _basis(rng, kind[0])
    part |= {"omfattning": pick(rng, (0.25, 0.5, 0.75, 1.0, 1.0, 1.0))}
    return part | ({"underlag": basis} if basis else {})


def payment(rng: Random, groups: list[Group], day: int) -> Item:
    """A monthly payment, with a row for each kind of compensation; gross less deductions is net."""
    rows = [_row(rng, group) for group in groups]
    gross: int = sum(row["belopp"] for row in rows)
    deductions: list[Item] = [{"belopp": int(gross * 0.22), "avdragstyp": pm_code("PM:PS", "Preliminär skatt")}]
    if rng.random() < 0.04:
        deductions.append({"belopp": between(rng, 100, 900), "avdragstyp": pm_code("PM:UTMATNING", "Utmätning")})
    net = gross - sum(row["belopp"] for row in deductions)
    return {
        "utbetalningsdatum": iso(day),
        "utbetalningsperiod": pm_span(iso(day - 18), iso(day + 11)),
        "bruttobelopp": gross,
        "nettobelopp": net,
        "avdrag": deductions,
        "utbetalningsrader": rows,
    }


def _row(rng: Random, group: Group) -> Item:
    kind = KINDS[group][0]
    return {
        "formansgrupp": pm_code(*group),
        "belopp": between(rng, 2500, 21_000),
        "utbetalningsforman": pm_code(*PAID_AS[group]),
        "beloppstyp": pm_code(*AMOUNT_TYPES.get(kind[0], kind)),
    }


def certificate(day: int, status: int) -> Item:
    return {
        "informationstyp": pm_code("PM:LINT", INFO["PM:LINT"]),
        "levnadsintyg": {
            "senastUppdaterad": iso(day),
            "levnadsintygsstatus": pm_code(status, LIFE_STATUS[status]),
        },
    }


def _account(rng: Random) -> Item:
    event = {
        "kontohandelsetyp": pm_code("ARSOMRAKNING", "Årsomräkning"),
        "kontohandelsetidpunkt": "2026-01-01T00:00:00Z",
        "kontotransaktioner": [
            {"kontotransaktionstyp": pm_code("INDEXERING", "Indexering"), "belopp": between(rng, 100, 90_000)}
        ],
    }
    value = {
        "varde": between(rng, 90_000, 3_900_000),
        "gallerFrom": "2026-01",
        "faststallelsear": "2025",
        "kontohandelse": event,
    }
    account = {"kontotyp": pm_code("IP", "Inkomstpension"), "kontovarden": [value]}
    return {
        "informationstyp": pm_code("PM:PBH", INFO["PM:PBH"]),
        "pensionsbehallning": {"pensionskonton": [account]},
    }


def _earned(rng: Random) -> Item:
    year = {
        "artal": "2024",
        "pensionsgrundandeInkomst": between(rng, 90_000, 580_000),
        "pensionsgrundandeBeloppForStudier": 0,
    }
    return {"informationstyp": pm_code("PM:PU", INFO["PM:PU"]), "pensionsunderlag": {"intjanandear": [year]}}


def other_information(scene: Scene) -> list[Item]:
    rng, rows = scene.rng, []
    if scene.age >= 64 and rng.random() < 0.08:
        rows.append(certificate(scene.today - between(rng, 1, 150), pick(rng, (1, 2, 2, 4, 7))))
    if rng.random() < 0.05:
        rows.append(_account(rng))
    if rng.random() < 0.05:
        rows.append(_earned(rng))
    return rows


def payday(today: int) -> int:
    """The last 18th of a month on or before the day, near enough: 18 days into a month of 30."""
    return today - (today - 18) % 30


def pension_sections(scene: Scene) -> dict[str, list[Item]]:
    """All that the agency knows about the person; empty for most below pension age."""
    rng, groups = scene.rng, groups_of(scene)
    sections: dict[str, list[Item]] = {"ovrigInformation": other_information(scene)}
    if groups:
        start = scene.today - between(rng, 200, 2500)
        day = payday(scene.today)
        sections |= {"ansprak": [claim(rng, group, start) for group in groups]}
        sections |= {"beslut": [decision(scene, g, start, refused=rng.random() < 0.04) for g in groups]}
        sections |= {"utbetalningar": [payment(rng, groups, day)]}
        if rng.random() < 0.3:
            sections |= {"preliminaraUtbetalningar": [payment(rng, groups, day + 30)]}
    return {name: rows for name, rows in sections.items() if rows}
