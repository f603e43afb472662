"""Cases paid by the month: children, homes, disability, injury and pension cases of FK's model."""

from collections.abc import Callable
from random import Random

from .draw import Item, between, code, iso, money, pick, share
from .people import address, child, deceased, relative
from .scene import Scene, case_head, decided, extent, month, monthly, period

Part = Callable[[Scene], Item]

MEASURES = ((8, "AMU-reguljär"), (40, "Arbetspraktik"), (53, "Jobb och utvecklingsgaranti, fas 1 och 2"))
INJURY_CAUSES = (
    (1, "Arbetsoförmåga till följd av arbetssjukdom"),
    (2, "Arbetsoförmåga till följd av olycksfall i arbetet"),
    (3, "Arbetsoförmåga till följd av färdolycksfall"),
)
OLD_EMPLOYERS = (
    (10, "Arbetsskador i allmänhet"),
    (50, "Statens Järnvägar"),
    (51, "Posten"),
    (54, "Vattenfall"),
)


def long_case(
    scene: Scene,
    benefit: tuple[str, str],
    amounts: tuple[int, int],
    *,
    sub: tuple[str, str] | None = None,
    head: bool = True,
    refusals: float = 0.0,
    basics: Part | None = None,
    basis: Part | None = None,
    details: Part | None = None,
    companions: float = 0.0,
) -> list[Item]:
    """One case with one or two decisions about a monthly amount, open at the end as a rule."""
    rng = scene.rng
    start, active = scene.today - between(rng, 60, 1500), rng.random() < 0.85
    refused = rng.random() < refusals
    case = case_head(rng, start, active=active and not refused, refused=refused) if head else {}
    if basics:
        case |= {"grunduppgifter": basics(scene)}
    if rng.random() < companions:
        case |= {"medsokande": [companion(scene)]}
    if refused:
        return [case]
    ends = [start + 365, None if active else start + 700] if rng.random() < 0.3 else [None]
    rows, day = [], start
    for end in ends:
        decision = decided(rng, day + 10, benefit) | ({"delforman": code(*sub)} if sub else {})
        decision |= {"period": period(rng, day, end, coarse=rng.random() < 0.3)} | monthly(rng, *amounts)
        decision |= {"underlag": basis(scene)} if basis else {}
        rows.append(decision | (details(scene) if details else {}))
        day = (end or day) + 1
    return [case | {"beslut": rows}]


def companion(scene: Scene) -> Item:
    """The one who applies for housing money together with the person; about the same age."""
    return relative(scene.rng, scene.birth.day - 2500, scene.birth.day + 2500)


def the_child(scene: Scene) -> Item:
    return {"barn": child(scene.rng, scene.today, 0, 15, scene.surname)}


def the_deceased(scene: Scene) -> Item:
    return {"avliden": deceased(scene.rng, scene.today)}


def coordinated_survivor(scene: Scene) -> Item:
    """As `coordinated`, where the contract gives the extent as a list of none or one."""
    rest = coordinated(scene)
    return rest | {"omfattning": [rest["omfattning"]]}


def extent_only(scene: Scene) -> Item:
    return {"omfattning": extent(scene.rng)}


def coordinated(scene: Scene) -> Item:
    """What is left after other compensation has been taken into account, and the extent."""
    return {"samordnatBruttobelopp": money(between(scene.rng, 1000, 9000)), "omfattning": extent(scene.rng)}


def schooling(scene: Scene) -> Item:
    return {"skolgang": True, "myndighetsplacering": scene.rng.random() < 0.03}


def housing_costs(scene: Scene) -> Item:
    rng = scene.rng
    cost = between(rng, 5200, 13900)
    basis: Item = {
        "reduceradBostadskostnad": money(cost - 1400),
        "totalBostadskostnad": money(cost),
        "inkomster": [money(between(rng, 90_000, 290_000))],
        "hemmavarandeBarn": [child(rng, scene.today, 1, 17, scene.surname)],
    }
    if rng.random() < 0.2:
        basis |= {"vaxelvisboendeBarn": [child(rng, scene.today, 3, 17)]}
    if rng.random() < 0.1:
        basis |= {"tidvisboendeBarn": [child(rng, scene.today, 3, 17)]}
    return basis


def supplement_costs(scene: Scene) -> Item:
    cost = between(scene.rng, 60_000, 110_000)
    return {
        "arsbruttokostnad": money(cost),
        "bostadstillaggsnettokostnad": money(cost * 0.93),
        "forsorjningsstodsarsnettokostnad": money(cost * 0.5),
    }


def own_child_allowance(scene: Scene) -> Item:
    """The basis of a child allowance paid to the child, or to the place where it lives."""
    rng = scene.rng
    basis: Item = {"skolgang": True, "tvaBidragsmottagare": rng.random() < 0.2}
    if rng.random() < 0.4:
        home = {
            "institution": code(2, "Familjehem"),
            "namn": "Familjehemmet Ängen & Ön",
            "adress": address(rng),
        }
        basis |= {"institutionsplacering": [home], "utbetalningsmottagare": "MYNDIGHETSUTBETALNING"}
    else:
        basis |= {"utbetalningsmottagare": scene.birth.number}
    return basis | {"utbetalningsdatum": month(scene.today + 30)}


def own_child_basics(scene: Scene) -> Item:
    birth = scene.birth
    person = {"personnummer": birth.number, "foddes": iso(birth.day), "namn": scene.name, "skyddad": False}
    return {"personuppgift": person}


def measure(scene: Scene) -> Item:
    return {"atgardstyp": code(*pick(scene.rng, MEASURES))}


def activity_days(scene: Scene) -> Item:
    kind = pick(scene.rng, ((1, "Aktivitetsstöd"), (3, "Utvecklingsersättning")))
    return {
        "dagar": between(scene.rng, 5, 120),
        "karens": scene.rng.random() < 0.2,
        "ersattning": code(*kind),
    }


def injury(scene: Scene) -> Item:
    rng = scene.rng
    before = between(rng, 240_000, 520_000)
    return {
        "uppdaterades": iso(scene.today - between(rng, 1, 300)),
        "arbetsgivare": code(10, "Arbetsskador i allmänhet"),
        "skadetillfalle": iso(scene.today - between(rng, 2000, 9000)),
        "orsak": code(*pick(rng, INJURY_CAUSES)),
        "arsinkomstInnanSkada": money(before),
        "arsinkomstEfterSkada": money(before // 2),
    }


def fatal_injury(scene: Scene) -> Item:
    basics = injury(scene) | {"orsak": code(6, "Omställningslivränta")} | the_deceased(scene)
    basics.pop("arsinkomstEfterSkada")
    return basics


def annuity_basis(scene: Scene) -> Item:
    rng = scene.rng
    return {
        "faktor": between(rng, 40, 100) / 100,
        "samordningsandel": share(1, between(rng, 2, 4)),
        "bruttoforhojning": money(between(rng, 0, 900)),
        "pensionsgrundandeInkomst": money(between(rng, 100_000, 400_000)),
    }


def annuity_details(scene: Scene) -> Item:
    return {"samordnatBruttobelopp": money(between(scene.rng, 900, 8000)), "ersattning": code(0, "Vanlig")}


def old_injury(scene: Scene) -> Item:
    """An injury under the old law; of some only the year is known."""
    return {
        "arbetsgivare": [code(*pick(scene.rng, OLD_EMPLOYERS))],
        "skadetillfalle": str(between(scene.rng, 1962, 1976)),
        "orsak": [code(1, "Olycksfall")],
    }


def old_fatal_injury(scene: Scene) -> Item:
    return old_injury(scene) | {"orsak": [code(1, "Änka/änkling")]} | the_deceased(scene)


def old_basis(scene: Scene) -> Item:
    return {"faktor": share(between(scene.rng, 1, 11), 12)}


def tax_free(scene: Scene) -> Item:
    return {"ersattning": code(1, "Skattefri")} if scene.rng.random() < 0.3 else {}


def insured_time(scene: Scene) -> Item:
    """Insured time; the contract gives each of the four as a list of none or one."""
    rng = scene.rng
    days = {"Ar": between(rng, 10, 40), "Manad": between(rng, 0, 11), "Dag": between(rng, 0, 29)}
    share_of_forty = {"forsakringstid": [share(between(rng, 20, 40), 40)]}
    return share_of_forty | {f"forsakringstidGsa{unit}": [count] for unit, count in days.items()}


def maintenance(scene: Scene) -> Item:
    kind = pick(scene.rng, ((1, "Helt"), (2, "Reducerat"), (4, "Utfyllnad")))
    return {"ersattning": code(*kind)}


def old_care(scene: Scene) -> Item:
    return {"omfattning": extent(scene.rng), "ersattning": code(0, "Vårdbidrag (vanligt)")}


def old_care_basis(scene: Scene) -> Item:
    return {"barn": [child(scene.rng, scene.today, 4, 18, scene.surname)], "delat": scene.rng.random() < 0.2}


def child_disability(scene: Scene, benefit: tuple[str, str], refusal: int) -> list[Item]:
    """Care allowance and additional costs: one decision, with its period rows and the child it is about."""
    rng = scene.rng
    start, refused = scene.today - between(rng, 60, 900), rng.random() < 0.1
    case = case_head(rng, start, active=not refused, refused=refused)
    decision = decided(rng, start + 30, benefit) | {"beslutstatus": code("S", "Slutligt")}
    decision |= {"underlag": {"Barn": [child(rng, scene.today, 1, 18, scene.surname)]}}
    if refused:
        return [case | {"beslut": decision | {"beslutsutfall": code(refusal, "AVSLAG")}}]
    decision |= {"period": period(rng, start, None, coarse=True), **monthly(rng, 2500, 11_000)}
    decision |= {"beslutsutfall": code(2, "BEVILJANDE"), "periodbeslut": _period_rows(rng, start)}
    if rng.random() < 0.15:
        decision |= {"upphorandeManadFrom": [month(scene.today + 120)]}
    return [case | {"beslut": decision}]


def _period_rows(rng: Random, start: int) -> list[Item]:
    running = {
        "period": period(rng, start, None, coarse=True),
        "omfattning": extent(rng),
        "andel": share(1, between(rng, 1, 2)),
        "utbetalningstyp": code("L", "Löpande"),
    }
    if rng.random() < 0.7:
        return [running]
    back = period(rng, start - 90, start - 1, coarse=True)
    return [running | {"period": back, "utbetalningstyp": code("R", "Retroaktiv")}, running]


def programme_case(scene: Scene) -> list[Item]:
    """Programme compensation: decisions with a row a day."""
    rng = scene.rng
    start, amount = scene.today - between(rng, 30, 200), between(rng, 57, 1060)
    kind = pick(rng, (("AS", "Aktivitetsstöd"), ("EE", "Etableringsersättning"), ("UE", "Utvecklingsersättning")))
    decision = decided(rng, start + 6, ("PROG", "Programersättning"))
    decision |= {
        "period": period(rng, start, start + 30),
        **monthly(rng, 5000, 21_000),
        "ersattning": code(*kind),
    }
    decision |= {
        "ersattningsdagar": [
            {"dag": iso(start + n), "ersattning": code(*kind), "belopp": money(amount)} for n in range(3)
        ]
    }
    return [{"beslut": [decision | {"dagar": [iso(start + n) for n in range(3)]}]}]
