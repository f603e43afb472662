"""Which numbers of a protected person stand apart: those that it did not have when protection began (C8)."""

import pytest

from benefits.apart import no_longer_apart, numbers_apart
from benefits.models import Protection
from tests.factories import PersonFactory, PersonFactsFactory, PersonNumberFactory, identity_number

pytestmark = pytest.mark.django_db
NONE, MARKED, REGISTRATION = Protection.NONE, Protection.MARKED, Protection.REGISTRATION
NUMBER = identity_number(1)

# The import that each protection held from, and the versions of a number: from which import, and until which.
HISTORIES = {
    "never protected": ([(1, NONE)], [(2, None)], False),
    "nothing is known of the person": ([], [(2, None)], False),
    "the number came before protection": ([(1, NONE), (3, MARKED)], [(2, None)], False),
    "the number is older than the facts": ([(3, MARKED)], [(0, None)], False),
    "the two came together": ([(1, NONE), (3, MARKED)], [(3, None)], True),
    "the number came in protection": ([(1, NONE), (3, MARKED)], [(4, None)], True),
    "protection changed its kind since": ([(1, NONE), (3, MARKED), (5, REGISTRATION)], [(4, None)], True),
    "protected since ever": ([(1, MARKED)], [(1, None)], True),
    "it was current and has been replaced": ([(1, NONE), (3, MARKED)], [(1, 4), (4, None)], False),
    "protection has ended": ([(1, NONE), (3, MARKED), (5, NONE)], [(4, None)], False),
    "it came in an earlier protection": ([(1, MARKED), (3, NONE), (5, MARKED)], [(2, None)], False),
    "it had left before protection and came back": ([(1, NONE), (4, MARKED)], [(1, 3), (5, None)], True),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_a_number_stands_apart_if_it_came_in_the_protection_that_holds(history):
    protections, versions, apart = HISTORIES[history]

    assert numbers_apart([somebody(protections, versions)]) == ({NUMBER} if apart else set())


def somebody(protections, versions) -> int:
    """A person with these protections and versions of the number."""
    person = PersonFactory(held=None, known=None)
    ends = [recorded for recorded, _ in protections[1:]]
    for (recorded, protection), end in zip(protections, [*ends, None], strict=False):
        PersonFactsFactory(person=person, recorded_in=recorded, withdrawn_in=end, protection=protection)
    for recorded, withdrawn in versions:
        PersonNumberFactory(person=person, number=NUMBER, recorded_in=recorded, withdrawn_in=withdrawn)
    return person.pk


# The same, with the import after which the end of a protection lets the number in; None if it never does.
ENDS = {
    "it came in the protection that ended": ([(1, NONE), (3, MARKED), (5, NONE)], [(4, None)], 5),
    "protection changed its kind before": ([(2, MARKED), (3, REGISTRATION), (5, NONE)], [(4, None)], 5),
    "protected anew since": ([(1, MARKED), (3, NONE), (5, MARKED)], [(2, None)], None),
    "other facts have changed since": ([(1, MARKED), (3, NONE), (5, NONE)], [(2, None)], 3),
    "it came before protection": ([(1, NONE), (3, MARKED), (5, NONE)], [(2, None)], None),
    "it has left": ([(1, NONE), (3, MARKED), (5, NONE)], [(4, 6)], None),
    "protection holds": ([(1, NONE), (3, MARKED)], [(4, None)], None),
    "protection changed its kind": ([(1, NONE), (3, MARKED), (5, REGISTRATION)], [(4, None)], None),
    "never protected": ([(1, NONE), (3, NONE)], [(2, None)], None),
}


@pytest.mark.parametrize("history", ENDS)
def test_a_number_stands_apart_no_longer_once_the_protection_it_came_in_has_ended(history):
    protections, versions, ended = ENDS[history]
    person = somebody(protections, versions)

    assert no_longer_apart(since=0) == ({NUMBER: person} if ended else {})
    assert no_longer_apart(since=(ended or 1) - 1) == ({NUMBER: person} if ended else {})
    assert no_longer_apart(since=ended or 1) == {}


def test_of_nobody_no_number_stands_apart():
    assert numbers_apart([]) == set()
