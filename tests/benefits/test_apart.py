"""Which numbers of a protected person stand apart: those that it did not have when protection began (C8)."""

import pytest

from benefits.apart import numbers_apart
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
    person = PersonFactory(held=None, known=None)
    ends = [recorded for recorded, _ in protections[1:]]
    for (recorded, protection), end in zip(protections, [*ends, None], strict=False):
        PersonFactsFactory(person=person, recorded_in=recorded, withdrawn_in=end, protection=protection)
    for recorded, withdrawn in versions:
        PersonNumberFactory(person=person, number=NUMBER, recorded_in=recorded, withdrawn_in=withdrawn)

    assert numbers_apart([person.pk]) == ({NUMBER} if apart else set())


def test_of_nobody_no_number_stands_apart():
    assert numbers_apart([]) == set()
