"""What a source knows about one made-up person on one night, and how a person begins."""

from dataclasses import dataclass, field
from functools import cache

from . import people
from .draw import Item, iso, random_for
from .facts import life_status
from .payments import equal_pair, preliminary
from .pensions import OLD_AGE, certificate, claim, decision, payday, payment, pension_sections
from .plan import ROW, Register, merged_into, role, starts_with_coordination_number
from .scene import Scene
from .sickness import sickness_case
from .table import FK_SECTIONS, PM_SECTIONS

SICK = "sjukpenningarende"
DETAILS = "generellPersoninformation"
LIFE = "levnadsintygsuppgift"
PAID, PLANNED = "utbetalningsuppgift", "preliminarautbetalningar"
Sections = dict[str, list[Item]]


@dataclass(slots=True)
class State:
    """One person: the number now, those before, the facts, and the items of every section of both sources."""

    birth: people.Birth
    number: str
    name: str
    protection: str = people.UNPROTECTED
    died: str | None = None
    earlier: list[str] = field(default_factory=list)
    fk: Sections = field(default_factory=dict)
    pm: Sections = field(default_factory=dict)

    def scene(self, rng: people.Random, today: int) -> Scene:
        return Scene(rng, today, self.birth, self.name)

    def plan_nothing(self) -> None:
        """No payment is planned for the dead; late ones of the past may still come."""
        self.fk.pop(PLANNED, None)
        self.pm.pop("preliminaraUtbetalningar", None)

    def facts(self) -> Item:
        """The `person` of an import line."""
        return {
            "namn": self.name,
            "foddes": iso(self.birth.day),
            "avled": self.died,
            "skydd": self.protection,
            "tidigarePersonnummer": list(self.earlier),
        }

    def sections(self, source: str) -> Sections:
        """The source's sections that have items; the person's own details with the facts put in."""
        if source == "PM":
            return {name: items for name, items in self.pm.items() if items}
        return {name: self._shown(name, items) for name, items in self.fk.items() if items}

    def _shown(self, name: str, items: list[Item]) -> list[Item]:
        if name != DETAILS:
            return items
        facts: Item = {"personnummer": self.number, "foddes": iso(self.birth.day), "namn": self.name}
        facts |= {"skyddad": self.protection != people.UNPROTECTED}
        if self.died:
            facts |= {"avled": [self.died]}
        hidden = ("adress", "folkbokford") if self.protection == people.PROTECTED else ()
        return [facts | {key: value for key, value in items[0].items() if key not in hidden}]


def birth(register: Register, index: int) -> people.Birth:
    return people.birth_of(register.seed, index, lambda i: starts_with_coordination_number(register, i))


def promised(register: Register, index: int) -> str | None:
    """The section that the person must have: each of the first tens of persons guarantees one."""
    ten = index // 10
    if ten >= len(FK_SECTIONS) + len(PM_SECTIONS):
        return None
    name = FK_SECTIONS[ten].name if ten < len(FK_SECTIONS) else PM_SECTIONS[ten - len(FK_SECTIONS)]
    return name if index == _keeper(register, ten) else None


@cache
def _keeper(register: Register, ten: int) -> int:
    """The first of the ten persons who is of an age for the section, else the first."""
    fits = FK_SECTIONS[ten].fits if ten < len(FK_SECTIONS) else lambda age: age >= 66
    persons = range(ten * 10, ten * 10 + 10)
    fitting = (n for n in persons if fits((register.today() - birth(register, n).day) // 365))
    return next(fitting, persons[0])


def start(register: Register, index: int) -> State:
    """The person in the population: facts, sections by share and age, and what the part in the cast needs."""
    born = birth(register, index)
    rng = random_for(register.seed, index, "start")
    state = State(born, born.number, people.name_of(register.seed, index, female=born.female))
    scene = state.scene(rng, register.today())
    owed = promised(register, index)
    _draw_facts(state, scene, index)
    age = scene.age
    for section in FK_SECTIONS:
        if (rng.random() < section.share and section.fits(age)) or section.name == owed:
            state.fk[section.name] = section.build(scene)
    state.pm = pension_sections(scene)
    if owed in PM_SECTIONS:
        _give_pension(state, scene)
    if state.died:
        state.plan_nothing()
    _fit_the_part(state, scene, role(register, index))
    return state


def _draw_facts(state: State, scene: Scene, index: int) -> None:
    lot = scene.rng.random()
    if lot < 0.01:
        state.protection = people.PROTECTED if lot < 0.003 else people.MARKED
    elif lot < 0.02:
        state.died = people.death_day(scene.rng, scene.today)
    elif lot < 0.03 and index >= ROW and people.may_change_number(index):
        state.earlier = [people.spare_number(state.birth, coordination=True)]


def _give_pension(state: State, scene: Scene) -> None:
    """All five sections of the Pensions Agency."""
    rng, begun = scene.rng, scene.today - 400
    due = payday(scene.today)
    state.pm = {
        "ansprak": [claim(rng, OLD_AGE, begun)],
        "beslut": [decision(scene, OLD_AGE, begun)],
        "utbetalningar": [payment(rng, [OLD_AGE], due)],
        "preliminaraUtbetalningar": [payment(rng, [OLD_AGE], due + 30)],
        "ovrigInformation": [certificate(scene.today - 40, 2)],
    }


def _fit_the_part(state: State, scene: Scene, kind: str | None) -> None:
    """Make the beginning one that the cast person's change can happen to."""
    rng, today = scene.rng, scene.today
    if kind and kind != "protection_lifted":
        state.protection, state.died = people.UNPROTECTED, None
    if kind in ("closed_case", "extent_changed", "corrected_period", "annulled_decision"):
        state.fk[SICK] = [sickness_case(rng, SICK, today - 120, decisions=2, active=kind != "annulled_decision")]
    elif kind in ("reopened_case", "deleted_case"):
        state.fk[SICK] = [sickness_case(rng, SICK, today - 200, decisions=2, active=False)]
    elif kind == "payment_effectuated":
        state.fk.setdefault(PLANNED, preliminary(scene))
    elif kind == "equal_payment_removed":
        state.fk[PAID] = state.fk.get(PAID, []) + equal_pair(rng, today - 20)
    elif kind == "protection_lifted":
        state.protection, state.died = people.MARKED, None
    elif kind == "death_date_known":
        state.died = people.UNKNOWN_DAY
    elif kind == "child_protected":
        state.fk[DETAILS][0]["barn"] = [_named_child(scene)]
    elif kind in ("certificate_block", "certificate_reopened"):
        state.fk[LIFE] = [life_status(today - 50, 5 if kind == "certificate_reopened" else 4)]
    elif kind in ("pension_payment_effectuated", "pension_claim_withdrawn"):
        _give_pension(state, scene)


def _named_child(scene: Scene) -> Item:
    kid = people.child(scene.rng, scene.today, 1, 12, scene.surname)
    return {"namn": f"Kim {scene.surname}"} | kid | {"skyddad": False}


def gone(register: Register, index: int, night: int) -> bool:
    """Whether the person has by then turned out to be somebody else in the register."""
    other = merged_into(register, index)
    return other is not None and other // ROW + 1 <= night
