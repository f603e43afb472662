"""Rules about what becomes known: cases, payments, decisions, facts and numbers, as import files bring them."""

from copy import deepcopy
from datetime import date, timedelta

from hypothesis import strategies as st

from benefits.models import Quarantined
from tests.histories import sources
from tests.histories.sources import CASES, DETAILS, FP, PAID, PLANNED, PM_CASES, SJP, Someone
from tests.histories.steps import ANY, DAYS_AGO, PERSON, another, happens, pick
from tests.histories.world import World

CASE = st.sampled_from([SJP, FP])
FEW_DAYS = st.integers(1, 60)
CODES = st.sampled_from([("SJP",), ("FP",), ("SJP", "FP"), ("DAG",)])
EMPTIED = [*CASES.values(), PAID, PLANNED, DETAILS]
NAMES = ["Åsa Test", "Eva Test", "Pål Test"]
DEATHS = [None, "2026", "2026-01", "2026-01-02", "Datum saknas"]


class Knowledge:
    """Each rule changes what a source knows of a person, and hands it over."""

    world: World
    merged: list[tuple[Someone, Someone, Someone]]
    emptied: list[tuple[Someone, str, list]]

    def someone(self, person: int) -> Someone:
        people = self.world.sources.people
        return people[person % len(people)]

    def ago(self, days: int) -> date:
        return self.world.day - timedelta(days=days)

    def guarded(self) -> list[Someone]:
        return [one for one in self.world.sources.people if one.protection != "INGET"]

    def filled(self, *sections: str) -> list[tuple[Someone, str]]:
        """Whose sections have something in them."""
        people = self.world.sources.people
        return [(one, section) for one in people for section in sections if one.sections.get(section)]

    def import_of(self, *persons: Someone, only: list[str] | None = None) -> None:
        self.world.sources.hand_over(self.world.now, *persons, only=only)

    @happens(person=PERSON, benefit=CASE, ago=DAYS_AGO, days=FEW_DAYS)
    def new_case(self, person, benefit, ago, days):
        one = self.someone(person)
        make = sources.sickness if benefit == SJP else sources.parental
        one.items(CASES[benefit]).append(make(self.ago(ago), days))
        self.import_of(one, only=[CASES[benefit]])

    @happens(person=PERSON, ago=DAYS_AGO, days=FEW_DAYS)
    def new_refusal(self, person, ago, days):
        one = self.someone(person)
        one.items(CASES[SJP]).append(sources.sickness(self.ago(ago), days, outcome="AVSLAG"))
        one.items(CASES[FP]).append(sources.parental(self.ago(ago), days, refused=True))
        self.import_of(one, only=[CASES[SJP], CASES[FP]])

    @happens(person=PERSON, benefit=CASE, days=FEW_DAYS)
    def corrected_period(self, person, benefit, days):
        one = self.someone(person)
        if not one.items(CASES[benefit]):
            one.items(CASES[benefit]).append(sources.sickness(self.ago(9), 9) if benefit == SJP else {})
        case = one.items(CASES[benefit])[-1]
        case["beslut"] = case.get("beslut") or [{}]
        case["beslut"][0]["period"] = {"fran": self.ago(days).isoformat(), "till": self.ago(0).isoformat()}
        self.import_of(one, only=[CASES[benefit]])

    @happens(weight=2, when=lambda self: self.filled(*CASES.values()), which=ANY)
    def closed_case(self, which):
        one, section = pick(self.filled(*CASES.values()), which)
        for case in one.items(section):
            case["aktivt"] = not case.get("aktivt", True)
        self.import_of(one, only=[section])

    @happens(person=PERSON, ago=DAYS_AGO, amount=st.integers(1, 3), codes=CODES, less=st.integers(0, 1))
    def retroactive_payment(self, person, ago, amount, codes, less):
        one = self.someone(person)
        one.items(PAID).append(sources.payment(self.ago(ago), 1000 * amount, *codes, deduction=less))
        self.import_of(one, only=[PAID])

    @happens(person=PERSON, ago=DAYS_AGO)
    def two_equal_payments(self, person, ago):
        one = self.someone(person)
        one.items(PAID).extend(sources.payment(self.ago(ago), 5000, "SJP") for _ in range(2))
        self.import_of(one, only=[PAID])

    @happens(person=PERSON)
    def one_of_two_removed(self, person):
        paid = self.someone(person).items(PAID)
        twice = next((one for one in paid if paid.count(one) > 1), None)
        if twice is None:
            paid.extend(sources.payment(self.ago(30), 700, "SJP") for _ in range(2))
            self.import_of(self.someone(person), only=[PAID])
            twice = paid[-1]
        paid.remove(twice)
        self.import_of(self.someone(person), only=[PAID])

    @happens(person=PERSON, codes=CODES)
    def planned_payment(self, person, codes):
        one = self.someone(person)
        one.items(PLANNED).append(sources.payment(self.world.day + timedelta(days=9), 900, *codes))
        self.import_of(one, only=[PLANNED])

    @happens(person=PERSON)
    def planned_payment_paid(self, person):
        one = self.someone(person)
        if not one.items(PLANNED):
            one.items(PLANNED).append(sources.payment(self.world.day, 800, "SJP"))
            self.import_of(one, only=[PLANNED])
        one.items(PAID).append(one.items(PLANNED).pop())
        self.import_of(one, only=[PLANNED, PAID])

    @happens(person=PERSON, benefit=CASE)
    def annulled_decision(self, person, benefit):
        one = self.someone(person)
        case = next((case for case in one.items(CASES[benefit]) if case.get("beslut")), None)
        if case is None:
            case = sources.sickness(self.ago(3), 3)
            one.items(CASES[benefit]).append(case)
            self.import_of(one, only=[CASES[benefit]])
        case["beslut"] = []
        self.import_of(one, only=[CASES[benefit]])

    @happens(weight=2, when=lambda self: self.filled(*EMPTIED), which=ANY)
    def section_emptied(self, which):
        one, section = pick(self.filled(*EMPTIED), which)
        self.emptied.append((one, section, one.sections.pop(section)))
        self.import_of(one, only=[section])

    @happens(weight=3, when=lambda self: self.emptied_and_here())
    def section_reopened(self):
        one, section, items = self.emptied_and_here()[-1]
        self.emptied = [entry for entry in self.emptied if entry[2] is not items]
        one.items(section).extend(deepcopy(items))
        self.import_of(one, only=[section])

    def emptied_and_here(self) -> list[tuple[Someone, str, list]]:
        """What was emptied, of persons who have not become part of another since."""
        return [entry for entry in self.emptied if entry[0] in self.world.sources.people]

    @happens(person=PERSON, which=ANY)
    def moved_house(self, person, which):
        one = self.someone(person)
        streets = [[sources.details(one.number, street, one.name)] for street in range(3)]
        one.sections[DETAILS] = another(streets, one.items(DETAILS), which)
        self.import_of(one, only=[DETAILS])

    @happens(person=PERSON, which=ANY)
    def changed_name(self, person, which):
        one = self.someone(person)
        one.name = another(NAMES, one.name, which)
        self.import_of(one)

    @happens(person=PERSON, which=ANY)
    def died(self, person, which):
        """Or the death is corrected, or taken back."""
        one = self.someone(person)
        one.died = another(DEATHS, one.died, which)
        self.import_of(one, only=[])

    @happens(person=PERSON, start=DAYS_AGO, amount=st.integers(1, 3), outcome=st.sampled_from(["BEVILJAD", "AVSLAG"]))
    def pension_decided(self, person, start, amount, outcome):
        one = self.someone(person)
        one.sections[PM_CASES] = [
            sources.pension(1, self.ago(start), 1000 * amount, outcome=outcome),
            sources.pension(2, self.ago(30), 500),
        ]
        self.world.sources.hand_over_pension(self.world.now, one)

    @happens(person=PERSON)
    def quarantined_section(self, person):
        """A section that cannot be read, beside one that can: the first is as it was, the second is news."""
        one = self.someone(person)
        line = sources.line_of(one, "FK", [CASES[SJP], PAID])
        line["svar"]["formansinformation"][CASES[SJP]] = [{"aktivt": "kanske"}]
        self.world.sources.send("FK", [line], self.world.now)
        assert Quarantined.objects.exists()

    @happens(source=st.sampled_from(["FK", "PM"]), state=st.sampled_from(["FELANDE", "OTILLGANGLIG"]))
    def source_down(self, source, state):
        self.world.sources.send(source, [], self.world.now, state=state)

    @happens(which=ANY)
    def file_sent_twice(self, which):
        sent = [source for source, sequence in self.world.sources.sequences.items() if sequence]
        assert self.world.sources.send_again(pick(sent, which), self.world.now), "a repeated file was taken in"

    @happens(person=PERSON)
    def nothing_new(self, person):
        self.import_of(self.someone(person))

    @happens(person=PERSON)
    def number_changed(self, person):
        one = self.someone(person)
        one.former.append(one.number)
        one.number = self.future.pop() if self.future else self.world.sources.new_number()
        self.import_of(one)

    @happens(
        weight=2,
        when=lambda self: len(self.world.sources.people) > 4,
        person=PERSON,
        other=PERSON,
        protection=st.sampled_from(["INGET", "INGET", "SEKRETESSMARKERING"]),
    )
    def two_found_to_be_one(self, person, other, protection):
        one = self.someone(person)
        gone = pick([someone for someone in self.world.sources.people if someone is not one], other)
        self.merged.append((one, deepcopy(one), gone))
        self.world.sources.people.remove(gone)
        one.former += [gone.number, *gone.former]
        one.protection = protection
        for section, items in gone.sections.items():
            one.items(section).extend(items)
        self.import_of(one)

    @happens(weight=3, when=lambda self: self.merged, both=st.booleans())
    def wrong_merge_split(self, both):
        one, before, gone = self.merged.pop()
        theirs = {gone.number, *gone.former}
        one.former = [number for number in one.former if number not in theirs]
        one.sections = before.sections
        self.world.sources.people.append(gone)
        if both:
            self.import_of(one, gone)
        else:  # one file after the other
            self.import_of(one)
            self.import_of(gone)

    @happens(
        weight=2,
        when=lambda self: len(self.guarded()) < 3,
        person=PERSON,
        kind=st.sampled_from(["SEKRETESSMARKERING", "SKYDDAD_FOLKBOKFORING"]),
    )
    def protection_set(self, person, kind):
        self.protect(pick([one for one in self.world.sources.people if one not in self.guarded()], person), kind)

    def protect(self, one: Someone, kind: str = "SEKRETESSMARKERING") -> None:
        one.protection = kind
        self.import_of(one, only=[])

    @happens(weight=3, when=lambda self: self.guarded(), which=ANY)
    def protection_lifted(self, which):
        one = pick(self.guarded(), which)
        one.protection = "INGET"
        self.import_of(one, only=[])
