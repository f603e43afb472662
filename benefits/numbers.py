"""Who holds which identity number: changes, two persons found to be one, and a wrong merge taken apart (C8).

A line's own number is the person's current one and the earlier ones it names are all there are: a number that it
no longer names is let go, to a person of its own.
"""

from benefits import staging
from benefits.models import HEADER, BenefitPeriod, Person, PersonFacts, PersonNumber


def follow(*, number: str, former: list[str], recorded_in: int) -> None:
    """Make one person hold `number` as current and `former` as earlier numbers, as of import `recorded_in`."""
    numbers = {number, *former}
    holders = _holders(numbers)
    person = _the_person(number, former, holders)
    for merged in holders - {person.pk}:
        if not _stands_alone(merged, numbers):
            continue
        _take_over(person, merged, recorded_in)
    wanted = {number: True} | {one: False for one in former if one != number}
    for stale in PersonNumber.objects.live().filter(person=person):
        if stale.number not in wanted:
            _withdraw(stale, recorded_in)
            _hold(Person.objects.create(first_number=stale.number), stale.number, True, recorded_in)
        elif stale.current != wanted[stale.number]:
            _withdraw(stale, recorded_in)
    for one, current in wanted.items():
        held = PersonNumber.objects.live().filter(number=one).first()
        if held is not None and held.person_id != person.pk:
            _withdraw(held, recorded_in)
        if held is None or held.person_id != person.pk:
            _hold(person, one, current, recorded_in)


def _holders(numbers: set[str]) -> set[int]:
    return set(PersonNumber.objects.live().filter(number__in=numbers).values_list("person_id", flat=True))


def _the_person(number: str, former: list[str], holders: set[int]) -> Person:
    """The oldest person who holds any of the numbers as current; a new one where nobody does.

    A number held only as somebody's earlier number, and here said to stand alone, is that of a person of its own.
    """
    current = PersonNumber.objects.live().filter(number__in=[number, *former], current=True)
    ids = sorted(current.values_list("person_id", flat=True)) or (sorted(holders) if former else [])
    return Person.objects.get(pk=ids[0]) if ids else Person.objects.create(first_number=number)


def _stands_alone(person_id: int, numbers: set[str]) -> bool:
    """Whether all that the person holds is among the numbers, so that the person is the same as their holder."""
    held = PersonNumber.objects.live().filter(person_id=person_id).values_list("number", flat=True)
    return set(held) <= numbers


def _take_over(person: Person, merged: int, recorded_in: int) -> None:
    """Give a person all content of another who was found to be the same."""
    have = set(BenefitPeriod.objects.live().filter(person=person).values_list("section", "digest", "ordinal"))
    periods = BenefitPeriod.objects.live().filter(person=merged)
    moved = [one for one in periods if (one.section, one.digest, one.ordinal) not in have]
    for section in set(periods.values_list("section", flat=True)):
        staging.touch(person.pk, section)
        staging.touch(merged, section)
    periods.update(withdrawn_in=recorded_in)
    for one in moved:
        one.pk, one.person, one.recorded_in, one.withdrawn_in = None, person, recorded_in, None
    BenefitPeriod.objects.bulk_create(moved)
    _take_over_facts(person, merged, recorded_in)
    staging.touch(person.pk, HEADER)
    staging.touch(merged, HEADER)


def _take_over_facts(person: Person, merged: int, recorded_in: int) -> None:
    facts = PersonFacts.objects.live().filter(person=merged)
    if not PersonFacts.objects.live().filter(person=person).exists():
        for one in list(facts):
            one.pk, one.person, one.recorded_in = None, person, recorded_in
            one.save(force_insert=True)
    facts.update(withdrawn_in=recorded_in)


def _withdraw(row: PersonNumber, recorded_in: int) -> None:
    staging.touch(row.person_id, HEADER)
    PersonNumber.objects.filter(pk=row.pk).update(withdrawn_in=recorded_in)


def _hold(person: Person, number: str, current: bool, recorded_in: int) -> None:
    PersonNumber.objects.create(person=person, number=number, current=current, recorded_in=recorded_in)
    staging.touch(person.pk, HEADER)
