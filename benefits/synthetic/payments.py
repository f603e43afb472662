"""FK's payments: effectuated and preliminary, monthly, daily and retro, with rows for tax and deductions."""

from random import Random

from .draw import Item, between, code, iso, money, pick, share, span
from .scene import Scene, month

KINDS = {1: "Månad", 2: "Daglig", 3: "Retro", 4: "Presumtiv"}
MONTHLY = (
    ("BOB", "Bostadsbidrag"), ("US", "Underhållsstöd"), ("ABB", "Barnbidrag"), ("OMV", "Omvårdnadsbidrag"),
    ("SA", "Sjukersättning"), ("BTI", "Bostadstillägg"), ("MEK", "Merkostnadsersättning"),
)  # fmt: skip
DAILY = (
    ("SJP", "Sjukpenning"), ("SJP", "Sjukpenning"), ("FP", "Föräldrapenning"),
    ("TFP", "Tillfällig föräldrapenning"), ("GP", "Graviditetspenning"), ("NP", "Närståendepenning"),
    ("RBE", "Rehabiliteringsersättning"),
)  # fmt: skip
ACTIVITY = ("AS", "Aktivitetsstöd")
DAILY_FAMILY = ("DAG", "Dagersättning")
TAX = ("PS", "Preliminär skatt")
DEDUCTIONS = (
    ("INF", "Utmätning"),
    ("KVI", "Kvittning"),
    ("SOC", "Socialavdrag"),
    ("INC", "Innehållet för CSN"),
)
UNTAXED = {"BOB", "US", "ABB", "BTI", "MEK"}

Benefit = tuple[str, str]


def gross_row(benefit: Benefit, period: Item, amount: float, **more: object) -> Item:
    """A row of compensation; its amount type is the benefit's code (ours: the true list is not public)."""
    row: Item = {"forman": code(*benefit), "period": period, "beloppstyp": code(*benefit)}
    return row | more | {"bruttobelopp": money(amount)}


def tax_row(benefit: Benefit, period: Item, amount: float) -> Item:
    return {
        "forman": code(*benefit),
        "period": period,
        "beloppstyp": code(*TAX),
        "skattebelopp": money(amount),
    }


def deduction_row(benefit: Benefit, period: Item, kind: Benefit, amount: float) -> Item:
    return {
        "forman": code(*benefit),
        "period": period,
        "beloppstyp": code(*kind),
        "avdragsbelopp": money(amount),
    }


def payment(kind: int, family: Benefit, day: int, period: Item, rows: list[Item]) -> Item:
    """A payment with its totals; the deducted total includes the tax."""
    gross, tax, other = (_sum(rows, field) for field in ("bruttobelopp", "skattebelopp", "avdragsbelopp"))
    return {
        "typ": code(kind, KINDS[kind]),
        "foretag": code(1001, "Försäkringskassan"),
        "formansfamilj": code(*family),
        "datum": iso(day),
        "period": period,
        "bruttobelopp": money(gross),
        "skattebelopp": money(tax),
        "avdragsbelopp": money(round(tax + other, 2)),
        "nettobelopp": money(round(gross - tax - other, 2)),
        "utbetalningsdetalj": rows,
    }


def _sum(rows: list[Item], field: str) -> float:
    return round(sum(row[field]["summa"] for row in rows if field in row), 2)


def daily_payment(rng: Random, day: int, benefits: list[Benefit], *, kind: int = 2, back: int = 14) -> Item:
    """Days paid for; several benefits may stand in one payment, and then the family alone says little."""
    period, rows = span(iso(day - back), iso(day - 1)), []
    for benefit in benefits:
        days = between(rng, 1, 10)
        amount = days * between(rng, 3800, 11_160) / 10
        rows.append(gross_row(benefit, period, amount, omfattning=share(1, 1), dagar=days))
        rows.append(tax_row(benefit, period, int(amount * 0.3)))
    if rng.random() < 0.1:
        rows.append(deduction_row(benefits[0], period, pick(rng, DEDUCTIONS), between(rng, 50, 300)))
    if rng.random() < 0.05:
        rows[0] |= {"timmar": rows[0]["dagar"] * 8}
    return payment(kind, DAILY_FAMILY, day, period, rows)


def monthly_payment(rng: Random, day: int, benefit: Benefit, amount: int) -> Item:
    period = span(month(day), month(day))
    rows = [gross_row(benefit, period, amount)]
    if benefit[0] not in UNTAXED:
        rows.append(tax_row(benefit, period, int(amount * 0.3)))
    if rng.random() < 0.04:
        rows.append(deduction_row(benefit, period, pick(rng, DEDUCTIONS), between(rng, 100, 700)))
    return payment(1, benefit, day, period, rows)


def retro_payment(rng: Random, day: int, benefit: Benefit, back: int) -> Item:
    """Paid now for days long past: what a window on the period's dates would miss."""
    start = day - back
    period, days = span(iso(start), iso(start + 13)), between(rng, 2, 10)
    amount = days * between(rng, 250, 1100)
    rows = [gross_row(benefit, period, amount, dagar=days), tax_row(benefit, period, int(amount * 0.3))]
    return payment(3, DAILY_FAMILY, day, period, rows)


def waiting_day_payment(rng: Random) -> Item:
    """The compensation of spring 2020 for the waiting day: 700 kr, 30 % tax, and no case behind it."""
    start = 737_495 + between(rng, 0, 60)  # day number of 2020-03-11, the first day it was paid for
    period = span(iso(start), iso(start))
    rows = [gross_row(DAILY[0], period, 700, dagar=1), tax_row(DAILY[0], period, 210)]
    return payment(2, DAILY_FAMILY, start + 30, period, rows)


def equal_pair(rng: Random, day: int) -> list[Item]:
    """Two payments on one day that are alike in every field: two, not one."""
    start = daily_payment(rng, day, [DAILY[0]])
    return [start, dict(start)]


def effectuated(scene: Scene) -> list[Item]:
    """Payments that have started: mostly two or three of one kind."""
    rng, today, lot = scene.rng, scene.today, scene.rng.random()
    if lot < 0.45:
        benefit, amount = pick(rng, MONTHLY), between(rng, 1250, 14_000)
        return [monthly_payment(rng, today - 30 * n, benefit, amount) for n in range(between(rng, 1, 3))]
    if lot < 0.8:
        return [daily_payment(rng, today - 14 * n, [pick(rng, DAILY)]) for n in range(between(rng, 1, 2))]
    if lot < 0.88:
        return [daily_payment(rng, today - between(rng, 1, 60), [DAILY[2], DAILY[0]])]
    if lot < 0.92:
        return [retro_payment(rng, today - between(rng, 1, 60), pick(rng, DAILY), between(rng, 90, 400))]
    return equal_pair(rng, today - between(rng, 1, 60)) if lot < 0.95 else [waiting_day_payment(rng)]


def preliminary(scene: Scene) -> list[Item]:
    """Decided, not yet started: days ahead."""
    rng, day = scene.rng, scene.today + between(scene.rng, 1, 20)
    if rng.random() < 0.5:
        return [monthly_payment(rng, day, pick(rng, MONTHLY), between(rng, 1250, 14_000))]
    return [daily_payment(rng, day, [pick(rng, DAILY)], kind=4 if rng.random() < 0.1 else 2)]
