"""Sections without cases: own details, income, tax number, earnings, life certificate, programmes."""

from random import Random

from .draw import Item, between, code, iso, money, pick
from .people import address, child, relative
from .scene import Scene, extent, period
from .words import EMPLOYERS, TOWNS

CIVIL = ("Okänd", "Ogift", "Gift", "Registrerat partnerskap", "Efterlevande partner", "Skild")
COUNTRIES = (("SE", "Sverige"), ("FI", "Finland"), ("SY", "Syrien"), ("BE", "Belgien"), ("SO", "Somalia"))
LIFE_STATUS = {
    0: "Förfrågan till kund skall skickas",
    1: "Förfrågan till kund har skickats",
    2: "Intyg komplett",
    3: "Intyg ej komplett",
    4: "Påminnelsebrev har skickats",
    5: "Förmåner har spärrats",
    7: "Hanteras av TESS (maskinellt utbyte)",
    8: "Intyg komplett med förändringar",
    10: "Ej intyg komplett har inkommit efter spärr",
    22: "Ej skickat. Personen är avliden/avregistrerad",
}
PROGRAMMES = (
    (1, "Förberedande insatser"),
    (8, "Arbetsmarknadsutbildning"),
    (53, "Jobb- och utvecklingsgaranti"),
)


def own_details(scene: Scene) -> list[Item]:
    """Address, home, civil status; for some also workplaces, children, relatives and citizenship.

    Number, name, protection and death are not drawn here: they are facts, put in when a line is written.
    """
    rng = scene.rng
    details: Item = {"adress": [address(rng)], "folkbokford": [_home(rng)]}
    civil = 1 if scene.age < 25 else pick(rng, (1, 2, 2, 5))
    details |= {"civilstand": code(civil, CIVIL[civil])}
    if rng.random() < 0.04:
        details["adress"] = [address(rng, role=2), *details["adress"], address(rng, role=3)]
    if rng.random() < 0.1:
        details |= {"barn": [child(rng, scene.today, 0, 17, scene.surname)]}
    if civil == 2 and rng.random() < 0.2:
        details |= {"samhorig": [relative(rng, scene.birth.day - 2000, scene.birth.day + 2000, scene.surname)]}
    if rng.random() < 0.1:
        details |= {"medborgarskap": [{"land": dict(zip(("kod", "namn"), pick(rng, COUNTRIES), strict=True))}]}
    if scene.age < 67 and rng.random() < 0.1:
        details |= {"arbetsstallen": [_workplace(scene)]}
    return [details]


def _home(rng: Random) -> Item:
    town = pick(rng, TOWNS)
    return {"lan": town[3], "kommun": town[4]}


def _workplace(scene: Scene) -> Item:
    rng = scene.rng
    name = pick(rng, EMPLOYERS)
    boss = relative(rng, scene.today - 60 * 365, scene.today - 30 * 365).get("namn", "Växeln")
    employer = {
        "namn": name,
        "organisationsnummer": f"559999{between(rng, 0, 9999):04d}",
        "adress": address(rng, role=2),
    }
    contact = {"namn": boss, "telefon": ["070-174 06 05"], "epost": ["kontakt@example.se"]}
    return {
        "nummer": f"{between(rng, 0, 99_999_999):08d}",
        "namn": name,
        "arbetsgivare": employer,
        "telefon": "08-465 004 00",
        "sysselsattning": "Undersköterska",
        "arbetstid": extent(rng),
        "adress": employer["adress"],
        "kontakt": contact,
    }


def qualifying_income(scene: Scene) -> list[Item]:
    rng = scene.rng
    income: Item = {
        "faststalldes": iso(scene.today - between(rng, 10, 900)),
        "typ": code(0, "A- eller B-inkomst"),
    }
    income |= {"anstallning": money(between(rng, 180_000, 573_000))}
    if rng.random() < 0.1:
        income |= {"verksamhet": money(between(rng, 20_000, 200_000)), "karens": pick(rng, (1, 7, 14, 30))}
    return [income | {"dagar": 260, "timmar": 2080}]


def tax_number(scene: Scene) -> list[Item]:
    return [{"skatteredovisningsnummer": f"SE{between(scene.rng, 10**9, 10**10 - 1)}01"}]


def life_certificate(scene: Scene) -> list[Item]:
    status = pick(scene.rng, (0, 1, 1, 2, 2, 2, 3, 4, 7, 8))
    return [life_status(scene.today - between(scene.rng, 1, 150), status)]


def life_status(day: int, status: int) -> Item:
    return {"uppdaterades": f"{iso(day)}T04:15:00", "status": code(status, LIFE_STATUS[status])}


def earnings_balance(scene: Scene) -> list[Item]:
    rng = scene.rng
    return [
        {
            "belopp": money(between(rng, 90_000, 3_900_000)),
            "premiepensionBelopp": money(between(rng, 9000, 900_000)),
        }
    ]


def earnings(scene: Scene) -> list[Item]:
    """Pension earnings of a year or two, with the basis of each."""
    rng, year = scene.rng, 2025
    return [_earned_year(scene, year - n) for n in range(between(rng, 1, 2))]


def _earned_year(scene: Scene, year: int) -> Item:
    """One year; the contract gives bases, ceiling and points as lists of none or one."""
    rng = scene.rng
    income, points = between(rng, 120_000, 580_000), between(rng, 100, 650) / 100
    right = {"typ": code("prutb", "Pensionsrätt för inkomstpension"), "belopp": money(int(income * 0.16))}
    kept = {"typ": code("pbhutb", "Pensionsbehållning för inkomstpension"), "belopp": money(income * 3)}
    bases = {
        "pensionsunderlag": [_pension_basis(scene, year, income)],
        "poangunderlag": [_points(points, income)],
    }
    year_row = {"ar": year, "underlag": bases, "pensionsratter": [right], "pensionsbehallningar": [kept]}
    return year_row | {"poang": [points]}


def _pension_basis(scene: Scene, year: int, income: int) -> Item:
    amount = {"typ": code("pu", "Pensionsunderlag inkomstpension"), "belopp": money(income)}
    basis: Item = {"uppdaterades": f"{year + 1}-12-10", "andringsanledning": "Årlig beräkning"}
    basis |= {"intjanandetak": [money(599_250)], "forvarvsvillkorsar": "Ja", "belopp": [amount]}
    if scene.age < 35 and scene.rng.random() < 0.3:
        studies = {"belopp": money(31_000), "studiebidrag": money(22_500.5)}
        basis |= {"underlagPgbForStudier": [studies]}
    return basis


def _points(points: float, income: int) -> Item:
    return {
        "basbelopp": [money(58_800)],
        "vardar": False,
        "poang": [{"typ": code("apoang", "A-poäng"), "summa": points}],
        "inkomster": [{"typ": code("pgi", "PGI"), "belopp": money(income)}],
    }


def programme_referral(scene: Scene) -> list[Item]:
    start = scene.today - between(scene.rng, 10, 300)
    programme = code(*pick(scene.rng, PROGRAMMES))
    return [
        {
            "period": period(scene.rng, start, start + 180),
            "omfattning": extent(scene.rng),
            "program": programme,
        }
    ]


def programme_days(scene: Scene) -> list[Item]:
    used = between(scene.rng, 0, 450)
    return [{"antalForbrukade": used, "harForbrukatMaxAntal": used == 450}]


def student_notice(scene: Scene) -> list[Item]:
    start = scene.today - between(scene.rng, 30, 200)
    kind = pick(scene.rng, ((2, "Beslut"), (4, "Utbetalning"), (7, "Ej utnyttjat stöd")))
    return [{"typ": code(*kind), "period": period(scene.rng, start, start + 140)}]


def maintenance_debt(scene: Scene) -> list[Item]:
    return [{"belopp": money(between(scene.rng, 1673, 89_000))}]


def settlement(scene: Scene) -> list[Item]:
    """One year of the stepless settlement of sickness compensation against earnings."""
    rng, year = scene.rng, between(scene.rng, 2019, 2025)
    earned, free = between(rng, 50_000, 190_000), 58_800
    over = max(0, earned - free)
    amounts = {
        "arsinkomstISverige": earned,
        "arsinkomstIAnnatLand": 0,
        "fribelopp": free,
        "mellanskillnad": over,
        "tillagg": 0,
        "avgift": 0,
        "utbetalning": 0,
        "aterkrav": over // 2,
    }
    return [{"artal": str(year)} | {name: [money(amount)] for name, amount in amounts.items()}]
