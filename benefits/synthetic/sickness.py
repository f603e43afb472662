"""Cases whose days are counted: sickness, rehabilitation, parental benefit and their kin."""

from random import Random

from .draw import Item, between, code, iso, money, pick, share
from .people import child
from .scene import EXTENTS, Scene, case_head, decided, extent, period

SICKNESS = ("SJP", "Sjukpenning")
SICKNESS_LIKE = {
    "sjukpenningarende": (SICKNESS, ("", "SJUKPENNING_UNDER_REDARSKYDDAD_TID", "ARBETSRESOR")),
    "forebyggandeSjukpenningsarende": (
        ("FSJP", "Förebyggande sjukpenning"),
        ("FOREBYGGANDE_SJUKPENNING", "FOREBYGGANDE_SJUKPENNING_SF"),
    ),
    "rehabersattningsarende": (
        ("RBE", "Rehabiliteringsersättning"),
        ("REHABPENNING", "RESERSATTNING", "KURSAVGIFT"),
    ),
}
DAY_LEVELS = (("S", "Sjukpenningsnivå"), ("S", "Sjukpenningsnivå"), ("G", "Grundnivå"), ("L", "Lägstanivå"))
TEMPORARY = (
    "Tillfällig föräldrapenning (vanlig)",
    "Tillfällig föräldrapenning för kontaktdag",
    "Tillfällig föräldrapenning i samband med barns födelse",
)


def paid_days(rng: Random, start: int, days: int) -> list[Item]:
    """Up to four day rows; the first may carry the waiting-period deduction of Swedish sick pay."""
    amount = between(rng, 3200, 8240) / 10
    rows: list[Item] = [
        {"ersattningsdatum": iso(start + n), "ersattningsbelopp": money(amount)} for n in range(min(days, 4))
    ]
    if rng.random() < 0.3:
        rows[0] |= {"karensavdragsbelopp": money(round(amount / 5, 2))}
    return rows


def sickness_decision(rng: Random, section: str, start: int, end: int | None, *, refused: bool = False) -> Item:
    benefit, kinds = SICKNESS_LIKE[section]
    decision = decided(rng, start + between(rng, 3, 25), benefit)
    decision |= {"period": period(rng, start, end), "beslutsutfall": "AVSLAG" if refused else "BEVILJAN"}
    decision |= {"beslutstyp": "INTERMISTISKT" if rng.random() < 0.05 else "SLUTLIGT"}
    if refused:
        return decision | {"ersattningsniva": "INGEN"}
    days = 14 if end is None else end - start + 1
    kind = pick(rng, kinds)
    decision |= {"omfattning": extent(rng), "dagar": days, "karens": rng.random() < 0.2}
    decision |= {"ersattningsniva": "FORTSATTNING" if days > 364 else "NORMAL"}
    decision |= {"ersattning": kind} if kind else {}
    return decision | {"ersattningsdagar": paid_days(rng, start, days)}


def sickness_case(
    rng: Random, section: str, start: int, *, decisions: int, active: bool, refused: bool = False
) -> Item:
    """A case of back-to-back decisions; the last one of an active case is open."""
    case = case_head(rng, start, active=active, refused=None)
    rows, day = [], start
    for n in range(decisions):
        end = None if active and n == decisions - 1 else day + between(rng, 13, 60)
        rows.append(sickness_decision(rng, section, day, end, refused=refused))
        day = (end or day) + 1
    return case | {"beslut": rows}


def sickness(section: str, scene: Scene) -> list[Item]:
    """One or two cases; a second one may overlap the first."""
    rng, cases = scene.rng, []
    for n in range(1 if rng.random() < 0.75 else 2):
        start = scene.today - between(rng, 20, 500)
        active = n == 0 and rng.random() < 0.5
        refused = not active and rng.random() < 0.12
        count = 1 if refused else between(rng, 1, 3)
        cases.append(sickness_case(rng, section, start, decisions=count, active=active, refused=refused))
    return cases


def _parental_decision(rng: Random, start: int, days: int) -> Item:
    level, amount = code(*pick(rng, DAY_LEVELS)), between(rng, 180, 1116)
    decision = decided(rng, start + 5, ("FP", "Föräldrapenning"))
    decision |= {"period": period(rng, start, start + days - 1), "omfattning": extent(rng), "dagar": days}
    decision |= {"ersattning": code(5, "Dubbeldagar") if rng.random() < 0.1 else code(3, "Vanliga dagar")}
    rows = [{"dag": iso(start + n), "niva": level, "bruttobelopp": money(amount)} for n in range(min(days, 5))]
    return decision | {"ersattningsdagar": rows}


def parental(scene: Scene) -> list[Item]:
    """Parental benefit for one or two children, with day rows and days applied for."""
    rng, cases = scene.rng, []
    for _ in range(1 if rng.random() < 0.7 else 2):
        start = scene.today - between(rng, 10, 300)
        case = case_head(rng, start, active=rng.random() < 0.7, refused=rng.random() < 0.05)
        case |= {"grunduppgifter": {"barn": child(rng, scene.today, 0, 3, scene.surname)}}
        if not case["avslaget"]:
            blocks = between(rng, 1, 2)
            case |= {"beslut": [_parental_decision(rng, start + 30 * n, between(rng, 2, 20)) for n in range(blocks)]}
        wanted = start + 90
        case |= {
            "anspraksdagar": [
                {"dag": iso(wanted + n), "niva": code("S", "Sjukpenningsnivå"), "omfattning": share(1, 1)}
                for n in range(between(rng, 1, 3))
            ]
        }
        cases.append(case)
    return cases


def _assessed_days(rng: Random, start: int) -> list[Item]:
    return [
        {
            "dag": iso(start + n),
            "bedomtBelopp": money(between(rng, 700, 1200)),
            "inkomsttyp": code(1, "A-inkomst"),
            "berakningssatt": code(1, "Timberäknad"),
        }
        for n in range(between(rng, 1, 3))
    ]


def temporary_parental(scene: Scene) -> list[Item]:
    """Care of a sick child: short cases, several a winter."""
    rng, cases = scene.rng, []
    kid = child(rng, scene.today, 1, 11, scene.surname)
    for _ in range(between(rng, 1, 2)):
        start, kind = scene.today - between(rng, 5, 200), between(rng, 1, 3)
        decision = decided(rng, start + 10, ("TFP", "Tillfällig föräldrapenning"))
        decision |= {"period": period(rng, start, start + 2), "omfattning": extent(rng), "dagar": 3}
        decision |= {
            "bedomdadagar": _assessed_days(rng, start),
            "ersattning": code(kind, TEMPORARY[kind - 1]),
        }
        case = case_head(rng, start, active=False) | {"grunduppgifter": {"barn": kid}}
        cases.append(case | {"beslut": [decision]})
    return cases


def short_case(scene: Scene, benefit: tuple[str, str], rewards: tuple[str, ...] = (), **extra: bool) -> list[Item]:
    """Pregnancy, closely related person, disease carrier and total defence: a case of some days or weeks."""
    rng = scene.rng
    start = scene.today - between(rng, 20, 400)
    length = between(rng, 3, 60)
    case = case_head(rng, start, active=rng.random() < 0.4, refused=rng.random() < 0.08)
    if case["avslaget"]:
        return [case]
    decision = decided(rng, start + 7, benefit)
    decision |= {"period": period(rng, start, start + length - 1), "omfattning": share(*pick(rng, EXTENTS))}
    decision |= {"dagar": length, **extra}
    if rewards:
        n = between(rng, 1, len(rewards))
        decision |= {"ersattning": code(n, rewards[n - 1])}
    return [case | {"beslut": [decision]}]
