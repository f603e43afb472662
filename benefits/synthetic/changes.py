"""What a night can do to one person: each change is made to the state, or says that it does not fit."""

from collections.abc import Callable, Mapping
from random import Random

from . import people
from .draw import Item, between, code, iso, pick
from .facts import LIFE_STATUS, life_status
from .payments import DAILY, daily_payment, preliminary, retro_payment
from .pensions import KINDS as PENSIONS
from .pensions import OLD_AGE, SURVIVOR, claim, decision, payment
from .scene import extent
from .sickness import SICKNESS_LIKE, sickness_case, sickness_decision
from .state import DETAILS, LIFE, PAID, PLANNED, SICK, State

Change = Callable[[State, Random, int, bool], bool]
"""(state, generator, day, whether the person may change number) -> whether the change fitted and was made."""


def new_case(state: State, rng: Random, today: int, _: bool) -> bool:
    active = state.died is None
    state.fk.setdefault(SICK, []).append(sickness_case(rng, SICK, today - 8, decisions=1, active=active))
    return True


def refused_case(state: State, rng: Random, today: int, _: bool) -> bool:
    case = sickness_case(rng, SICK, today - 15, decisions=1, active=False, refused=True)
    state.fk.setdefault(SICK, []).append(case)
    return True


def closed_case(state: State, rng: Random, today: int, _: bool) -> bool:
    """A sickness case ends: the open end gets a day, and the case is no longer active."""
    case = _sick_case(state, active=True)
    if case is None:
        return False
    case["aktivt"] = False
    case["beslut"][-1]["period"]["till"] = iso(today)
    return True


def reopened_case(state: State, rng: Random, today: int, _: bool) -> bool:
    case = _sick_case(state, active=False)
    if case is None:
        return False
    case["aktivt"] = True
    case["beslut"].append(sickness_decision(rng, SICK, today - 2, None))
    return True


def corrected_period(state: State, rng: Random, today: int, _: bool) -> bool:
    """A decision long since made gets another first day."""
    found = _decision(state, lambda row: len(row.get("period", {}).get("fran", "")) == 10)
    if found is None:
        return False
    start = found["period"]["fran"]
    found["period"]["fran"] = iso(people.date.fromisoformat(start).toordinal() - between(rng, 1, 9))
    return True


def extent_changed(state: State, rng: Random, today: int, _: bool) -> bool:
    found = _decision(state, lambda row: "omfattning" in row)
    if found is None:
        return False
    before = found["omfattning"]
    while found["omfattning"] == before:
        found["omfattning"] = extent(rng)
    return True


def annulled_decision(state: State, rng: Random, today: int, _: bool) -> bool:
    for name in SICKNESS_LIKE:
        for case in state.fk.get(name, []):
            if len(case["beslut"]) > 1:
                case["beslut"].pop(0)
                return True
    return False


def deleted_case(state: State, rng: Random, today: int, _: bool) -> bool:
    """The only case of a section is taken away: the section is empty, and must be said to be."""
    for name, items in state.fk.items():
        if name.endswith("arende") and len(items) == 1:
            items.clear()
            return True
    return False


def retroactive_payment(state: State, rng: Random, today: int, _: bool) -> bool:
    benefit = pick(rng, (DAILY[2], DAILY[4]))
    state.fk.setdefault(PAID, []).append(retro_payment(rng, today, benefit, between(rng, 120, 400)))
    return True


def daily_payment_made(state: State, rng: Random, today: int, _: bool) -> bool:
    state.fk.setdefault(PAID, []).append(daily_payment(rng, today, [pick(rng, DAILY)]))
    return True


def mixed_payment(state: State, rng: Random, today: int, _: bool) -> bool:
    """Parental and sickness benefit in one payment."""
    state.fk.setdefault(PAID, []).append(daily_payment(rng, today, [DAILY[2], DAILY[0]]))
    return True


def preliminary_payment(state: State, rng: Random, today: int, _: bool) -> bool:
    state.fk.setdefault(PLANNED, []).extend(preliminary(state.scene(rng, today)))
    return True


def payment_effectuated(state: State, rng: Random, today: int, _: bool) -> bool:
    """A payment moves, unchanged, from the preliminary ones to the started ones."""
    if not state.fk.get(PLANNED):
        return False
    state.fk.setdefault(PAID, []).append(state.fk[PLANNED].pop(0))
    return True


def equal_payment_removed(state: State, rng: Random, today: int, _: bool) -> bool:
    """One of two payments that are alike is taken back; the other stays."""
    items = state.fk.get(PAID, [])
    for n, item in enumerate(items):
        if item in items[:n]:
            items.pop(n)
            return True
    return False


def number_changed(state: State, rng: Random, today: int, may_change: bool) -> bool:
    new = people.spare_number(state.birth, coordination=False)
    if not may_change or new == state.number:
        return False
    state.earlier = [*state.earlier, state.number]
    state.number = new
    return True


def protection_set(state: State, rng: Random, today: int, _: bool) -> bool:
    if state.protection != people.UNPROTECTED:
        return False
    state.protection = people.PROTECTED if rng.random() < 0.3 else people.MARKED
    return True


def protection_lifted(state: State, rng: Random, today: int, _: bool) -> bool:
    if state.protection == people.UNPROTECTED:
        return False
    state.protection = people.UNPROTECTED
    return True


def death(state: State, rng: Random, today: int, _: bool) -> bool:
    """A death, at times known by its month only, or not dated at all; cases and planned payments end."""
    if state.died:
        return False
    day, lot = iso(today - between(rng, 0, 6)), rng.random()
    state.died = day if lot < 0.7 else day[:7] if lot < 0.85 else people.UNKNOWN_DAY
    while closed_case(state, rng, today, False):
        pass
    if state.fk.get(LIFE):
        state.fk[LIFE] = [life_status(today, 22)]
    state.plan_nothing()
    return True


def death_date_known(state: State, rng: Random, today: int, _: bool) -> bool:
    if state.died is None or len(state.died) == 10:
        return False
    state.died = iso(today - between(rng, 20, 90))
    return True


def name_changed(state: State, rng: Random, today: int, _: bool) -> bool:
    state.name = people.new_surname(rng, state.name)
    return True


def child_protected(state: State, rng: Random, today: int, _: bool) -> bool:
    """A third person in the person's own details becomes protected: the name goes."""
    for child in state.fk[DETAILS][0].get("barn", []):
        if not child["skyddad"]:
            child["skyddad"] = True
            child.pop("namn", None)
            return True
    return False


def certificate_block(state: State, rng: Random, today: int, _: bool) -> bool:
    return _new_certificate_status(state, today, 5, unless=(5, 22))


def certificate_reopened(state: State, rng: Random, today: int, _: bool) -> bool:
    """A certificate has come in after the block, complete or not."""
    if not state.fk.get(LIFE) or state.fk[LIFE][0]["status"]["id"] != 5:
        return False
    return _new_certificate_status(state, today, 2 if rng.random() < 0.8 else 10, unless=())


def pension_decision(state: State, rng: Random, today: int, _: bool) -> bool:
    """A claim and the decision on it, refused one time in five."""
    scene = state.scene(rng, today)
    group = OLD_AGE if scene.age >= 63 else SURVIVOR
    state.pm.setdefault("ansprak", []).append(claim(rng, group, today + 30))
    state.pm.setdefault("beslut", []).append(decision(scene, group, today + 30, refused=rng.random() < 0.2))
    return True


def pension_payment_effectuated(state: State, rng: Random, today: int, _: bool) -> bool:
    """A preliminary payment starts, and the next month's takes its place."""
    planned = state.pm.get("preliminaraUtbetalningar")
    if not planned:
        return False
    done = planned.pop(0)
    state.pm.setdefault("utbetalningar", []).append(done)
    codes = {row["formansgrupp"]["kod"] for row in done["utbetalningsrader"]}
    planned.append(payment(rng, [group for group in PENSIONS if group[0] in codes], today + 30))
    return True


def pension_claim_withdrawn(state: State, rng: Random, today: int, _: bool) -> bool:
    if not state.pm.get("ansprak"):
        return False
    state.pm["ansprak"].pop()
    return True


def _new_certificate_status(state: State, today: int, status: int, unless: tuple[int, ...]) -> bool:
    if not state.fk.get(LIFE) or state.fk[LIFE][0]["status"]["id"] in unless:
        return False
    state.fk[LIFE][0] = {
        "uppdaterades": f"{iso(today)}T04:15:00",
        "status": code(status, LIFE_STATUS[status]),
    }
    return True


def _sick_case(state: State, *, active: bool) -> Item | None:
    """The first case of the asked kind that was granted."""
    for case in state.fk.get(SICK, []):
        if case["aktivt"] is active and case["beslut"][-1]["beslutsutfall"] != "AVSLAG":
            return case
    return None


def _decision(state: State, fits: Callable[[Item], bool]) -> Item | None:
    """The first fitting decision of any case that lists its decisions."""
    for items in state.fk.values():
        for item in items:
            decisions = item.get("beslut", [])
            for row in decisions if isinstance(decisions, list) else [decisions]:
                if fits(row):
                    return row
    return None


CHANGES: Mapping[str, Change] = {
    change.__name__: change
    for change in (
        new_case,
        closed_case,
        reopened_case,
        corrected_period,
        extent_changed,
        annulled_decision,
        deleted_case,
        refused_case,
        retroactive_payment,
        mixed_payment,
        preliminary_payment,
        payment_effectuated,
        equal_payment_removed,
        number_changed,
        protection_set,
        protection_lifted,
        death,
        death_date_known,
        name_changed,
        child_protected,
        certificate_block,
        certificate_reopened,
        pension_decision,
        pension_payment_effectuated,
        pension_claim_withdrawn,
    )
} | {"daily_payment": daily_payment_made}


def apply(state: State, kind: str, rng: Random, today: int, *, may_change_number: bool) -> str:
    """Make the change, or a new payment where it does not fit this person; return the kind that was made."""
    if CHANGES[kind](state, rng, today, may_change_number):
        return kind
    daily_payment_made(state, rng, today, False)
    return "daily_payment"


def merge(state: State, other: State, *, new_number: bool) -> None:
    """Two persons are one: the content of both together, and the other's numbers among the earlier ones."""
    before = [*state.earlier, *([state.number] if new_number else []), *other.earlier, other.number]
    if new_number:
        state.number = people.spare_number(state.birth, coordination=False)
    state.earlier = before
    for own, theirs in ((state.fk, other.fk), (state.pm, other.pm)):
        for name, items in theirs.items():
            if name != DETAILS:
                own[name] = own.get(name, []) + items
