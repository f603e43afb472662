"""The steps between file and register, each over whole sets."""

import pytest
from django.db import connection

from benefits import staging
from benefits.importfile import Facts, Item, Line
from benefits.models import Person, PersonNumber, Touched
from tests.factories import PersonFactory, PersonNumberFactory, identity_number

pytestmark = pytest.mark.django_db

ONE, TWO, THREE = (identity_number(n) for n in (801, 802, 803))


@pytest.fixture(autouse=True)
def tables():
    staging.make_tables()
    yield
    staging.drop_tables()


def facts(*former):
    return Facts("Karin", "1950-01-01", "", "INGET", former)


def count(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_a_line_is_spread_over_the_tables():
    item = Item("sjukpenningarende", "d" * 64, 1, None, None, None, None, "{}")
    staging.stage([Line(ONE, facts(TWO), ["sjukpenningarende", "skatteuppgift"], [item])], 1)

    counts = {name: count(name) for name in staging.TABLES}
    assert counts == {
        "staged_line": 1,
        "staged_facts": 1,
        "staged_former": 1,
        "staged_spoken": 2,
        "staged_item": 1,
        "staged_person": 0,
        "staged_touched": 0,
    }


def test_repeats_are_found_by_number_and_by_a_number_that_two_lines_share():
    def places(*lines):
        staging.make_tables()
        staging.stage(list(lines), 1)
        return staging.places_of_repeats()

    assert places(Line(ONE), Line(TWO), Line(ONE)) == [1, 3]
    assert places(Line(ONE, facts(TWO)), Line(TWO)) == [2]
    assert places(Line(ONE, facts(THREE)), Line(TWO, facts(THREE))) == [1, 2]
    assert places(Line(ONE, facts(ONE)), Line(TWO, facts(THREE, THREE))) == []


def test_number_news_are_lines_that_name_an_earlier_number_or_whose_person_has_one():
    ordinary, changed = PersonFactory(), PersonFactory(first_number=ONE)
    PersonNumberFactory(person=changed, number=TWO, current=False)
    staging.stage([Line(ordinary.first_number, facts()), Line(ONE, facts()), Line(THREE, facts(TWO))], 1)

    assert staging.lines_with_number_news() == [(ONE, []), (THREE, [TWO])]


def test_only_numbers_that_nobody_holds_get_a_person():
    held = PersonFactory(first_number=ONE)
    staging.stage([Line(ONE), Line(TWO)], 1)
    for _ in range(2):
        staging.add_unknown_persons(5)
    staging.find_persons()

    assert Person.objects.count() == 2
    assert PersonNumber.objects.get(number=TWO).recorded_in == 5
    assert PersonNumber.objects.get(number=ONE).person == held
    assert count("staged_person") == 2


def test_a_number_let_go_can_get_a_person_again():
    row = PersonNumberFactory(number=ONE, withdrawn_in=2)
    staging.stage([Line(ONE)], 1)
    staging.add_unknown_persons(3)

    assert PersonNumber.objects.live().get(number=ONE).person != row.person


def test_a_section_touched_twice_is_logged_once():
    person = PersonFactory()
    for _ in range(2):
        staging.touch(person.pk, "skatteuppgift")

    assert staging.publish_touched(4) == 1
    assert Touched.objects.get().number == 4
