"""Bulk work reads the same on both databases."""

import pytest
from django.db import connection

from benefits.models import Person
from lefi import bulk
from tests.factories import PersonFactory, identity_number

pytestmark = pytest.mark.django_db


def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, word FROM test_words ORDER BY n")
        return cursor.fetchall()


@pytest.fixture
def words():
    bulk.make_temporary_table("test_words", "n integer, word varchar(60)")
    yield
    bulk.drop_temporary_tables(["test_words"])


AWKWARD = ["å", "", None, "tab\there", "line\nfeed", "back\\slash", "\\N", '"quoted", yes', "'; DROP TABLE x; --"]


def test_every_value_comes_back_as_it_was_copied(words):
    count = bulk.copy_rows("test_words", ["n", "word"], enumerate(AWKWARD))

    assert count == len(AWKWARD)
    assert rows() == list(enumerate(AWKWARD))


def test_more_than_one_chunk_is_copied_and_counted(words, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)

    assert bulk.copy_rows("test_words", ["n", "word"], ((n, "x") for n in range(5))) == 5
    assert len(rows()) == 5


def test_nothing_copied_is_nothing(words):
    assert bulk.copy_rows("test_words", ["n", "word"], []) == 0


def test_a_temporary_table_takes_the_place_of_one_with_its_name(words):
    bulk.copy_rows("test_words", ["n", "word"], [(1, "x")])
    bulk.make_temporary_table("test_words", "n integer, word varchar(60)")

    assert rows() == []


def test_a_statement_tells_how_many_rows_it_changed(words):
    bulk.copy_rows("test_words", ["n", "word"], [(1, "x"), (2, "x"), (3, "y")])
    bulk.analyze(["test_words"])

    assert bulk.execute("UPDATE test_words SET word = %s WHERE word = %s", ["z", "x"]) == 2


def test_dropping_what_is_not_there_is_harmless(words):
    bulk.copy_rows("test_words", ["n", "word"], [(1, "x")])

    bulk.drop_temporary_tables(["never_made"])

    assert rows() == [(1, "x")]


def test_the_database_in_use_is_known():
    assert bulk.on_postgresql() is (connection.vendor == "postgresql")


def test_a_fresh_id_is_one_that_no_row_has_had_and_that_no_later_row_gets(words):
    gone = PersonFactory(held=None, known=None).pk
    Person.objects.filter(pk=gone).delete()
    bulk.copy_rows("test_words", ["n", "word"], [(n, identity_number(n)) for n in (1, 2)])
    bulk.execute(
        f"INSERT INTO benefits_person (id, first_number) SELECT {bulk.fresh_id('benefits_person', 'n')}, word "
        "FROM test_words"
    )
    later = Person.objects.create(first_number=identity_number(3))

    drawn = set(Person.objects.exclude(pk=later.pk).values_list("pk", flat=True))
    assert len(drawn) == 2
    assert gone < min(drawn) and max(drawn) < later.pk
