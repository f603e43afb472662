"""How much is held on an average person is a mean over the register, and is of no use for knowing about anybody."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benefits import volume
from benefits.models import BenefitPeriod, Person, PersonFacts
from benefits.volume import bytes_a_person
from tests.factories import BenefitPeriodFactory, ImportFactory, identity_number

pytestmark = pytest.mark.django_db
PERSONS = 1000


@pytest.fixture
def register():
    """A thousand persons of whom nothing is known but who they are."""
    return persons(PERSONS)


def persons(count):
    made = Person.objects.bulk_create(Person(first_number=identity_number(n)) for n in range(count))
    PersonFacts.objects.bulk_create(PersonFacts(person=one, recorded_in=1) for one in made)
    return made


def payment(*benefits):
    return json.dumps({"utbetalningsdetalj": [{"forman": {"id": one}} for one in benefits]})


def test_what_is_held_is_shared_by_everybody_in_the_register(register):
    for person in register[:10]:
        BenefitPeriodFactory(person=person, content="x" * 200)

    assert bytes_a_person() == {"FK:SJP": 10 * 200 / PERSONS}


def test_what_no_longer_stands_is_not_counted(register):
    BenefitPeriodFactory(person=register[0], withdrawn_in=2)

    assert bytes_a_person() == {}


SHARED = {
    "a payment of one benefit": ("utbetalningsuppgift", payment("SJP"), {"FK:SJP": 1}),
    "a payment of two": ("utbetalningsuppgift", payment("SJP", "SJP", "FP"), {"FK:SJP": 2 / 3, "FK:FP": 1 / 3}),
    "a payment that no benefit answers for": ("utbetalningsuppgift", payment("GULD"), {}),
    "a payment without rows": ("utbetalningsuppgift", '{"formansfamilj": {"id": "DAG"}}', {}),
    "an item that names its benefit": ("ovrigInformation", '{"informationstyp": {"kod": "PM:PU"}}', {"PM:PU": 1}),
    "a section of another time": ("guldtackor", "{}", {}),
}


@pytest.mark.parametrize(("section", "content", "shares"), SHARED.values(), ids=SHARED)
def test_an_item_counts_for_the_benefits_that_it_speaks_of(register, section, content, shares):
    BenefitPeriodFactory(person=register[0], section=section, content=content)

    mean = len(content) / PERSONS
    assert bytes_a_person() == pytest.approx({benefit: share * mean for benefit, share in shares.items()})


def test_too_small_a_register_says_nothing():
    made = persons(PERSONS - 1)
    BenefitPeriodFactory(person=made[0])
    PersonFacts.objects.filter(person=made[0]).update(withdrawn_in=2)

    assert bytes_a_person() == {}


def test_an_empty_register_says_nothing():
    assert bytes_a_person() == {}


def test_of_a_large_register_so_many_persons_are_read_spread_over_all_of_it(register, monkeypatch):
    monkeypatch.setattr(volume, "READ", 100)
    BenefitPeriod.objects.bulk_create(
        BenefitPeriod(person=one, section="sjukpenningarende", digest="", content="x" * 50, recorded_in=1)
        for one in register
    )

    assert bytes_a_person() == {"FK:SJP": 50.0}


def test_it_is_reckoned_once_for_each_import(register):
    ImportFactory(number=1)
    BenefitPeriodFactory(person=register[0], content="x" * 100)
    first = bytes_a_person()
    BenefitPeriodFactory(person=register[1], content="x" * 100)
    with CaptureQueriesContext(connection) as queries:
        assert bytes_a_person() == first
    assert len(queries) == 1

    ImportFactory(number=2)

    assert bytes_a_person() == {"FK:SJP": 0.2}
